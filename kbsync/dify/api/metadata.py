"""Calls about metadata fields and values (docs/dify-api.md section 8)."""

from __future__ import annotations

from collections.abc import Sequence

from kbsync.dify.capabilities import Alternatives
from kbsync.dify.http import Exchange, mapped
from kbsync.dify.reading import M
from kbsync.dify.request import ApiCall, Subject, read, write
from kbsync.dify.schemas import BuiltInFields, MetadataField, MetadataFields, NoField, RenamedField
from kbsync.lazy_dataclass import dataclass
from kbsync.model import Capability, Done, Gone, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value to assign: stored under `name`, linked under `field_id`; the two have to agree."""

    field_id: str
    name: str
    value: str | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentValues:
    """What one document is assigned.

    Args:
        merge: True keeps the document's other values; False drops them.
    """

    document_id: str
    values: Sequence[Value]
    merge: bool


class Metadata:
    """The metadata of one knowledge base. Field changes run one at a time: they take a lock."""

    def __init__(self, exchange: Exchange, alternatives: Alternatives) -> None:
        self._exchange = exchange
        self._alternatives = alternatives

    async def _ask(self, call: ApiCall, shape: type[M], *, json: object = None) -> Outcome[M]:
        return await self._alternatives.require(
            Capability.METADATA, call.what, lambda: self._exchange.ask(call, shape, json=json)
        )

    async def _tell(self, call: ApiCall, *, json: object = None) -> Outcome[None]:
        return await self._alternatives.require(
            Capability.METADATA, call.what, lambda: self._exchange.tell(call, json=json)
        )

    async def fields(self, base_id: str) -> Outcome[MetadataFields]:
        """Return all fields; there are no pages."""
        call = read("list metadata fields", Subject.METADATA, "datasets", base_id, "metadata")
        return await self._ask(call, MetadataFields)

    async def create_field(
        self, base_id: str, name: str, type: str = "string"
    ) -> Outcome[MetadataField]:
        """Make a field; `type` is ``string``, ``number`` or ``time``."""
        path = ("datasets", base_id, "metadata")
        call = write("make metadata field", Subject.METADATA, "POST", *path)
        return await self._ask(call, MetadataField, json={"type": type, "name": name})

    async def rename_field(self, base_id: str, field_id: str, name: str) -> Outcome[MetadataField]:
        """Rename a field; the server answers 200 with nulls for an unknown one: `Gone`."""
        path = ("datasets", base_id, "metadata", field_id)
        call = write("rename metadata field", Subject.METADATA, "PATCH", *path)
        outcome = await self._ask(call, RenamedField, json={"name": name})
        if not isinstance(outcome, Done):
            return outcome
        # An unknown id is answered with 200 and nulls.
        field = outcome.value.root
        return Gone() if isinstance(field, NoField) else Done(field)

    async def delete_field(self, base_id: str, field_id: str) -> Outcome[None]:
        """Delete a field and its values; an unknown one succeeds too."""
        path = ("datasets", base_id, "metadata", field_id)
        call = write("delete metadata field", Subject.METADATA, "DELETE", *path)
        return await self._tell(call)

    async def built_in(self, base_id: str) -> Outcome[Sequence[str]]:
        """Return the names of the built-in fields."""
        path = ("datasets", base_id, "metadata", "built-in")
        call = read("list built-in fields", Subject.METADATA, *path)
        reply = await self._ask(call, BuiltInFields)
        return mapped(reply, lambda found: [field.name for field in found.fields])

    async def show_built_in(self, base_id: str, shown: bool) -> Outcome[None]:
        """Show or hide the built-in fields."""
        action = "enable" if shown else "disable"
        path = ("datasets", base_id, "metadata", "built-in", action)
        return await self._tell(write(f"{action} built-in fields", Subject.METADATA, "POST", *path))

    async def assign(self, base_id: str, batch: Sequence[DocumentValues]) -> Outcome[None]:
        """Assign values to many documents in one call.

        `Done` says that the call was taken, not that anything was stored: the server drops rows
        without a word. Read the documents back.
        """
        path = ("datasets", base_id, "documents", "metadata")
        call = write("assign metadata", Subject.METADATA, "POST", *path)
        return await self._tell(call, json={"operation_data": [_operation(row) for row in batch]})


def _operation(row: DocumentValues) -> dict[str, object]:
    values = [{"id": v.field_id, "name": v.name, "value": v.value} for v in row.values]
    return {
        "document_id": row.document_id,
        "metadata_list": values,
        "partial_update": row.merge,
    }
