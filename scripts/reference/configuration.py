"""Every key of shortstop.toml: its type, range, unit and default, and how long its value holds."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from scripts.reference.markdown import code, table
from shortstop.config import Config
from shortstop.config.restart import lifetimes
from shortstop.config.section import Section

UNITS = {
    "_seconds": "seconds", "_s": "seconds", "_mb": "megabytes", "_kb": "kilobytes",
    "_days": "days", "_usd": "US dollars", "_ms": "milliseconds", "_hours": "hours",
    "_watts": "watts", "_tokens": "tokens", "_percent": "per cent",
}  # fmt: skip
"""By how a key ends."""
LASTS = {
    "process": "until a restart",
    "runtime": "until a reload",
    "state": "for the life of what the router has learned",
}
WORDS = {str: "text", bool: "true or false", int: "whole number", float: "number"}


class Table(NamedTuple):
    """A table of the file, dotted, and what describes it."""

    name: str
    section: type[Section]


def page() -> str:
    lasts = lifetimes()
    parts = [
        "# Configuration\n\n`shortstop.toml`, every key. `NAME` is a name of your own. A value"
        " holds until a restart, until a reload, or for the life of what the router has learned.\n"
    ]
    for one in tables(Config, ""):
        rows = [
            [code(field.name), spelled(field.type, field.name), _default(field),
             LASTS[lasts[_dotted(one.name, field.name)]]]
            for field in msgspec.structs.fields(one.section)
            if _section(field.type) is None
        ]  # fmt: skip
        if rows:
            title = f"[{one.name}]" if one.name else "At the top"
            parts.append(f"## {title}\n\n{_about(one.section)}\n")
            parts.append(table(("key", "value", "default", "holds"), rows))
    return "\n".join(parts)


def tables(section: type[Section], prefix: str) -> Iterator[Table]:
    """`section` and all below it, outer ones first."""
    yield Table(prefix, section)
    for field in msgspec.structs.fields(section):
        inner = _section(field.type)
        if inner is not None:
            named = get_origin(_bare(field.type)) is dict
            name = _dotted(prefix, field.name)
            yield from tables(inner, f"{name}.NAME" if named else name)


def spelled(kind: Any, name: str = "") -> str:
    """A type in words: what it is, its range, its unit."""
    bounds, origin = _meta(kind), get_origin(_bare(kind))
    kind = _bare(kind)
    if origin in (Union, UnionType):
        return " or ".join(spelled(part, name) for part in get_args(kind) if part is not NoneType)
    if origin is Literal:
        return ", ".join(code(f'"{value}"') for value in get_args(kind))
    if origin is tuple:
        return f"list of {spelled(get_args(kind)[0])}"
    if origin is dict:
        return f"table of {spelled(get_args(kind)[1])}"
    unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), "")
    word = WORDS.get(kind, getattr(kind, "__name__", str(kind)))
    return " ".join(filter(None, (word, _range(bounds), f"({unit})" if unit else "")))


def _range(bounds: list[Meta]) -> str:
    said = []
    for meta in bounds:
        said += [f"above {meta.gt:g}"] if meta.gt is not None else []
        said += [f"from {meta.ge:g}"] if meta.ge is not None else []
        said += [f"below {meta.lt:g}"] if meta.lt is not None else []
        said += [f"to {meta.le:g}"] if meta.le is not None else []
    return " ".join(said)


def _default(field: FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory() if callable(field.default_factory) else ""
    if value is None:
        return "none"
    return code(msgspec.json.encode(value).decode())


def _about(section: type[Section]) -> str:
    return inspect.getdoc(section) or ""


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _bare(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def _meta(kind: Any) -> list[Meta]:
    return [one for one in getattr(kind, "__metadata__", ()) if isinstance(one, Meta)]


def _section(kind: Any) -> type[Section] | None:
    kind = _bare(kind)
    for part in (kind, *get_args(kind)):
        part = _bare(part)
        if isinstance(part, type) and issubclass(part, Section):
            return part
    return None
