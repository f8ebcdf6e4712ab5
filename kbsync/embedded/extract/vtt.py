"""WebVTT subtitles: what is said, without the times."""

from __future__ import annotations

import io

import webvtt
from webvtt.errors import MalformedFileError

from .plain import decode


def read(content: bytes) -> list[str]:
    """The captions, one per line; a file that is no WebVTT is taken as plain text."""
    text = decode(content)
    try:
        captions = webvtt.from_buffer(io.StringIO(text)).captions
    except MalformedFileError:
        return [text]
    spoken = (f"{line.voice}: {line.text}" if line.voice else line.text for line in captions)
    return ["\n".join(spoken)]
