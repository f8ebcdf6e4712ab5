"""The engine's port over every server: one document's life, and every refusal as a value."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import AsyncIterator
from typing import TypeVar

import anyio
import pytest
from abilities import Ability, needs
from contract_server import NOWHERE, PATIENCE, Base, Quirky, Server

from kbsync.config.chunking import Retrieval
from kbsync.dify.access import Access, ApiKey
from kbsync.dify.api.search import by_keyword
from kbsync.dify.client import DifyClient
from kbsync.dify.remote import DifyRemote
from kbsync.engine.ports import Assignment
from kbsync.messages import remote as messages
from kbsync.model import (
    UNDECLARED,
    BaseSettings,
    Capability,
    Chunking,
    Done,
    Gone,
    NotReady,
    Outcome,
    Progress,
    Readiness,
    Rejected,
    RemoteDocument,
    Setting,
    Stat,
    Throttled,
    Unauthorized,
)
from kbsync.model import Base as Found
from kbsync.planning.declared_metadata import are_stored

pytestmark = pytest.mark.anyio
T = TypeVar("T")
CHUNKING = Chunking(process_rule={"mode": "automatic"})
MEMBER = "11111111-2222-4333-8444-555555555555"


class Words:
    """A payload of a few words."""

    media_type = "text/markdown"
    taken = None

    def __init__(self, text: str) -> None:
        self._raw = io.BytesIO(text.encode())
        self._hash = hashlib.sha256()
        self.size = len(text.encode())
        self.stat = Stat(self.size, 0, 0, 1)

    def read(self, size: int = -1) -> bytes:
        piece = self._raw.read(size)
        self._hash.update(piece)
        return piece

    @property
    def content(self) -> str:
        return self._hash.hexdigest()

    def torn(self) -> bool:
        return False


def client_of(server: Server, key: str | None = None) -> DifyClient:
    access = Access(url=server.url, key=ApiKey(key or server.key), environment=False)
    return DifyClient(access, server.transport)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[DifyClient]:
    async with client_of(server) as opened:
        yield opened


@pytest.fixture
def remote(client: DifyClient) -> DifyRemote:
    return DifyRemote(client)


def done(outcome: Outcome[T]) -> T:
    assert isinstance(outcome, Done), outcome
    return outcome.value


async def finished(remote: DifyRemote, base: Base, document: str, batch: str) -> Progress:
    with anyio.fail_after(PATIENCE):
        while True:
            shown = done(await remote.progress(base.id, document, batch))
            if not shown.readiness.busy:
                return shown
            await anyio.sleep(0.02)


async def made(remote: DifyRemote, base: Base, name: str, text: str) -> RemoteDocument:
    uploaded = done(await remote.create(base.id, name, Words(text), CHUNKING))
    assert uploaded.batch
    shown = await finished(remote, base, uploaded.document.id, uploaded.batch)
    assert shown.readiness is Readiness.AVAILABLE, shown
    return uploaded.document


async def test_the_life_of_a_document(remote: DifyRemote, base: Base) -> None:
    text = "some words to find"
    name = "guides∕naïve 100%_文.md"
    assert done(await remote.named(base.id, name)) == ()
    uploaded = done(await remote.create(base.id, name, Words(text), CHUNKING))
    assert uploaded.content == hashlib.sha256(text.encode()).hexdigest()
    document = uploaded.document
    assert document.name == name
    assert document.size == (len(text) if base.can(Ability.FILE_SHOWN) else None)
    shown = await finished(remote, base, document.id, uploaded.batch or "")
    assert (shown.readiness, shown.completed, shown.total) == (Readiness.AVAILABLE, 1, 1)

    (row,) = done(await remote.named(base.id, name))
    page = done(await remote.page(base.id, 1))
    got = done(await remote.document(base.id, document.id))
    assert page.documents == (row,)
    assert page.total == 1
    assert row.id == got.id == document.id
    assert row.rev == got.rev == document.rev != ""
    of_a_get = None if base.can(Ability.GET_DOCUMENT) else len(text)
    assert (row.word_count, got.word_count) == (len(text), of_a_get)
    assert row.readiness is got.readiness is Readiness.AVAILABLE

    assert done(await remote.page(base.id, 1, rows=1)).documents == (row,)
    assert not row.tokens

    in_error = done(await remote.page(base.id, 1, status="error")).documents
    assert in_error == (() if base.can(Ability.STATUS_FILTER) else (row,))
    assert await remote.delete(base.id, document.id) == Done(None)
    assert await remote.delete(base.id, document.id) == Gone()
    assert await remote.document(base.id, document.id) == Gone()
    assert await remote.progress(base.id, document.id, uploaded.batch or "") == Gone()
    assert isinstance(await remote.base(base.id), Done)


async def test_update_replaces_content_and_name(
    remote: DifyRemote, base: Base, updates: None
) -> None:
    before = await made(remote, base, "a.md", "old words")
    reply = await remote.update(base.id, before.id, "b.md", Words("new words"), CHUNKING)
    after = done(reply).document
    assert (after.id, after.name) == (before.id, "b.md")
    assert after.rev != before.rev
    await base.settled(after.id)
    assert await base.chunks(after.id) == ["new words"]


@needs(Ability.SEARCH)
async def test_a_document_is_found_by_the_keywords_its_chunk_shows(
    remote: DifyRemote, base: Base
) -> None:
    document = await made(remote, base, "a.md", "the walrus keeps a brass lantern")
    await made(remote, base, "b.md", "a thistle grows in granite")
    page = done(await remote.chunks(base.id, document.id, 1, rows=20))
    (chunk,) = page.chunks
    assert (page.total, chunk.searched) == (1, True)
    assert {"walrus", "lantern"} <= set(chunk.keywords)
    query = " ".join(chunk.keywords)
    found = done(await remote.search(base.id, query, economy=True, top=10))
    assert [(each.id, each.document_id) for each in found] == [(chunk.id, document.id)]


@needs(Ability.METADATA)
async def test_declared_values(remote: DifyRemote, base: Base) -> None:
    document = await made(remote, base, "a.md", "words")
    kinds = {"team": "string", "rank": "number", "when": "time"}
    for name, kind in kinds.items():
        done(await remote.make_field(base.id, name, kind))
    fields = done(await remote.fields(base.id))
    assert {name: remote.field_kind(fields[name]) for name in kinds} == kinds
    values = {"team": "docs", "rank": 2.5, "when": 1_714_521_600}
    all_of_them = Assignment(document_id=document.id, values=values)
    assert await remote.assign(base.id, fields, [all_of_them]) == Done(None)
    (row,) = done(await remote.page(base.id, 1)).documents
    assert are_stored(values, row.metadata)
    # Null takes a value away; on old servers so does not to name it.
    fewer = {"team": "web", "rank": None, "when": 1_714_521_601}
    assert await remote.assign(
        base.id, fields, [Assignment(document_id=document.id, values=fewer)]
    ) == Done(None)
    (row,) = done(await remote.page(base.id, 1)).documents
    assert are_stored(fewer, row.metadata)
    assert "rank" not in row.metadata


@needs(Ability.METADATA)
async def test_marks(remote: DifyRemote, base: Base) -> None:
    document = await made(remote, base, "a.md", "words")
    assert done(await remote.fields(base.id)) == {}
    field = done(await remote.make_field(base.id, "kbsync_path"))
    done(await remote.make_field(base.id, "other"))
    again = await remote.make_field(base.id, "kbsync_path")
    assert isinstance(again, Rejected)
    assert again.why.message is messages.NAME_TAKEN
    fields = done(await remote.fields(base.id))
    assert fields["kbsync_path"] == field

    first = Assignment(document_id=document.id, values={"kbsync_path": "a.md"})
    second = Assignment(document_id=document.id, values={"other": "x"})
    assert await remote.assign(base.id, fields, [first]) == Done(None)
    assert await remote.assign(base.id, fields, [second]) == Done(None)
    (row,) = done(await remote.page(base.id, 1)).documents
    merged = {"kbsync_path": "a.md"} if base.can(Ability.PARTIAL_UPDATE) else {}
    assert row.metadata == merged | {"other": "x"}
    assert await remote.assign(base.id, fields, [first], merge=False) == Done(None)
    assert done(await remote.document(base.id, document.id)).metadata == {"kbsync_path": "a.md"}
    unknown = Assignment(document_id=document.id, values={"nobody": "x"})
    assert isinstance(await remote.assign(base.id, fields, [unknown]), Rejected)


@needs(Ability.SWITCH)
async def test_switching(remote: DifyRemote, base: Base) -> None:
    document = await made(remote, base, "a.md", "words")
    assert await remote.switch(base.id, document.id, "disable") == Done(None)
    found = done(await remote.document(base.id, document.id))
    assert (found.readiness, found.enabled) == (Readiness.DISABLED, False)


@needs(Ability.SWITCH)
async def test_archived(remote: DifyRemote, base: Base) -> None:
    document = await made(remote, base, "a.md", "words")
    assert await remote.switch(base.id, document.id, "archive") == Done(None)
    assert done(await remote.document(base.id, document.id)).readiness is Readiness.ARCHIVED
    refused = await remote.delete(base.id, document.id)
    assert isinstance(refused, Rejected)
    assert refused.why.message is messages.ARCHIVED


async def test_bases(remote: DifyRemote, server: Server) -> None:
    name = f"kbsync remote {uuid.uuid4().hex[:8]}"
    assert done(await remote.bases_named(name)) == ()
    made = done(await remote.make_base(name, CHUNKING))
    server.made.append(made.id)
    assert (made.name, made.mode, made.technique, made.documents) == (name, "general", "economy", 0)
    assert [base.id for base in done(await remote.bases_named(name))] == [made.id]
    assert done(await remote.bases_named(name.upper())) == ()
    assert done(await remote.base(made.id)).name == name
    taken = await remote.make_base(name, CHUNKING)
    assert isinstance(taken, Rejected)
    assert taken.why.message is messages.NAME_TAKEN
    assert isinstance(await remote.make_base("x" * 41, CHUNKING), Rejected)


async def made_with(remote: DifyRemote, server: Server, settings: BaseSettings) -> Found:
    name = f"kbsync remote {uuid.uuid4().hex[:8]}"
    made = done(await remote.make_base(name, CHUNKING, settings))
    server.made.append(made.id)
    return done(await remote.base(made.id))


async def test_a_base_is_made_with_its_settings(remote: DifyRemote, server: Server) -> None:
    settings = BaseSettings(description="what it is for", permission="all_team_members")
    found = (await made_with(remote, server, settings)).settings
    assert (found.description, found.permission) == ("what it is for", "all_team_members")
    plain = (await made_with(remote, server, UNDECLARED)).settings
    assert (plain.description, plain.permission) == ("", "only_me")
    some = BaseSettings(permission="partial_members", members=frozenset({MEMBER}))
    # Its members are named once it is there; until then it is the owner's alone.
    assert (await made_with(remote, server, some)).settings.permission == "only_me"


@needs(Ability.GET_BASE)
async def test_settings_of_a_base_are_changed(remote: DifyRemote, server: Server) -> None:
    base = await made_with(remote, server, UNDECLARED)
    retrieval = Retrieval(search_method="keyword_search", top_k=7).wire()
    for settings in (
        BaseSettings(description="changed"),
        BaseSettings(permission="partial_members", members=frozenset({MEMBER})),
        BaseSettings(permission="all_team_members"),
        BaseSettings(retrieval=retrieval),
        BaseSettings(description=""),
    ):
        assert await remote.change_base(base.id, settings) == Done(None)
        found = done(await remote.base(base.id)).settings
        for each in settings.named:
            if each is Setting.RETRIEVAL:
                assert (found.retrieval or {}).items() >= retrieval.items()
            else:
                assert found.of(each) == settings.of(each)
    unknown = await remote.change_base(NOWHERE, BaseSettings(description="x"))
    assert unknown == Gone()


@needs(Ability.METADATA)
async def test_fields_are_made_with_their_type(remote: DifyRemote, base: Base) -> None:
    for kind in ("string", "number", "time"):
        done(await remote.make_field(base.id, f"a {kind}", kind))
    found = done(await remote.base(base.id)).settings.fields
    assert found == {"a string": "string", "a number": "number", "a time": "time"}


@needs(Ability.TAGS)
async def test_a_base_gets_and_loses_tags(remote: DifyRemote, base: Base, server: Server) -> None:
    if server.kind == "real":
        pytest.skip("tags outlive the base they were made for")
    assert await remote.tag_base(base.id, on={"a", "b"}, off=set()) == Done(None)
    assert await remote.tag_base(base.id, on={"b", "c"}, off={"a", "none"}) == Done(None)
    assert done(await remote.base(base.id)).settings.tags == {"b", "c"}


async def test_a_server_without_tags_refuses_them(remote: DifyRemote, base: Base) -> None:
    if base.can(Ability.TAGS):
        pytest.skip("this one has them")
    assert isinstance(await remote.tag_base(base.id, on={"a"}, off=set()), Rejected)


async def test_a_missing_base_is_gone_everywhere(remote: DifyRemote) -> None:
    assert await remote.base(NOWHERE) == Gone()
    assert await remote.page(NOWHERE, 1) == Gone()
    assert await remote.document(NOWHERE, NOWHERE) == Gone()
    assert await remote.create(NOWHERE, "a.md", Words("x"), CHUNKING) == Gone()
    assert await remote.delete(NOWHERE, NOWHERE) == Gone()


async def test_refused_files(remote: DifyRemote, base: Base) -> None:
    outcome = await remote.create(base.id, "a.exe", Words("x"), CHUNKING)
    assert isinstance(outcome, Rejected)
    named = base.can(Ability.NAMED_REFUSALS)
    assert outcome.why.message is (messages.TYPE_REFUSED if named else messages.TYPE_OR_SIZE)
    outcome = await remote.create(base.id, "a?.md", Words("x"), CHUNKING)
    assert isinstance(outcome, Done if base.can(Ability.ANY_NAME) else Rejected)


async def test_a_wrong_key_and_a_wrong_address(server: Server) -> None:
    async with client_of(server, "dataset-wrongwrongwrongwrong1234") as client:
        refused = await client.bases.list()
        assert isinstance(refused, Unauthorized)
        assert refused.why.message is messages.WRONG_KEY
    access = Access(url=server.url.removesuffix("/v1"), key=ApiKey(server.key), environment=False)
    async with DifyClient(access, server.transport) as client:
        outcome = await client.bases.list()
        assert isinstance(outcome, Unauthorized | NotReady), "another page may live there"


async def test_the_version_is_learnt(remote: DifyRemote, base: Base) -> None:
    assert remote.capabilities.version is None
    await remote.base(base.id)
    assert remote.capabilities.version == base.server.version
    # A server that tells none proves its age by what it lacks.
    ends = base.can(Ability.UPDATE_ENDS)
    assert (Capability.UPDATE_ENDS in remote.capabilities) is ends


async def test_texts_and_chunks(client: DifyClient, base: Base) -> None:
    options = {"indexing_technique": "economy", "process_rule": {"mode": "automatic"}}
    text = await client.documents.create_by_text(base.id, "t", "kernel threads", options)
    document = done(text).document.id
    await base.settled(document)
    listing = done(await client.chunks.list(base.id, document))
    assert [chunk.content for chunk in listing.rows] == ["kernel threads"]
    (added,) = done(await client.chunks.add(base.id, document, [{"content": "second chunk"}]))
    changed = await client.chunks.change(base.id, document, added.id, {"content": "changed chunk"})
    assert done(changed).content == "changed chunk"
    assert (await base.chunks(document))[-1] == "changed chunk"
    assert await client.chunks.delete(base.id, document, added.id) == Done(None)
    assert await client.chunks.delete(base.id, document, added.id) == Gone()
    assert isinstance(await client.documents.indexing(base.id, "20000101000000000000"), Gone)


@needs(Ability.SEARCH)
async def test_searching(client: DifyClient, base: Base) -> None:
    await base.indexed("t.md", "kernel threads")
    (hit,) = done(await client.search.retrieve(base.id, "kernel", by_keyword()))
    assert (hit.document_name, hit.chunk.content) == ("t.md", "kernel threads")


@needs(Ability.GET_CHUNK, Ability.CHILD_CHUNKS)
async def test_one_chunk_and_its_children(client: DifyClient, base: Base) -> None:
    document = (await base.indexed())["id"]
    (chunk,) = done(await client.chunks.list(base.id, document)).rows
    assert done(await client.chunks.get(base.id, document, chunk.id)).content == chunk.content
    child = done(await client.child_chunks.add(base.id, document, chunk.id, "child"))
    patched = await client.child_chunks.change(base.id, document, chunk.id, child.id, "patched")
    assert done(patched).content == "patched"
    children = done(await client.child_chunks.list(base.id, document, chunk.id))
    assert [row.content for row in children.rows] == ["patched"]
    deleted = await client.child_chunks.delete(base.id, document, chunk.id, child.id)
    if await base.server.embeds():
        assert deleted == Done(None)
    else:
        assert isinstance(deleted, NotReady)
        assert deleted.why.message is messages.MODEL_AWAY
    assert await client.chunks.delete(base.id, document, chunk.id) == Done(None)
    assert await client.chunks.get(base.id, document, chunk.id) == Gone()


@needs(Ability.METADATA)
async def test_fields(client: DifyClient, base: Base) -> None:
    field = done(await client.metadata.create_field(base.id, "old"))
    assert done(await client.metadata.rename_field(base.id, field.id, "new")).name == "new"
    unknown = await client.metadata.rename_field(base.id, NOWHERE, "x")
    assert isinstance(unknown, Rejected if base.can(Ability.MISSING_FIELD_REFUSED) else Gone)
    if base.can(Ability.OWN_BUILT_IN):
        assert "uploader" in done(await client.metadata.built_in(base.id))
    assert await client.metadata.show_built_in(base.id, True) == Done(None)
    assert done(await client.metadata.fields(base.id)).built_in_enabled
    assert await client.metadata.delete_field(base.id, field.id) == Done(None)


@needs(Ability.GET_BASE, Ability.MODELS)
async def test_bases_are_changed_and_models_listed(client: DifyClient, base: Base) -> None:
    assert done(await client.bases.change(base.id, {"description": "d"})).description == "d"
    if base.can(Ability.TAGS):
        assert done(await client.bases.tags(base.id)) == ()
    assert isinstance(await client.search.models(), Done)


async def test_update_by_text(client: DifyClient, base: Base, updates: None) -> None:
    document = (await base.indexed("a.md", "old words"))["id"]
    reply = await client.documents.update_by_text(base.id, document, "b", "new words", {})
    assert done(reply).document.name == "b"
    await base.settled(document)
    assert await base.chunks(document) == ["new words"]


async def test_broken_tags_do_what_they_can(quirky: Quirky) -> None:
    async with quirky("broken-tags") as server, client_of(server) as client:
        assert done(await client.tags.list()) == ()
        assert done(await client.tags.create("guides")) is None, "made, but it cannot say its id"
        refused = await client.tags.list()
        assert isinstance(refused, Rejected)
        assert refused.why.message is messages.TAGS_BROKEN


@needs(Ability.TAGS)
async def test_tags(server: Server, base: Base, client: DifyClient) -> None:
    if server.kind == "real":
        pytest.skip("where tags are broken, a tag made here could not be removed again")
    tag = done(await client.tags.create(uuid.uuid4().hex[:20]))
    assert tag is not None
    assert tag in done(await client.tags.list())
    assert await client.tags.bind(base.id, [tag.id]) == Done(None)
    assert [row.id for row in done(await client.bases.tags(base.id))] == [tag.id]
    assert await client.tags.unbind(base.id, tag.id) == Done(None)
    renamed = done(await client.tags.rename(tag.id, uuid.uuid4().hex[:20]))
    assert renamed is not None
    assert await client.tags.delete(tag.id) == Done(None)


async def test_throttled_daemon_away_locked_and_wedging(quirky: Quirky) -> None:
    async with quirky("cloud-throttle=2", "plugin-daemon-away", "wedging-update") as server:
        base = await server.new_base()
        async with client_of(server) as client:
            remote = DifyRemote(client)
            away = await remote.base(base.id)
            assert isinstance(away, NotReady)
            assert away.why.message is messages.PLUGINS_AWAY
            assert Capability.UPDATE_ENDS not in remote.capabilities
            done(await remote.create(base.id, "a.md", Words("x"), CHUNKING))
            throttled = await remote.create(base.id, "b.md", Words("x"), CHUNKING)
            assert throttled == Throttled(60.0)


async def test_a_locked_switch(quirky: Quirky) -> None:
    async with quirky("locking-toggles") as server:
        base = await server.new_base()
        async with client_of(server) as client:
            remote = DifyRemote(client)
            document = await made(remote, base, "a.md", "words")
            assert await remote.switch(base.id, document.id, "disable") == Done(None)
            locked = await remote.switch(base.id, document.id, "enable")
            assert isinstance(locked, NotReady)
            assert (locked.why.message, locked.after) == (messages.SWITCH_LOCKED, 600.0)


async def test_no_metadata(quirky: Quirky) -> None:
    async with quirky("no-metadata") as server:
        base = await server.new_base()
        async with client_of(server) as client:
            remote = DifyRemote(client)
            await remote.base(base.id)
            outcome = await remote.fields(base.id)
            assert isinstance(outcome, Rejected)
            assert outcome.why.message is messages.NEEDS_VERSION
            assert Capability.METADATA not in remote.capabilities
