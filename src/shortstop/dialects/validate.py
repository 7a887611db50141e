"""Type checks of what a vendor sent: a value of the wrong type must not travel any further."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shortstop.types import (
    Choice,
    Chunk,
    DialectName,
    Json,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)


def validate_choices(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The same choices. Raises TypeError when a text is not a string or an index not a number."""
    for choice in choices:
        if type(choice.index) is not int or not _is_optional_text(choice.stop_sequence):
            raise TypeError("a choice is malformed")
        for part in choice.parts:
            if not all(map(_is_optional_text, _texts(part))):
                raise TypeError("a part is malformed")
    return choices


def validate_chunk(chunk: Chunk) -> Chunk:
    """The same chunk. Raises TypeError as `validate_choices` does."""
    if (
        type(chunk.text) is not str
        or type(chunk.thinking) is not str
        or type(chunk.refusal) is not str
        or type(chunk.index) is not int
        or not (_is_optional_text(chunk.signature) and _is_optional_text(chunk.redacted))
        or not _is_optional_text(chunk.stop_sequence)
    ):
        raise TypeError("a chunk is malformed")
    for delta in chunk.tools:
        if type(delta.arguments) is not str or not (
            _is_optional_text(delta.id) and _is_optional_text(delta.name)
        ):
            raise TypeError("a tool delta is malformed")
    return chunk


def with_frame(chunk: Chunk, dialect: DialectName, frame: Json) -> Chunk:
    """The chunk with the vendor's frame that it was read from. Raises TypeError when malformed."""
    return validate_chunk(replace(chunk, dialect=dialect, wire=frame))


def token_count(usage: Any, key: str) -> int:
    """A number of tokens; 0 when absent. Raises TypeError for what is not a count."""
    value = usage.get(key)
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise TypeError("a count is malformed")
    return value


def frame_type(frame: Any) -> str:
    """The `type` of a frame. Raises TypeError or KeyError."""
    kind = frame["type"]
    if type(kind) is not str:
        raise TypeError("a frame is malformed")
    return kind


def _is_optional_text(value: Any) -> bool:
    return value is None or type(value) is str


def _texts(part: Part) -> Iterable[Any]:
    """The values that must be texts; a None that the type forbids becomes 0, which is none."""
    if isinstance(part, (Text, Refusal)):
        return (_required(part.text),)
    if isinstance(part, ToolCall):
        return (_required(part.id), _required(part.name), _required(part.arguments))
    if isinstance(part, Thinking):
        return (_required(part.text), part.signature, part.redacted)
    return ()


def _required(value: Any) -> Any:
    return 0 if value is None else value
