"""A tool in the fewest words that tell a small model how to call it: `name(argument: type)`.

Half as many tokens as its JSON Schema, which the engine decodes under anyway (docs/benchmarks.md):
a prompt's tokens are most of the wait for a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from shortstop.types import Json, Tool

MAX_DESCRIPTION = 400
"""Characters of a tool's or an argument's description that a small model is shown."""
SHORT = 400
"""Characters of a definition that is told wherever it is referred to."""
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_TOLD = frozenset(
    ["type", "properties", "required", "items", "enum", "const", "anyOf", "oneOf", "format",
     "description", "title", "default", "examples", "additionalProperties", "$schema",
     "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
     "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]
)  # fmt: skip
"""Keywords that a signature tells of, or that the grammar alone sees to."""


def signature(tool: Tool) -> str:
    """How to call it and what for."""
    return f"{tool.name}({_arguments(tool.schema)}): {tool.description[:MAX_DESCRIPTION]}"


def _arguments(schema: Json) -> str:
    """One by one, or as the schema itself where it is of another kind."""
    whole = _inlined(schema)
    if not _told(whole):
        return _json(schema)
    return ", ".join(_each(whole))


def _inlined(schema: Json) -> Json:
    """The schema with its short definitions in their places; those that refer to others stay."""
    short = {
        f"#/{place}/{name}": value
        for place in ("$defs", "definitions")
        for name, value in _dict(schema.get(place)).items()
        if isinstance(value, dict) and len(text := _json(value)) <= SHORT and "$ref" not in text
    }

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(item) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference in short:
            return short[reference] | {key: one for key, one in value.items() if key != "$ref"}
        return {key: put(one) for key, one in value.items()}

    plain: Json = put({k: v for k, v in schema.items() if k not in ("$defs", "definitions")})
    return plain


def _told(schema: Any) -> bool:
    """Whether a signature says what the schema does."""
    if not isinstance(schema, dict) or not schema.keys() <= _TOLD:
        return False
    inner = [schema["items"]] if "items" in schema else []
    return all(map(_told, [*inner, *_either(schema), *_dict(schema.get("properties")).values()]))


def _each(schema: Json) -> Iterator[str]:
    return (_named(name, value, schema) for name, value in _dict(schema.get("properties")).items())


def _named(name: str, schema: Json, owner: Json) -> str:
    shown = name if _PLAIN.fullmatch(name) else _json(name)
    optional = "" if name in _list(owner.get("required")) else "?"
    about = schema.get("description")
    told = f" ({about[:MAX_DESCRIPTION]})" if isinstance(about, str) and about else ""
    return f"{shown}{optional}: {_type(schema)}{told}"


def _type(schema: Json) -> str:
    if "const" in schema:
        return _json(schema["const"])
    if isinstance(schema.get("enum"), list):
        return " | ".join(map(_json, schema["enum"]))
    if either := _either(schema):
        return " | ".join(map(_type, either))
    kinds = schema.get("type", "any")
    return " | ".join(_of_kind(kind, schema) for kind in _list(kinds) or [kinds])


def _of_kind(kind: Any, schema: Json) -> str:
    if kind == "array":
        return f"[{_type(schema.get('items', {}))}]"
    if kind == "object" and schema.get("properties"):
        return f"{{{', '.join(_each(schema))}}}"
    form = schema.get("format") if kind == "string" else None
    return f"{kind} as {form}" if form else str(kind)


def _either(schema: Json) -> list[Any]:
    return [*_list(schema.get("anyOf")), *_list(schema.get("oneOf"))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
