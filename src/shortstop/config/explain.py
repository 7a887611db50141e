"""Errors that help: the file, the line, the key, and the key that was probably meant."""

from __future__ import annotations

import difflib
import re

import msgspec

from shortstop.config.section import Section
from shortstop.config.wording import in_words, keys_at

KeyPath = tuple[str, ...]

ANY = "*"
"""Stands for a name of the operator's own, where msgspec does not say which."""
_INDEX = re.compile(r"\[(?:\d+|\.\.\.)\]")
_SEGMENT = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^.\"'\s]+)")


def explained(message: str, text: str, name: str, root: type) -> str:
    """msgspec's `message` about the TOML `text` of the file `name`, which is to be a `root`, with
    line and key."""
    what, _, place = message.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    path = _segments(place.replace("[...]", f".{ANY}"))
    kind = _segments(_INDEX.sub(f".{ANY}", place))
    unknown = re.search(r"unknown field `(.+?)`", what)
    if unknown:
        key = unknown.group(1)
        near = difflib.get_close_matches(key, keys_at(root, kind), n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        if not near and key in _known_keys():
            hint = " It belongs to another table: see docs/reference/configuration.md."
        return f"{place_of((*path, key), text, name)}: unknown key.{hint}"
    return f"{place_of(path, text, name)}: {in_words(what, root, kind)}."


def place_of(path: KeyPath, text: str, name: str) -> str:
    """The file `name`, the line where its `text` sets the key at `path`, and the key."""
    number, full = _line_of(path, text)
    line = f", line {number}" if number else ""
    return f"{name}{line}, `{'.'.join(full)}`"


def _known_keys() -> set[str]:
    keys: set[str] = set()
    for section in Section.__subclasses__():
        keys.update(field.name for field in msgspec.structs.fields(section))
    return keys


def _line_of(path: KeyPath, text: str) -> tuple[int | None, KeyPath]:
    """The line that sets `path` or opens its table, and the path with `*` filled in.

    TOML's parser keeps no positions; what this cannot find is reported without a line.
    """
    table: KeyPath = ()
    best: tuple[int | None, KeyPath] = (None, path)
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("["):
            table = _segments(line.split("#")[0].strip("[] \t"))
            full = table
        elif "=" in line and not line.startswith("#"):
            full = (*table, *_segments(line.split("=", 1)[0]))
        else:
            continue
        if _matches(path, full):
            return number, full
        if full and _matches(path[: len(full)], full):
            best = number, (*full, *path[len(full) :])
    return best


def _segments(dotted: str) -> KeyPath:
    return tuple(a or b or c for a, b, c in _SEGMENT.findall(dotted))


def _matches(pattern: KeyPath, path: KeyPath) -> bool:
    return len(pattern) == len(path) and all(
        want in (ANY, have) for want, have in zip(pattern, path, strict=True)
    )
