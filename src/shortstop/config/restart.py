"""What a reload can apply, and what it cannot: the lifetime of every setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from shortstop.config.section import Lasts, Lifetime, Section
from shortstop.config.sections import Config
from shortstop.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
ANY = "NAME"
"""Stands for a name of the operator's own, as in `models.NAME.slots`."""


def lifetimes(section: type[Section] = Config) -> dict[str, Lifetime]:
    """Every key that `section` may hold, dotted as in the file, with its lifetime.

    Raises TypeError for a key that states none.
    """
    return dict(_settings(section, ""))


def changed(old: Config, new: Config, lifetime: Lifetime) -> list[str]:
    """The settings of that lifetime that differ, as dotted keys in the file's order."""
    return [key for key, one in _differences(old, new, "") if one == lifetime]


def restart_needed(old: Config, new: Config) -> list[str]:
    """The changed settings that only a restart applies, such as `server.port`."""
    return changed(old, new, "process")


def require_no_restart(old: Config, new: Config) -> None:
    """Raises ConfigError when `new` changes a setting that a reload cannot apply; it names all."""
    keys = restart_needed(old, new)
    if keys:
        names = ", ".join(f"`{key}`" for key in keys)
        raise ConfigError(
            f"A reload cannot change {names}: {'it needs' if len(keys) == 1 else 'they need'} "
            "a restart.",
            hint="Restart the gateway, or undo this change and reload the others.",
        )


def _settings(section: type[Section], prefix: str) -> Iterator[tuple[str, Lifetime]]:
    for field in msgspec.structs.fields(section):
        inner, named = _nested(field.type)
        key = f"{prefix}{field.name}"
        if inner is None:
            yield key, _lifetime(section, field)
        else:
            yield from _settings(inner, f"{key}.{ANY}." if named else f"{key}.")


def _differences(old: Section, new: Section, prefix: str) -> Iterator[tuple[str, Lifetime]]:
    for field in msgspec.structs.fields(old):
        before, after = getattr(old, field.name), getattr(new, field.name)
        key = f"{prefix}{field.name}"
        if before == after:
            continue
        if isinstance(before, Section) and isinstance(after, Section):
            yield from _differences(before, after, f"{key}.")
        elif _nested(field.type)[1]:
            yield from _entries(before, after, key, _lifetime(type(old), field))
        else:
            yield key, _lifetime(type(old), field)


def _entries(
    old: dict[str, Section], new: dict[str, Section], table: str, lifetime: Lifetime
) -> Iterator[tuple[str, Lifetime]]:
    """Differences of tables that the operator names; one that came or went is one difference."""
    for name in dict.fromkeys((*old, *new)):
        key = f"{table}.{name if _BARE.fullmatch(name) else msgspec.json.encode(name).decode()}"
        if name in old and name in new:
            yield from _differences(old[name], new[name], f"{key}.")
        else:
            yield key, lifetime


def _lifetime(section: type[Section], field: FieldInfo) -> Lifetime:
    marks = [mark for mark in get_args(field.type) if isinstance(mark, Lasts)]
    lifetime = marks[0].lifetime if marks else section.lifetime
    if lifetime is None:
        raise TypeError(f"{section.__name__}.{field.name} states no lifetime")
    return lifetime


def _nested(kind: Any) -> tuple[type[Section] | None, bool]:
    """The section that a value of this type holds, and whether it is a table of named ones."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    named = get_origin(kind) is dict
    for part in (kind, *get_args(kind)):
        if isinstance(part, type) and issubclass(part, Section):
            return part, named
    return None, False
