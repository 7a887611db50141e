"""A JSON Schema as a grammar that the engine decodes under, or as words where it is too large.

The embedded engine carries llguidance, which compiles a schema lazily and within limits of its own:
an enum of 20,000 strings takes it 0.3 s, where llama.cpp's own grammar holds the engine's loop up
for a minute. Other servers get the schema as they know it, if it is small.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.dialects.openai.local import guidance
from shortstop.schemas import EAGER, GUIDED, extent
from shortstop.types import Format, Json, Message, Request, Text

SHOWN = 2_000
"""Characters of a schema that is shown instead of enforced, at most."""
COMPACT: Json = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "coerce_one_of": True,
    "lenient": True,
}
"""llguidance's options: no white space to get lost in, `oneOf` as `anyOf`, and what it does not
know is left to the check of the answer."""
_LOOSE = ("maxItems", "maxLength", "maxProperties")
_COMBINED = ("allOf", "anyOf", "oneOf", "$ref", "patternProperties", "unevaluatedProperties")


def constrained(request: Request, *, guided: bool) -> tuple[Request, Json]:
    """The request as the engine is asked, and fields for it: decoded under its schema where that is
    small enough, else told of it in words. `guided`: the engine has llguidance."""
    if request.format.kind != "json_schema":
        return request, {}
    size = extent(request.format.schema)
    if not size.within(GUIDED if guided else EAGER):
        return _in_words(request), {}
    if not guided:
        return request, {}
    schema = {**tidied(request.format.schema), "x-guidance": COMPACT}
    return replace(request, format=Format()), guidance(schema)


def tidied(schema: Any, *, combined: bool = False) -> Any:
    """The schema without upper bounds that no answer reaches; objects that list their properties
    have no others, unless they are `combined` with another schema.

    A small model that may invent properties does.
    """
    if isinstance(schema, list):
        return [tidied(item, combined=combined) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: value if key in _DATA else _inner(key, value) for key, value in schema.items()}
    for key in _LOOSE:
        if type(out.get(key)) in (int, float) and out[key] >= GUIDED.repeats:
            del out[key]
    closed = not combined and not any(key in schema for key in _COMBINED)
    if closed and isinstance(schema.get("properties"), dict):
        out.setdefault("additionalProperties", False)
    return out


_DATA = frozenset(["enum", "const", "default", "examples", "required"])
"""Keywords whose values are no schemas."""
_NAMED = frozenset(["properties", "$defs", "definitions", "patternProperties"])
"""Keywords whose values are schemas by name."""


def _inner(key: str, value: Any) -> Any:
    if key in _NAMED and isinstance(value, dict):
        return {name: tidied(inner) for name, inner in value.items()}
    return tidied(value, combined=key == "allOf")


def _in_words(request: Request) -> Request:
    """The request for an answer in JSON without a grammar: the check that follows must do."""
    written = msgspec.json.encode(request.format.schema).decode()
    how = "Answer with JSON alone, without a word before or after it."
    if len(written) <= SHOWN:
        how += f" It must follow this JSON Schema: {written}"
    return replace(request, format=Format(), messages=with_instructions(request.messages, how))


def with_instructions(messages: tuple[Message, ...], how: str) -> tuple[Message, ...]:
    """The conversation with `how` at the end of its system prompt."""
    if messages and messages[0].role in ("system", "developer"):
        system = Message("system", (Text(f"{messages[0].text}\n\n{how}"),))
        return (system, *messages[1:])
    return (Message("system", (Text(how),)), *messages)
