"""How large a JSON Schema is, and whether an answer can satisfy it at all. Pure, and bounded.

A small engine turns a schema into a grammar before it writes the first token: what that costs must
be known without doing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeGuard

from shortstop.types import Json, Request

MOST_CHARS_PER_TOKEN = 16
"""A token of ordinary text seldom has more."""
MOST_ITEMS_PER_TOKEN = 8
COUNTED = 100_000
"""Nodes at most that are looked at: a schema with more is too large for anybody."""
_RANGES = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minimum", "maximum"),
)
_UNLIMITED = 1_000
"""A `maxItems` of at least this many bounds nothing that a short answer could reach."""


class Extent(NamedTuple):
    """The size of a schema, or the largest size that something takes.

    `entries` are the values of its lists in all (alternatives, required names), `width` the most
    keys of one object, `depth` how deep it nests as JSON, `repeats` the most repetitions that
    nested bounds ask for, `chars` the text in it.
    """

    entries: int
    width: int
    depth: int
    repeats: int
    chars: int

    def within(self, bound: Extent) -> bool:
        return all(own <= most for own, most in zip(self, bound, strict=True))


GUIDED = Extent(entries=20_000, width=1_000, depth=100, repeats=2_000, chars=1_000_000)
"""What an engine compiles lazily in well under a second (llguidance; measured with the default
model: an enum of 20,000 strings 0.3 s, 1,000 properties 0.2 s)."""
EAGER = Extent(entries=300, width=100, depth=60, repeats=300, chars=16_000)
"""What one compiles at once into a grammar of its own: an enum of 500 strings takes 0.7 s there,
one of 2,000 up to 17 s."""


def extent(schema: Json) -> Extent:
    """The size of `schema`; one with more than `COUNTED` nodes is as deep as that."""
    entries = width = depth = chars = nodes = 0
    repeats = 1
    stack: list[tuple[Any, int, int]] = [(schema, 1, 1)]
    while stack:
        value, level, times = stack.pop()
        nodes += 1
        if nodes > COUNTED:
            return Extent(entries, width, COUNTED, repeats, chars)
        depth = max(depth, level)
        if isinstance(value, dict):
            width = max(width, len(value))
            times *= _repetition(value)
            repeats = max(repeats, times)
            chars += sum(map(len, value))
            inner: Any = value.values()
        else:
            entries += len(value)
            inner = value
        for item in inner:
            if isinstance(item, str):
                chars += len(item)
            elif isinstance(item, dict | list):
                stack.append((item, level + 1, times))
    return Extent(entries, width, depth, repeats, chars)


def _repetition(schema: Json) -> int:
    least, most = schema.get("minItems"), schema.get("maxItems")
    times = least if type(least) is int and least > 0 else 1
    if type(most) is int and times < most < _UNLIMITED:
        return most
    return times


def is_large(request: Request) -> bool:
    """Whether the shape of the answer, or of the tools' arguments, is beyond a local grammar."""
    schemas = [request.format.schema] if request.format.kind == "json_schema" else []
    if request.tool_choice.mode != "none":
        schemas += [tool.schema for tool in request.tools]
    if not schemas:
        return False
    return not extent({str(i): schema for i, schema in enumerate(schemas)}).within(GUIDED)


def contradiction(schema: Json, max_tokens: int | None) -> str | None:
    """Why no answer of `max_tokens` can satisfy `schema`, where that is plain; else None.

    Looks only at what every answer must have: the top, required properties, items of lists that may
    not be empty.
    """
    for where, part in _demanded(schema):
        for low, high in _RANGES:
            least, most = part.get(low), part.get(high)
            if _number(least) and _number(most) and least > most:
                return f"{low} {least} is above {high} {most} at {where}"
        if max_tokens is None:
            continue
        for low, each in (("minLength", MOST_CHARS_PER_TOKEN), ("minItems", MOST_ITEMS_PER_TOKEN)):
            least = part.get(low)
            if _number(least) and least > max_tokens * each:
                return f"an answer of {max_tokens} tokens cannot have {low} {least} at {where}"
    return None


def _demanded(schema: Json) -> Iterator[tuple[str, Json]]:
    """The parts that every answer has, with their places."""
    stack: list[tuple[str, Any]] = [("#", schema)]
    looked = 0
    while stack and looked < COUNTED:
        looked += 1
        where, part = stack.pop()
        if not isinstance(part, dict):
            continue
        yield where, part
        properties, required = part.get("properties"), part.get("required")
        if isinstance(properties, dict) and isinstance(required, list):
            for name in required:
                if isinstance(name, str) and name in properties:
                    stack.append((f"{where}/{name}", properties[name]))
        if _number(part.get("minItems")) and part["minItems"] >= 1:
            stack.append((f"{where}/items", part.get("items")))


def _number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float)
