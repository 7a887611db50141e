"""Upstreams send what they like: a value of the wrong type must not travel into the house."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shortstop.types import Choice, Chunk, Part, Refusal, Text, Thinking, ToolCall


def sound(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The same choices. Raises TypeError where a text is no text or an index no number."""
    for choice in choices:
        if type(choice.index) is not int or not _is_text(choice.stop_sequence):
            raise TypeError("a choice is malformed")
        for part in choice.parts:
            if not all(map(_is_text, _texts(part))):
                raise TypeError("a part is malformed")
    return choices


def sound_chunk(chunk: Chunk) -> Chunk:
    """The same chunk. Raises TypeError as `sound` does."""
    if (
        type(chunk.text) is not str
        or type(chunk.thinking) is not str
        or type(chunk.refusal) is not str
        or type(chunk.index) is not int
        or not (_is_text(chunk.signature) and _is_text(chunk.redacted))
        or not _is_text(chunk.stop_sequence)
    ):
        raise TypeError("a chunk is malformed")
    for delta in chunk.tools:
        if type(delta.arguments) is not str or not (_is_text(delta.id) and _is_text(delta.name)):
            raise TypeError("a tool delta is malformed")
    return chunk


def count(table: Any, key: str) -> int:
    """A number of tokens; 0 where none is told. Raises TypeError for what is no count."""
    value = table.get(key)
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise TypeError("a count is malformed")
    return value


def kind_of(frame: Any) -> str:
    """The type that a frame says it has. Raises TypeError or KeyError."""
    kind = frame["type"]
    if type(kind) is not str:
        raise TypeError("a frame is malformed")
    return kind


def _is_text(value: Any) -> bool:
    return value is None or type(value) is str


def _texts(part: Part) -> Iterable[Any]:
    """What must be texts; None is let through only where the type allows it."""
    if isinstance(part, (Text, Refusal)):
        return (part.text if part.text is not None else 0,)
    if isinstance(part, ToolCall):
        return tuple(0 if v is None else v for v in (part.id, part.name, part.arguments))
    if isinstance(part, Thinking):
        return (0 if part.text is None else part.text, part.signature, part.redacted)
    return ()
