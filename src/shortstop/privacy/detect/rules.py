"""Rules: patterns in data files, each with texts that must match and texts that must not."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

import re2

from shortstop.errors import ConfigError
from shortstop.privacy.detect.checks import Check, named
from shortstop.privacy.detect.letters import loosened
from shortstop.privacy.detect.needs import Needs, needs
from shortstop.privacy.detect.placeholders import is_example
from shortstop.types import Tier

_COUNTED = re.compile(r"\{(\d+)(?:,(\d*))?\}")
MAX_REPEAT = 12
"""Repetitions that a prefilter still counts: more of them need too many states."""
UNLESS = 240
"""Bytes before and after a value that may say that it is another thing."""
_PACKAGE = "shortstop.privacy.detect"
MIN_SHRUNK = 12
"""Bytes left, at least, after `shrink` has given groups back."""
_UUID = re.compile(rb"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CONTINUATION = re.compile(rb"[\x80-\xbf]")
"""Bytes of a character after its first: an offset in characters is smaller by those before it."""
_DIGITS = b"0123456789-"
"""A UUID of these alone may as well be a number in groups."""


Finder = Callable[[bytes], Iterator[tuple[int, int]]]
"""Finds (start, end) of values in UTF-8, in bytes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` (RE2) finds a candidate; group 1, where there is one, is the value.

    `check` proves the value, and `near` must match within `window` characters of it. A `strong`
    rule is reliable enough to be believed in a text that was decoded, joined or reversed. What a
    `random` rule finds may be an accident of random digits: inside a UUID it is not believed. A
    `shrink` rule may find too much: it gives back the last groups until the check holds.
    `gates` are cheaper patterns, one of which matches wherever `pattern` finds a value. It is
    another thing where `unless_before` matches the text up to the value, or `unless_after` that
    behind it. A `finder` finds the values itself, and the pattern only says where it is worth
    asking.
    """

    id: str
    book: str
    label: str
    tier: Tier
    pattern: str
    check: Check | None
    near: str | None
    window: int
    unless_before: str | None
    unless_after: str | None
    strong: bool
    random: bool
    shrink: bool
    gates: tuple[str, ...]
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    finder: Finder | None = None
    least: Needs | None = None
    """What a text needs for the finder to find something, where it says so itself."""

    @property
    def compiled(self) -> Any:
        """The pattern in RE2."""
        return _compiled(self.pattern)

    @property
    def group(self) -> int:
        """The group that is the value: 0, the whole match, where there is none."""
        return 1 if self.compiled.groups else 0

    def needs(self, gate: str) -> Needs:
        """What a text needs for the rule to find something in it where that gate of it matches."""
        if self.least is not None:
            return self.least
        return needs(gate if self.finder else self.pattern)

    def values(self, text: str) -> Iterator[tuple[int, int]]:
        """(start, end) of confirmed values in a text, in characters."""
        data = text.encode("utf-8", "replace")
        for start, end in self.spans(data):
            yield characters(data, start), characters(data, end)

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """The same in UTF-8 bytes. A candidate that fails does not hide others that overlap it."""
        if self.finder is not None:
            yield from self.finder(data)
            return
        compiled, group = self.compiled, self.group
        position: int | None = 0
        while position is not None:
            matches, position = compiled.finditer(data, position), None
            for match in matches:
                start, end = match.span(group)
                confirmed = self._confirmed_end(data, start, end) if start >= 0 else 0
                if confirmed:
                    yield start, confirmed
                    if confirmed == match.end() > start:
                        continue
                    position = max(confirmed, match.start() + 1)
                else:
                    position = max(match.start() + 1, start)
                break

    def _confirmed_end(self, data: bytes, start: int, end: int) -> int:
        """Where the value ends: before `end` if the match took in words after it. 0 for none."""
        while not self._confirms(data, start, end):
            end = max(data.rfind(b" ", start, end), data.rfind(b"-", start, end))
            if not self.shrink or end - start < MIN_SHRUNK:
                return 0
        return end

    def _confirms(self, data: bytes, start: int, end: int) -> bool:
        if self.near is not None:
            around = data[max(0, start - self.window) : end + self.window]
            if _compiled(self.near).search(around) is None:
                return False
        if self._is_another(data, start, end):
            return False
        value = data[start:end].decode("utf-8", "replace")
        if self.check is not None and not self.check(value):
            return False
        if self.strong and self.label == "SECRET" and is_example(value):
            return False
        return not (self.random and in_uuid(data, start, end))

    def _is_another(self, data: bytes, start: int, end: int) -> bool:
        """Whether what stands before or after the value says that it is another thing."""
        return _matches(self.unless_before, data[max(0, start - UNLESS) : start]) or _matches(
            self.unless_after, data[end : end + UNLESS]
        )


def in_uuid(data: bytes, start: int, end: int) -> bool:
    """Whether data[start:end] overlaps a UUID: one in a thousand contains a valid card or IBAN."""
    shift = max(0, start - 36)
    return any(
        m.start() + shift < end and start < m.end() + shift and m.group().translate(None, _DIGITS)
        for m in _UUID.finditer(data[shift : end + 36])
    )


def characters(data: bytes, position: int) -> int:
    """How many characters the first `position` bytes of UTF-8 are."""
    return len(data[:position].decode("utf-8", "ignore"))


def characters_of(data: bytes, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same for many spans at once."""
    inner = [m.start() for m in CONTINUATION.finditer(data)]
    return ((a - bisect_left(inner, a), b - bisect_left(inner, b)) for a, b in spans)


def compile_pattern(pattern: str) -> Any:
    """A compiled RE2 pattern. Raises re2.error."""
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(pattern, options)


class LetterPattern:
    """A pattern about letters of all scripts. Texts in ASCII are read by one that is a tenth and
    finds the same in them; the whole is compiled for the first other text. As a compiled one
    otherwise."""

    __slots__ = ("_small", "_whole", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._small, self._whole = compile_pattern(loosened(pattern)), None

    def _for(self, text: bytes | str) -> Any:
        if text.isascii():
            return self._small
        if self._whole is None:
            self._whole = compile_pattern(self.pattern)
        return self._whole

    @property
    def groups(self) -> int:
        return int(self._small.groups)

    def search(self, text: bytes | str, start: int | None = None) -> Any:
        return self._for(text).search(text, start)

    def finditer(self, text: bytes | str, start: int | None = None) -> Any:
        return self._for(text).finditer(text, start)

    def fullmatch(self, text: bytes | str) -> Any:
        return self._for(text).fullmatch(text)

    def sub(self, replacement: bytes | str, text: bytes | str) -> Any:
        return self._for(text).sub(replacement, text)


@cache
def lettered(pattern: str) -> Any:
    """`pattern` compiled, small where it can be. Raises re2.error; with letters of all scripts it
    may do so at a text that is not ASCII."""
    return LetterPattern(pattern) if loosened(pattern) != pattern else compile_pattern(pattern)


_compiled = lettered
"""The patterns of rules, compiled when a text first needs them: most never are."""


def _matches(pattern: str | None, data: bytes) -> bool:
    return pattern is not None and _compiled(pattern).search(data) is not None


def encodable(text: str) -> str:
    """The text with "?" for lone surrogates, which RE2 refuses. The length stays the same."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def parse(tree: dict[str, Any], name: str) -> Iterator[Rule]:
    """The rules of one file. Raises ConfigError about a rule that cannot be read; a pattern that
    RE2 refuses is told by `failures`."""
    shared = tree.get("shared", {})
    for raw in tree.get("rule", ()):
        try:
            yield _rule(raw | _unless(raw, shared), name.removesuffix(".toml"))
        except (KeyError, ValueError, ModuleNotFoundError) as error:
            raise ConfigError(f"{name}: rule {raw.get('id', '?')!r} is broken: {error}.") from error


def _unless(raw: dict[str, Any], shared: dict[str, str]) -> dict[str, str]:
    """What says that it is another thing: the rule's own patterns, with those of `unless`, which
    several rules of a file share (its table `shared`)."""
    sides = {}
    for side in ("before", "after") if "unless" in raw else ():
        ways = [raw.get(f"unless_{side}"), shared.get(f"{raw['unless']}_{side}")]
        sides[f"unless_{side}"] = either(filter(None, ways))
    return sides


def _rule(raw: dict[str, Any], book: str) -> Rule:
    finder = import_module(f"{_PACKAGE}.{raw['finder']}") if "finder" in raw else None
    gates = finder.gates() if finder is not None else ()
    pattern = raw["pattern"] if finder is None else either(gates)
    return Rule(
        id=raw["id"],
        book=book,
        label=raw["label"],
        tier=Tier(raw["tier"]),
        pattern=pattern,
        check=named(raw["check"]) if "check" in raw else None,
        near=raw.get("near"),
        window=raw.get("window", 60),
        unless_before=raw.get("unless_before"),
        unless_after=raw.get("unless_after"),
        strong=raw.get("strong", False),
        random=raw.get("random", False),
        shrink=raw.get("shrink", False),
        gates=gates or (raw.get("gate") or prefilter(pattern),),
        positive=tuple(raw["positive"]),
        negative=tuple(raw["negative"]),
        finder=finder.spans if finder is not None else None,
        least=getattr(finder, "NEEDS", None),
    )


@cache
def builtin() -> tuple[Rule, ...]:
    """Every rule of the package, ordered by file and by place in it."""
    every: list[Rule] = []
    for file in sorted(
        files("shortstop.privacy").joinpath("rulebook").iterdir(), key=lambda f: f.name
    ):
        if file.name.endswith(".toml"):
            every += parse(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
    return tuple(every)


def failures(rules: tuple[Rule, ...]) -> list[str]:
    """What is wrong with the rules by their own vectors, one line each."""
    problems = []
    for rule in rules:
        try:
            problems += _failures(rule)
        except re2.error as error:
            problems.append(f"{rule.id}: a pattern is broken: {error}")
    return problems


def _failures(rule: Rule) -> list[str]:
    for pattern in (rule.pattern, rule.near, rule.unless_before, rule.unless_after):
        if pattern is not None:
            compile_pattern(pattern)
    problems = [] if rule.positive and rule.negative else [f"{rule.id}: has no test vector"]
    problems += [f"{rule.id}: misses {t!r}" for t in rule.positive if not any(rule.values(t))]
    problems += [f"{rule.id}: finds {t!r}" for t in rule.negative if any(rule.values(t))]
    return problems


def either(patterns: Iterable[str]) -> str:
    """One pattern that matches where one of them does."""
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def prefilter(pattern: str) -> str:
    """A looser, smaller pattern that matches wherever `pattern` does.

    What follows a keyword after a gap that any words may fill is left out: an automaton that
    keeps track of every gap it is in needs too many states.
    """
    kept = ""
    for element in _ELEMENT.findall(pattern) if _ONE.fullmatch(pattern) else ():
        if _spans_words(element) and _KEYWORD.search(kept):
            return _COUNTED.sub(_loosen, kept)
        kept += element
    return _COUNTED.sub(_loosen, pattern)


_ATOM = r"\\p\{\w+\}|\\p.|\\.|\[(?:\\.|[^\]\\])+\]|[^\\()|\[\]*+?{}]"
_GROUP = rf"\((?:{_ATOM}|[*+?|{{}}])*\)"
for _ in range(4):
    _GROUP = rf"\((?:{_ATOM}|[*+?|{{}}]|{_GROUP})*\)"
_ELEMENT = re.compile(rf"(?:{_GROUP}|{_ATOM})(?:[*+?]|\{{\d+(?:,\d*)?\}})?\??")
_ONE = re.compile(rf"(?:{_ELEMENT.pattern})+")
_KEYWORD = re.compile(r"[a-z]{3}")
_WIDE = re.compile(r"(\.|\[(?:\\.|[^\]\\])+\])(?:[*+]|\{\d+,(?:\d\d+)?\})")


def _spans_words(element: str) -> bool:
    """Whether it may go on over spaces without limit."""
    return any(
        re.match(re.sub(r"\\p\{\w+\}|\\p.", "a", match.group(1)), " ")
        for match in _WIDE.finditer(element)
    )


def _loosen(match: re.Match[str]) -> str:
    """A counted repetition that needs fewer states."""
    low = int(match.group(1))
    if match.group(2) is None:
        return match.group() if low <= MAX_REPEAT else f"{{{MAX_REPEAT},}}"
    high = match.group(2)
    if high and int(high) <= 3:
        return match.group()
    return "*" if low == 0 else f"{{{min(low, MAX_REPEAT)},}}"
