"""Puts real values back in place of surrogates: in text, in JSON, and in streams cut anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shortstop.privacy.replace import spelling
from shortstop.types import WireWords

_PUNCTUATION = re.compile(r"[\W_]+")
CORE = 7
"""Letters or digits of a surrogate that no other text contains by chance."""

_LOWER = {c: c + 32 for c in range(65, 91)}


def _lower(text: str) -> str:
    """Only ASCII in lower case, so that the length stays."""
    return text.translate(_LOWER)


def _cores(surrogate: str) -> list[str]:
    """What identifies a surrogate without its punctuation: all of it, or its longest word."""
    words = _PUNCTUATION.split(surrogate)
    return [c for c in ("".join(words), max(words, key=len)) if len(c) >= CORE]


def _cased_like(value: str, surrogate: str) -> str:
    """A name comes back in the case in which the model wrote its surrogate."""
    if not value.isalpha() or not surrogate.isalpha():
        return value
    if surrogate.isupper():
        return value.upper()
    one_case = value.islower() or (value.isupper() and len(value) > 1 and not surrogate.islower())
    return value.capitalize() if surrogate[0].isupper() and one_case else value


class Restorer:
    """Finds surrogates in any case and puts the values back; the longest match wins.

    `values` is surrogate -> value.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {_lower(s): v for s, v in values.items()}
        ordered = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)) or r"(?!)")
        self._prefixes = {s[:i] for s in ordered for i in range(1, len(s))}
        self._firsts = frozenset(s[0] for s in ordered if s)
        self._longest = max(map(len, ordered), default=0)
        self._cores = {core for s in ordered for core in _cores(s)}

    def text(self, text: str, *, escaped: bool = False) -> str:
        """The text restored. `escaped`: it is inside a JSON string, so that quotes and newlines of
        the values must be escaped."""
        done, kept = self.feed(text, escaped=escaped, final=True)
        return done + kept

    def feed(self, text: str, *, escaped: bool, final: bool) -> tuple[str, str]:
        """(the beginning, restored; the rest, unchanged, which may be the start of a surrogate).

        With `final` there is no rest.
        """
        settled = len(text) if final else spelling.open_end(text)
        spelled = spelling.read(text[:settled])
        low, position, restored = _lower(spelled.text), 0, list[str]()
        hold = len(low) if final else self._held_from(low, 0)
        while True:
            match = self._pattern.search(low, position)
            if match is None or hold <= match.start():
                begin, end = spelled.raw(position), spelled.raw(hold)
                return "".join((*restored, text[begin:end])), text[end:]
            begin, end = spelled.raw(match.start()), spelled.ends[match.end() - 1]
            begin += spelling.lone_slashes(text[begin:end])
            surrogate = spelled.text[slice(*match.span())]
            restored += (
                text[spelled.raw(position) : begin],
                self._value(surrogate, text[begin:end], escaped),
            )
            position = match.end()
            if hold < position:
                hold = len(low) if final else self._held_from(low, position)

    def _held_from(self, low: str, position: int) -> int:
        """The first offset from which the rest may be the start of a surrogate."""
        for i in range(max(position, len(low) - self._longest + 1), len(low)):
            if low[i] in self._firsts and low[i:] in self._prefixes:
                return i
        return len(low)

    def is_left(self, text: str) -> bool:
        """Whether a restored text still contains a surrogate, respelled by the model."""
        bare = _PUNCTUATION.sub("", _lower(text))
        return any(core in bare for core in self._cores)

    def _value(self, surrogate: str, raw: str, escaped: bool) -> str:
        value = _cased_like(self._values[surrogate.translate(_LOWER)], surrogate)
        return spelling.respelled(value, raw, escaped=escaped)

    def json(self, value: Any, words: WireWords, key: str = "") -> Any:
        """A whole JSON value; strings that are themselves JSON texts stay valid, and reasoning,
        which vendors sign, stays as it came."""
        if isinstance(value, str):
            return self.text(value, escaped=key in words.json_texts)
        if isinstance(value, dict):
            kept = words.reasoning
            return {k: v if k in kept else self.json(v, words, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.json(v, words, key) for v in value]
        return value


class Buffer:
    """Restores one block of a stream. `escaped` as for `Restorer.text`."""

    def __init__(self, restorer: Restorer, *, escaped: bool = False) -> None:
        self._restorer, self._escaped, self._held = restorer, escaped, ""

    def push(self, text: str, *, final: bool = False) -> str:
        """The restored text that can no longer change; `final` when no more follows."""
        done, kept = self._restorer.feed(self._held + text, escaped=self._escaped, final=final)
        self._held = kept
        return done
