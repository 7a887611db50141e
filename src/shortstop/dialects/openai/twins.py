"""Frames of a stream that differ from one before in their text alone, which need no decoding.

Most servers write every piece of an answer into the same frame. Where the bytes around the text are
the same, so is everything that they mean.
"""

from __future__ import annotations

from shortstop import bounded
from shortstop.types import Chunk, Json

TRIES = 3
"""Frames of a stream that are tried as a pattern: who varies them otherwise varies each."""
LONGEST = 1 << 12
"""Characters of a frame that may be a pattern."""
_OPENINGS = ('"content":"', '"content": "')
PROBE = "[probe]"


class Twins:
    """The pattern of one stream's frames, once there was one that says a text and nothing else."""

    def __init__(self) -> None:
        self._left = TRIES
        self._head = self._tail = ""
        self._first: Chunk | None = None

    def chunk(self, data: str) -> Chunk | None:
        """What a frame means that is the pattern with another text; None for any other. Its `wire`
        is the pattern: `retold` writes it with the text."""
        first, head, tail = self._first, self._head, self._tail
        if first is None or not (data.startswith(head) and data.endswith(tail)):
            return None
        text = data[len(head) : len(data) - len(tail)]
        if not _is_plain(text) or len(data) < len(head) + len(tail):
            return None
        return Chunk(index=first.index, text=text, dialect=first.dialect, wire=first.wire)

    def learn(self, data: str, chunk: Chunk) -> None:
        """A frame that was none, and what it means."""
        if not self._left or len(data) > LONGEST or "\\" in data or not _says_text_alone(chunk):
            return
        self._left -= 1
        for opening in _OPENINGS:
            head, found, tail = data.partition(f'{opening}{chunk.text}"')
            if found and _text_of(f'{head}{opening}{PROBE}"{tail}') == PROBE:
                self._first, self._head, self._tail = chunk, head + opening, '"' + tail


def retold(frame: Json, text: str) -> Json:
    """The frame, if `text` is what its only choice says, else a copy that says it."""
    choices = frame.get("choices")
    if not choices or len(choices) != 1:
        return frame
    delta = choices[0].get("delta") or {}
    if (delta.get("content") or "") == text:
        return frame
    return {**frame, "choices": [{**choices[0], "delta": {**delta, "content": text}}]}


def _text_of(data: str) -> object:
    """The text of a frame; None for what is none."""
    try:
        return bounded.decode(data)["choices"][0]["delta"]["content"]
    except (ValueError, LookupError, TypeError):
        return None


def _is_plain(text: str) -> bool:
    """Whether a text is in JSON as it is. The empty one says nothing, and is none."""
    return text.isprintable() and '"' not in text and "\\" not in text and text != ""


def _says_text_alone(chunk: Chunk) -> bool:
    alone = Chunk(index=chunk.index, text=chunk.text, dialect=chunk.dialect, wire=chunk.wire)
    return chunk.wire is not None and _is_plain(chunk.text) and chunk == alone
