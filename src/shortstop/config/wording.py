"""What msgspec says of a value, in plain words, with what it may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import inspect

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
GOT = {**KINDS, "float": "a number with a fraction"}
BARE = {"int", "float", "bool"}
"""What TOML writes without quotation marks."""
_EXPECTED = re.compile(r"Expected `(\w+)(?: \| null)?`(.*?)(?:, got `(\w+)`)?")
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_ENUM = re.compile(r"Invalid enum value (.+)")


def in_words(what: str, root: type, path: tuple[str, ...]) -> str:
    """`what` is msgspec's sentence about the value at `path` of a `root`."""
    if missing := _MISSING.fullmatch(what):
        return f"`{missing[1]}` is missing"
    nodes = list(_at(inspect.type_info(root), path))
    if enum := _ENUM.fullmatch(what):
        return f"{enum[1]} is none of {', '.join(dict.fromkeys(_values(nodes)))}"
    if "matching regex" in what and (form := _described(nodes)):
        return f"expected {form}"
    expected = _EXPECTED.fullmatch(what)
    if expected is None or expected[1] not in KINDS:
        return what[0].lower() + what[1:]
    kind, limit, got = expected.groups()
    limit = limit.replace(" matching regex ", " of the form ")
    told = f"expected {KINDS[kind]}{limit}" + (f", got {GOT.get(got, got)}" if got else "")
    return f"{told}; write it without quotation marks" if kind in BARE and got == "str" else told


def keys_at(root: type, path: tuple[str, ...]) -> list[str]:
    """The keys of the table at `path` of a `root`."""
    nodes = map(_bare, _at(inspect.type_info(root), path))
    return [
        field.encode_name
        for node in nodes
        if isinstance(node, inspect.StructType)
        for field in node.fields
    ]


def _at(node: inspect.Type, path: tuple[str, ...]) -> Iterator[inspect.Type]:
    """What may stand at `path` below `node`: several where there is a choice."""
    if isinstance(node, inspect.UnionType):
        for one in node.types:
            yield from _at(one, path)
    elif not path:
        yield node
    elif isinstance(node, inspect.Metadata):
        yield from _at(node.type, path)
    elif isinstance(node, inspect.StructType):
        for field in node.fields:
            if field.encode_name == path[0]:
                yield from _at(field.type, path[1:])
    elif isinstance(node, inspect.DictType):
        yield from _at(node.value_type, path[1:])
    elif isinstance(node, inspect.CollectionType):
        yield from _at(node.item_type, path[1:])


def _values(nodes: list[inspect.Type]) -> Iterator[str]:
    for node in map(_bare, nodes):
        if isinstance(node, inspect.LiteralType):
            yield from map(repr, node.values)


def _described(nodes: list[inspect.Type]) -> str:
    schemas: list[dict[str, Any]] = [
        node.extra_json_schema or {} for node in nodes if isinstance(node, inspect.Metadata)
    ]
    return next((str(one["description"]) for one in schemas if "description" in one), "")


def _bare(node: inspect.Type) -> inspect.Type:
    return _bare(node.type) if isinstance(node, inspect.Metadata) else node
