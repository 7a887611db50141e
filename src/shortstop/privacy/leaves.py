"""Every string of a request, with its place and the name of its field.

`WireWords`, the vocabulary of the dialects, says what a body is made of besides values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from msgspec import Struct

from shortstop import bounded
from shortstop.types import Json, WireWords

MAX_DEPTH = 64
PLACES = 1_024
"""Places of texts of which is remembered what they say."""
LONG_NAME = 16
"""Characters from which a field's name may be a secret made of letters alone."""
MAX_NESTED_JSON = 4
"""How many times JSON may be written inside a string of JSON and still be read."""
LARGE_NUMBER = 10**8
"""From here on a number without a telling name may be an identifier."""
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
_TOP_FIELD = re.compile(r"\$\.([^.\[!~]+)")
_NUMBER = re.compile(r"\d{12}")
"""Digits in a row that no cipher has by chance."""


class Leaf(Struct, frozen=True, gc=False):
    """One string of a body, by its JSON path. `key` is the name of its field, where that says
    something about the value."""

    path: str
    text: str
    key: str = ""
    spoken: bool = False
    """Whether it is part of the conversation, not form or settings."""
    sealed: bool = False
    """Whether it is a vendor's cipher: one blob, where no other text may be."""
    own: bool = False
    """Whether it is the program's own word to the vendor: a session's, a turn's or a call's id."""

    @property
    def shown(self) -> str:
        """What detectors read."""
        return f"{self.key}: {self.text}" if self.key else self.text


def is_key(path: str) -> bool:
    """Whether the path is that of a field's name, not of a value."""
    return path.endswith("~")


class LeafReader:
    """Reads bodies that are written in a vocabulary."""

    def __init__(self, words: WireWords) -> None:
        self.words = words
        self._names, self._constants = words.names, words.constants
        self._speech = tuple(words.speech)
        self._place = lru_cache(PLACES)(self._told_by)
        self._sealed_fields = frozenset(field for _, field in words.seals)

    def leaves(self, body: Json) -> list[Leaf]:
        """The strings, and the numbers that may be identifiers, in document order.

        Raises ValueError below `MAX_DEPTH` levels, where nothing has been read, and TypeError for
        what is not JSON.
        """
        leaves: list[Leaf] = []
        self._walk(body, "$", "", 0, 0, leaves)
        return leaves

    def _walk(
        self, value: Any, path: str, key: str, depth: int, nested: int, leaves: list[Leaf]
    ) -> None:
        if depth > MAX_DEPTH:
            raise ValueError("the request is nested too deeply")
        kind = type(value)
        if kind is str:
            self._string(value, path, key, depth, nested, leaves)
        elif kind is dict:
            self._object(value, path, depth, nested, leaves)
        elif kind is list or kind is tuple:
            for i, item in enumerate(value):
                self._walk(item, f"{path}[{i}]", key, depth + 1, nested, leaves)
        elif kind is int or kind is float:
            if key or abs(value) >= LARGE_NUMBER:
                leaves.append(Leaf(path, repr(value), key))
        elif value is not None and kind is not bool:
            raise TypeError(f"a {kind.__name__} is not JSON")

    def _object(self, table: Json, path: str, depth: int, nested: int, leaves: list[Leaf]) -> None:
        names, constants = self._names, self._constants
        for name, inner in table.items():
            if not isinstance(name, str):
                raise TypeError("a key is not a string")
            if name in self._sealed_fields and self._is_sealed(table, name, path, depth):
                leaves.append(Leaf(f"{path}.{name}", inner, sealed=True))
            elif name in names:
                constant = name in constants and isinstance(inner, str) and inner in constants[name]
                if not constant:
                    self._walk(inner, f"{path}.{name}", "", depth + 1, nested, leaves)
            else:
                if _may_be_data(name, inner):
                    leaves.append(Leaf(f"{path}.{name}~", name))
                self._walk(inner, f"{path}.{name}", name, depth + 1, nested, leaves)

    def _is_sealed(self, block: Json, name: str, path: str, depth: int) -> bool:
        value, kind = block[name], block.get("type")
        return (
            isinstance(value, str)
            and isinstance(kind, str)
            and (kind, name) in self.words.seals
            and _looks_drawn(value)
            and any(depth == level and path.startswith(place) for place, level in self.words.turns)
        )

    def _told_by(self, path: str) -> tuple[bool, bool]:
        """What the place of a text says of it: whether it is spoken, and whether it is own."""
        return self._is_speech(path), self._is_own(path)

    def _is_speech(self, path: str) -> bool:
        """Whether a text, or the list that it is in, is part of the conversation."""
        place = path.rpartition("[")[0] if path[-1] == "]" else path
        return place.endswith(self._speech)

    def _is_own(self, path: str) -> bool:
        if (top := _TOP_FIELD.match(path)) and top.group(1) in self.words.own:
            return True
        name = path.rpartition(".")[2]
        return name in self.words.verbatim and "!" not in path and ".input." not in path

    def _string(
        self, text: str, path: str, key: str, depth: int, nested: int, leaves: list[Leaf]
    ) -> None:
        spoken, own = self._place(path)
        leaves.append(Leaf(path, text, key, spoken, own=own))
        inner = text.strip()
        if not inner or inner[0] not in '{["' or inner[-1] not in '}]"' or len(inner) < 7:
            return
        try:
            value = bounded.decode(inner)
        except bounded.TooManyValues:
            raise  # unread is not harmless
        except (ValueError, RecursionError):
            return
        if nested >= MAX_NESTED_JSON:
            raise ValueError("JSON is written inside JSON too many times")
        if not isinstance(value, str) or value != text:
            self._walk(value, f"{path}!", key, depth + 1, nested + 1, leaves)


def _looks_drawn(value: str) -> bool:
    """Whether it looks like cipher text: long, of all kinds of characters, and no number."""
    return (
        _BLOB.fullmatch(value) is not None
        and len(set(value)) >= 16
        and value.upper() != value != value.lower()
        and _NUMBER.search(value) is None
    )


_ANY_BODY = LeafReader(WireWords())


def strings(body: Json) -> dict[str, str]:
    """Every string of a body by its path, without regard to what it is. Raises as `leaves` does."""
    return {leaf.path: leaf.text for leaf in _ANY_BODY.leaves(body)}


def _may_be_data(name: str, value: Any) -> bool:
    """Whether a field's name may itself be data: an address book has e-mail addresses for keys."""
    if len(name) > 40 or "@" in name or " " in name or any(c.isdigit() for c in name):
        return True
    return len(name) >= LONG_NAME and _shows_nothing(value)


def _shows_nothing(value: Any) -> bool:
    """Whether no leaf of the value will be read together with the field's name."""
    return value is None or isinstance(value, bool | dict) or value == []
