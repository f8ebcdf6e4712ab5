"""Every status and body comes to exactly one outcome (docs/dify-api.md section 12)."""

# ruff: noqa: E501 - one case a line reads best
from __future__ import annotations

import json

import pytest
from dify_observed import Observed, observed
from hypothesis import given
from hypothesis import strategies as st

from kbsync.dify import errors
from kbsync.dify.access import Access, ApiKey
from kbsync.dify.reading import read as read_body
from kbsync.dify.request import ApiCall, ApiReply, Subject, read, write
from kbsync.dify.way import way_to
from kbsync.messages import Message, catalogue
from kbsync.messages import remote as messages
from kbsync.model import (
    Ambiguous,
    Failure,
    Gone,
    NotReady,
    NotSent,
    Rejected,
    Throttled,
    Unauthorized,
    Withheld,
)

ID = "22f83db9-93e4-424b-a446-2b01259772f4"
URL = "https://docs.example/v1"
NOW = 1_795_324_162.0
WAY = way_to(Access(url=URL, key=ApiKey("k"), environment=False), network=False)

GET = read("get document", Subject.DOCUMENT, "datasets", ID, "documents", ID)
DELETE = write("delete document", Subject.DOCUMENT, "DELETE", "datasets", ID, "documents", ID)
CREATE = write(
    "create document", Subject.UPLOAD, "POST", "datasets", ID, "document", "create-by-file"
)
UPDATE = write(
    "update document", Subject.UPLOAD, "POST", "datasets", ID, "documents", ID, "update-by-file"
)
MAKE = write("make knowledge base", Subject.BASE, "POST", "datasets")
SWITCH = write(
    "disable document", Subject.SWITCH, "PATCH", "datasets", ID, "documents", "status", "disable"
)
ADD = write("add chunks", Subject.CHUNK, "POST", "datasets", ID, "documents", ID, "segments")
FIELD = write("make metadata field", Subject.METADATA, "POST", "datasets", ID, "metadata")


def answer(status: int, body: object = b"", **headers: str) -> ApiReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "text/html" if isinstance(body, bytes) else "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiReply(status=status, headers={"content-type": kind} | named, body=raw)


def envelope(status: int, code: str, message: str) -> ApiReply:
    return answer(status, {"code": code, "message": message, "status": status})


def fault(call: ApiCall, reply: ApiReply, *, sent: bool = True) -> Failure:
    return errors.fault(call, reply, WAY, NOW, sent=sent)


@pytest.mark.parametrize("row", observed(), ids=lambda row: row.tag)
def test_observed(row: Observed) -> None:
    if row.reply.ok:
        # Tag lists are bare arrays and deletes a bare number: nothing to read.
        if row.shape and row.reply.body[:1] == b"{":
            read_body(row.shape, row.reply.body)
        assert row.outcome == "Done"
        return
    outcome = fault(row.call, row.reply)
    told = type(outcome).__name__
    if why := getattr(outcome, "why", None):
        told += f" {why.code}"
        assert str(why).isprintable()
    if after := getattr(outcome, "after", None):
        told += f" {after:g}"
    assert told == row.outcome


HTML = b"<!doctype html>\n<title>404 Not Found</title>"
LIMIT = "Sorry, you have reached the knowledge base request rate limit of your subscription."
RULES: list[tuple[ApiCall, ApiReply, type[Failure], Message | None]] = [
    (GET, envelope(401, "unauthorized", "Access token is invalid"), Unauthorized, messages.WRONG_KEY),
    (CREATE, envelope(400, "no_file_uploaded", "Please upload your file."), Rejected, messages.REFUSED),
    (CREATE, envelope(400, "too_many_files", "Only one file is allowed."), Rejected, messages.REFUSED),
    (CREATE, envelope(400, "filename_not_exists_error", "no"), Rejected, messages.REFUSED),
    (UPDATE, envelope(413, "file_too_large", "File size exceeded."), Rejected, messages.TOO_LARGE),
    (UPDATE, envelope(415, "unsupported_file_type", "no"), Rejected, messages.TYPE_REFUSED),
    (CREATE, envelope(400, "invalid_param", ""), Rejected, messages.TYPE_OR_SIZE),
    (MAKE, envelope(400, "invalid_param", ""), Rejected, messages.REFUSED),
    (CREATE, envelope(413, "request_entity_too_large", "no"), Rejected, messages.TOO_LARGE),
    (CREATE, answer(413, b"<html>nginx</html>"), Rejected, messages.TOO_LARGE),
    (CREATE, envelope(400, "file_extension_blocked", "no"), Rejected, messages.TYPE_REFUSED),
    (MAKE, envelope(409, "dataset_name_duplicate", "exists"), Rejected, messages.NAME_TAKEN),
    (MAKE, envelope(400, "invalid_param", "Dataset name already exists"), Rejected, messages.NAME_TAKEN),
    (DELETE, envelope(409, "dataset_in_use", "in use"), Rejected, messages.REFUSED),
    (CREATE, envelope(400, "dataset_not_initialized", "no"), Rejected, messages.REFUSED),
    (DELETE, envelope(403, "archived_document_immutable", "no"), Rejected, messages.ARCHIVED),
    (SWITCH, envelope(400, "invalid_action", "Invalid action: foo."), Rejected, messages.REFUSED),
    (SWITCH, envelope(400, "invalid_action", "Document: a is not completed."), NotReady, messages.NOT_COMPLETED),
    (SWITCH, envelope(400, "invalid_action", "Document:a is being indexed, please"), NotReady, messages.SWITCH_LOCKED),
    (GET, envelope(400, "invalid_metadata", "Invalid metadata value"), Rejected, messages.REFUSED),
    (DELETE, envelope(400, "document_indexing", "busy"), NotReady, messages.NOT_AVAILABLE),
    (UPDATE, envelope(400, "invalid_param", "Document is not available"), NotReady, messages.NOT_AVAILABLE),
    (SWITCH, envelope(400, "document_already_finished", "no"), Rejected, messages.REFUSED),
    (CREATE, envelope(400, "provider_not_initialize", "no"), Withheld, messages.MODEL_AWAY),
    (MAKE, envelope(400, "provider_not_initialize", "no"), Rejected, messages.NO_MODEL),
    (CREATE, envelope(403, "forbidden", LIMIT), Throttled, None),
    (CREATE, envelope(403, "forbidden", "The number of documents has reached the limit of your subscription."), Withheld, messages.QUOTA),
    (CREATE, envelope(403, "forbidden", "The capacity of the vector space has reached the limit of your subscription."), Withheld, messages.QUOTA),
    (UPDATE, envelope(403, "forbidden", "The capacity of the documents storage space has reached the limit of your subscription."), Withheld, messages.QUOTA),
    (CREATE, envelope(403, "forbidden", "Your workspace has used up its storage: upgrade your plan."), Withheld, messages.QUOTA),
    (CREATE, envelope(400, "invalid_param", "You have exceeded the quota of documents"), Withheld, messages.QUOTA),
    (CREATE, envelope(402, "payment_required", "pay"), Withheld, messages.QUOTA),
    (CREATE, envelope(400, "invalid_param", "Invalid user account"), Withheld, messages.OUT_OF_USE),
    (CREATE, envelope(403, "forbidden", "The workspace's status is archived."), Withheld, messages.OUT_OF_USE),
    (CREATE, envelope(403, "forbidden", "Your license has expired."), Withheld, messages.OUT_OF_USE),
    (CREATE, envelope(400, "provider_quota_exceeded", "Your quota has been exhausted."), Withheld, messages.MODEL_AWAY),
    (UPDATE, envelope(400, "model_currently_not_support", "no"), Withheld, messages.MODEL_AWAY),
    (CREATE, envelope(400, "invalid_param", "Model text-embedding-3 not exist."), Withheld, messages.MODEL_AWAY),
    (CREATE, envelope(400, "invalid_param", "Failed to request plugin daemon, url: x"), Withheld, messages.PLUGINS_AWAY),
    (CREATE, envelope(400, "bad_request", "The size of the file exceeds the limit of 15 MB"), Rejected, messages.REFUSED),
    (CREATE, envelope(400, "invalid_param", "Text is too long: the limit is exceeded"), Rejected, messages.REFUSED),
    (ADD, envelope(403, "forbidden", "To unlock this feature and elevate"), Rejected, messages.QUOTA),
    (GET, envelope(403, "forbidden", "Dataset api access is not enabled."), Unauthorized, messages.API_SWITCHED_OFF),
    (GET, envelope(403, "forbidden", "You do not have permission"), Unauthorized, messages.NOT_ALLOWED),
    (DELETE, envelope(400, "invalid_param", "You do not have permission to access this dataset."), Unauthorized, messages.NOT_ALLOWED),
    (GET, answer(403, b"<html>firewall</html>"), Unauthorized, messages.GATEWAY),
    (GET, envelope(404, "not_found", "Document not found."), Gone, None),
    (GET, envelope(404, "not_found", "Dataset not found."), Gone, None),
    (DELETE, envelope(404, "not_found", "Document Not Exists. You have requested this URI [x] but did you mean y ?"), Gone, None),
    (CREATE, envelope(400, "invalid_param", "Dataset does not exist."), Gone, None),
    (ADD, envelope(404, "not_found", "Document is not completed."), NotReady, messages.NOT_COMPLETED),
    (ADD, envelope(404, "not_found", "Document is disabled."), Rejected, messages.SWITCHED_OFF),
    (GET, answer(404, HTML), Unauthorized, messages.WRONG_URL),
    (DELETE, answer(404, HTML), Unauthorized, messages.WRONG_URL),
    (GET, answer(404, {"detail": "Not Found"}), Unauthorized, messages.WRONG_URL),
    (GET, envelope(405, "method_not_allowed", "no"), Rejected, messages.UNKNOWN_CALL),
    (GET, answer(405, HTML), Rejected, messages.UNKNOWN_CALL),
    (FIELD, envelope(400, "invalid_param", "Another knowledge base metadata operation is running, please wait a moment."), NotReady, messages.METADATA_LOCKED),
    (GET, envelope(400, "invalid_param", "Failed to request plugin daemon, url: x"), NotReady, messages.PLUGINS_AWAY),
    (MAKE, envelope(400, "invalid_param", "Default model not found for text-embedding"), Rejected, messages.NO_MODEL),
    (MAKE, envelope(400, "invalid_param", "Model m credentials is not initialized."), Rejected, messages.NO_MODEL),
    (CREATE, envelope(400, "invalid_param", "Provider a/b/c does not exist."), Withheld, messages.MODEL_AWAY),
    (CREATE, envelope(400, "bad_request", "generic"), Rejected, messages.REFUSED),
    (ADD, answer(400, {"error": "Segments is required"}), Rejected, messages.REFUSED),
    (CREATE, answer(400, b"400 The plain HTTP request was sent to HTTPS port"), Unauthorized, messages.WRONG_URL),
    (CREATE, answer(407), Unauthorized, messages.PROXY),
    (CREATE, answer(302, location="https://elsewhere.example/x"), Unauthorized, messages.REDIRECTED),
    (GET, answer(304), Unauthorized, messages.REDIRECTED),
]  # fmt: skip


@pytest.mark.parametrize(("call", "reply", "kind", "message"), RULES)
def test_refusals(call: ApiCall, reply: ApiReply, kind: type, message: Message | None) -> None:
    outcome = fault(call, reply)
    assert type(outcome) is kind
    if message is not None:
        assert outcome.why.message is message  # type: ignore[union-attr]
        assert "{" not in outcome.why.text + outcome.why.next  # type: ignore[union-attr]


def test_a_pipeline_without_its_inputs_made_nothing_and_another_fault_may_have() -> None:
    run = write("create document", Subject.UPLOAD, "POST", "datasets", ID, "pipeline", "run")
    inputs = envelope(500, "pipeline_run_error", "language is required in input form")
    outcome = fault(run, inputs)
    assert isinstance(outcome, Unauthorized)
    assert outcome.why.message is messages.PIPELINE_INPUTS
    assert "language is required" in outcome.why.text
    assert isinstance(fault(run, envelope(500, "pipeline_run_error", "no room left")), Ambiguous)
    assert isinstance(fault(run, envelope(500, "unknown", "x in input form")), Ambiguous)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599, 408])
@pytest.mark.parametrize(
    "body", [b"<html>", {"code": "unknown", "message": "Internal Server Error"}]
)
def test_failures_after_sending(status: int, body: object) -> None:
    reply = answer(status, body)
    assert isinstance(fault(GET, reply), NotReady)
    assert isinstance(fault(CREATE, reply), Ambiguous)
    assert isinstance(fault(DELETE, reply), Ambiguous)
    assert isinstance(fault(CREATE, reply, sent=False), NotSent)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("999999999999", 3600.0),
        ("Sun, 22 Nov 2026 05:10:02 GMT", 40.0),
        ("Sun, 22 Nov 2020 05:10:02 GMT", 1.0),
        ("soon", 60.0),
        ("-5", 60.0),
        ("", 60.0),
    ],
)
def test_rest_that_a_429_asks_for(told: str, seconds: float) -> None:
    assert fault(CREATE, answer(429, b"", retry_after=told)) == Throttled(seconds)


def test_503_with_retry_after_is_waited_for() -> None:
    outcome = fault(GET, answer(503, b"", retry_after="30"))
    assert isinstance(outcome, NotReady)
    assert outcome.after == 30.0


def test_unread_success_is_no_certainty() -> None:
    for call, kind in ((GET, NotReady), (CREATE, Ambiguous)):
        outcome = errors.malformed(call, answer(200, HTML), WAY, "x")
        assert type(outcome) is kind


def test_hostile_words_are_made_printable_and_short() -> None:
    outcome = fault(CREATE, envelope(400, "invalid_param", "\x1b[2J" + "long\u202e " * 1000))
    assert isinstance(outcome, Rejected)
    assert str(outcome.why).isprintable()
    assert len(str(outcome.why)) < 1500


@given(
    status=st.integers(100, 599).filter(lambda status: not 200 <= status < 300),
    body=st.binary(max_size=40) | st.sampled_from([b"null", b"[]", b'{"code":1}', b"[" * 100_000]),
    call=st.sampled_from([GET, DELETE, CREATE, SWITCH, MAKE]),
    header=st.text(max_size=20),
)
def test_anything_comes_to_an_outcome(status: int, body: bytes, call: ApiCall, header: str) -> None:
    headers = {"retry-after": header, "location": header, "content-type": header}
    outcome = fault(call, ApiReply(status=status, headers=headers, body=body))
    assert isinstance(outcome, Failure)


@pytest.mark.parametrize(
    ("status", "words", "withheld"),
    [
        (503, "Service Unavailable", True),
        (507, "", True),
        (500, "OSError: [Errno 28] No space left on device", True),
        (500, "could not extend file: the disk is full", True),
        (500, "Internal Server Error", False),
        (502, "Bad Gateway", False),
    ],
)
def test_maintenance_and_full_disks_are_of_all_uploads(
    status: int, words: str, withheld: bool
) -> None:
    outcome = fault(CREATE, envelope(status, "internal_server_error", words))
    assert isinstance(outcome, Ambiguous)
    assert outcome.withheld is withheld
    assert isinstance(fault(GET, envelope(status, "internal_server_error", words)), NotReady)


def test_every_message_names_its_next_step() -> None:
    ours = [message for code, message in catalogue().items() if code.startswith("KB-R")]
    assert len(ours) >= 40
    assert all(message.next for message in ours)
