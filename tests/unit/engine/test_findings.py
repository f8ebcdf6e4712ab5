"""What is said of a document that no search can find, and which of them are sent again."""

from dataclasses import replace

import pytest

from kbsync.dify.unreadable import unreadable
from kbsync.engine.execute.findings import verdict
from kbsync.engine.execute.indexing import entry_after_indexing
from kbsync.messages import engine as say
from kbsync.model import EntryState, LedgerEntry, Progress, Readiness, RemoteDocument
from kbsync.planning.answers import of_the_file

from .words import key_of


def document(error: str = "", words: int = 0) -> RemoteDocument:
    return RemoteDocument(
        id="D",
        name="n",
        rev="r",
        word_count=words,
        readiness=Readiness.ERROR if error else Readiness.AVAILABLE,
        error=error or None,
        unreadable=unreadable(error),
    )


@pytest.mark.parametrize(
    ("path", "word"),
    [("a/scan.PDF", "OCR"), ("a.xlsx", "formulas"), ("a.htm", "scripts"), ("a.docx", "pictures")],
)
def test_what_has_no_text_is_said_in_the_words_of_its_type(path: str, word: str) -> None:
    why = verdict(key_of(path), document(), None)
    assert why is not None
    assert why.message is say.FAILED_NO_TEXT
    assert word in why.text


@pytest.mark.parametrize(
    "error",
    [
        "Failed to load document (File has not been decrypted).",
        "Failed to load document (PDFium: Data format error).",
        "Package not found at '/tmp/x.docx'",
        "File is not a zip file",
        "\"There is no item named '[Content_Types].xml' in the archive\"",
        "No columns to parse from file",
        "Error tokenizing data. C error: EOF inside string",
        "The file passes a bound of this server: its parts unpack to more than 64 MiB.",
    ],
)
def test_what_cannot_be_read_there_is_not_sent_again(error: str) -> None:
    why = verdict(key_of("a.pdf"), document(error), None)
    assert why is not None
    assert why.message is say.FAILED_READING
    entry = LedgerEntry(
        key=key_of("a.pdf"), document_id="D", document_name="n", state=EntryState.INDEXING
    )
    settled = entry_after_indexing(entry, document(error), why, now=0.0)
    assert (settled.state, settled.retry_at) == (EntryState.FAILED, None)
    assert of_the_file(settled)


@pytest.mark.parametrize(
    "error",
    ["", "Connection refused", "Rate limit reached", "Provider text-embedding is not initialized."],
)
def test_other_errors_may_be_over_at_the_next_try(error: str) -> None:
    assert not unreadable(error)


def test_an_archived_document_that_failed_is_not_said_to_have_no_text() -> None:
    failed = replace(document("the embedder is away"), readiness=Readiness.ARCHIVED, archived=True)
    ended = Progress(readiness=Readiness.ERROR, completed=0, total=0)
    why = verdict(key_of("a.md"), failed, ended)
    assert why is not None
    assert why.message is say.FAILED_INDEXING
    assert "the embedder is away" in why.text
