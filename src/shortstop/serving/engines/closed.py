"""Answers of which only one value of a known list is open: a label, alone or in constant JSON.

What is certain is not generated. The engine reads the beginning of the answer as if it had written
it, generates under a grammar of the values, and is stopped as soon as one alone is left.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from shortstop.dialects.openai.local import grammar_of, progress_of
from shortstop.types import Chunk, Json, Message, Request, Text, Usage

MOST_VALUES = 500
"""A longer list is a grammar of its own size."""
_OF_OBJECT = frozenset(
    ["type", "properties", "required", "additionalProperties", "title", "description", "$schema"]
)
_OF_VALUE = frozenset(["type", "enum", "const", "title", "description"])


class ClosedAnswer(Struct, frozen=True):
    """The answer is `before`, one of `values` and `after`."""

    before: str
    values: tuple[str, ...]
    after: str

    @property
    def begun(self) -> Message:
        """The beginning of the answer, as if it had been written."""
        return Message("assistant", (Text(self.before),))

    @property
    def grammar(self) -> Json:
        """Fields that have the engine write one of the values."""
        return grammar_of(self.values)


def closed_answer(request: Request) -> ClosedAnswer | None:
    """What is certain of the answer to a request for one of a few values; None for any other."""
    sampling = request.sampling
    if request.format.kind != "json_schema" or request.tools:
        return None
    if sampling.logprobs or sampling.stop or (sampling.n or 1) > 1:
        return None
    schema = request.format.schema
    if schema.keys() <= _OF_VALUE:
        values = _values(schema)
        return None if values is None or len(values) < 2 else _around("", values, "")
    return _object(schema)


def _object(schema: Json) -> ClosedAnswer | None:
    """Of an object whose properties all are certain but one."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or schema.get("additionalProperties"):
        return None
    if not schema.keys() <= _OF_OBJECT or set(schema.get("required") or ()) != set(properties):
        return None
    written = [(name, _values(value)) for name, value in properties.items()]
    open_ones = [name for name, values in written if values is None or len(values) > 1]
    if len(open_ones) != 1:
        return None
    before, after, choice, text = "", "", None, "{"
    for number, (name, values) in enumerate(written):
        text += f"{', ' if number else ''}{_json(name)}: "
        if name == open_ones[0]:
            before, choice, text = text, values, ""
        else:
            assert values is not None
            text += values[0]
    after = text + "}"
    return None if choice is None else _around(before, choice, after)


def _values(schema: Any) -> list[str] | None:
    """The values that a schema lists, as JSON; None where it lists none."""
    if not isinstance(schema, dict) or not schema.keys() <= _OF_VALUE:
        return None
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_VALUES:
        return None
    if not all(value is None or isinstance(value, str | int | bool) for value in listed):
        return None
    return list(dict.fromkeys(map(_json, listed)))


def _around(before: str, values: list[str], after: str) -> ClosedAnswer | None:
    """Where all are strings the quotation mark is certain. What ends a value is a part of it, for
    one may begin like another."""
    if all(value.startswith('"') for value in values):
        before, values = before + '"', [value[1:] for value in values]
    elif any(one != other and one.startswith(other) for one in values for other in values):
        return None
    if not before:
        return None
    return ClosedAnswer(before, tuple(values), after)


class OpenReader:
    """Hands on an engine's chunks as they come, but for reports of its progress."""

    done = False

    def feed(self, chunk: Chunk) -> tuple[Chunk, ...]:
        return () if progress_of(chunk) else (chunk,)

    def rest(self) -> list[Chunk]:
        return []


class ClosedReader:
    """Reads an engine's chunks until one value is left. The engine may repeat the beginning."""

    def __init__(self, closed: ClosedAnswer) -> None:
        self._closed = closed
        self._text = ""
        self._chunks: list[Chunk] = []
        self._prompt, self._cached = 0, 0
        self._usage: Usage | None = None

    def feed(self, chunk: Chunk) -> tuple[Chunk, ...]:
        progress = progress_of(chunk)
        if progress is not None:
            self._prompt, self._cached = progress
        else:
            self._text += chunk.text
            self._usage = chunk.usage or self._usage
            self._chunks.append(chunk)
        return ()

    @property
    def done(self) -> bool:
        return self.value is not None

    @property
    def value(self) -> str | None:
        """The one that is left."""
        written = self._text.removeprefix(self._closed.before)
        left = [value for value in self._closed.values if value.startswith(written)]
        return left[0] if written and len(left) == 1 else None

    def rest(self) -> list[Chunk]:
        """The whole answer, or what there is of it where the engine was cut off."""
        value = self.value
        if value is None:
            return self._chunks
        logprobs = tuple(one for chunk in self._chunks for one in chunk.logprobs)
        usage = self._usage or Usage(
            input=self._prompt - self._cached, output=len(logprobs), cache_read=self._cached
        )
        text = f"{self._closed.before}{value}{self._closed.after}"
        return [Chunk(text=text, logprobs=logprobs), Chunk(finish="stop", usage=usage)]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
