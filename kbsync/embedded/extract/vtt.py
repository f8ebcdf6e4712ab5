"""WebVTT subtitles: what is said, without the times."""

from __future__ import annotations

import io

from .plain import decode


def read(content: bytes) -> list[str]:
    """The captions, one per line; a file that is no WebVTT is taken as plain text."""
    import webvtt
    from webvtt.errors import MalformedFileError

    text = decode(content)
    try:
        captions = webvtt.from_buffer(io.StringIO(text))
    except MalformedFileError:
        return [text]
    lines = [
        f"{caption.voice}: {caption.text}" if caption.voice else caption.text
        for caption in captions
    ]
    return ["\n".join(lines)]
