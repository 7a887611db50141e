"""Rules: patterns in data files, each with texts that it must find and texts that it must not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import re2

from shortstop.errors import ConfigError
from shortstop.privacy.detect.checks import Check, named
from shortstop.types import Tier

_COUNTED = re.compile(r"\{(\d+)(?:,(\d*))?\}")
LOOSE = 12
SHORTEST = 12
"""What a value that gives groups back must still have."""
_UUID = re.compile(rb"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DIGITS = b"0123456789-"
"""What has no letter at all may be a number that somebody grouped."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` (RE2) finds a candidate; group 1, where there is one, is the value.

    `check` proves the value, `near` must stand within `window` characters of it. A `strong` rule
    is sure enough of itself to be believed in a text that was decoded, joined or reversed. What a
    `random` rule finds may be an accident of drawn digits: inside a UUID it is not believed. A
    `shrink` rule may find too much: it gives back the last groups until the check holds. `gate`
    matches wherever `pattern` does.
    """

    id: str
    book: str
    label: str
    tier: Tier
    pattern: str
    compiled: Any
    group: int
    check: Check | None
    near: Any | None
    window: int
    strong: bool
    random: bool
    shrink: bool
    gate: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]

    def values(self, text: str) -> Iterator[tuple[int, int]]:
        """Where confirmed values stand in a text, in characters."""
        data = text.encode("utf-8", "replace")
        for start, end in self.spans(data):
            yield characters(data, start), characters(data, end)

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """The same in UTF-8 bytes. A candidate that fails hides none that overlap it."""
        group = self.group
        position: int | None = 0
        while position is not None:
            found, position = self.compiled.finditer(data, position), None
            for match in found:
                start, end = match.span(group)
                held = self._held(data, start, end) if start >= 0 else 0
                if held:
                    yield start, held
                    if held == match.end() > start:
                        continue
                    position = max(held, match.start() + 1)
                else:
                    position = max(match.start() + 1, start)
                break

    def _held(self, data: bytes, start: int, end: int) -> int:
        """Where the value ends: sooner than found, if it swallowed the words after it. Else 0."""
        while not self._holds(data, start, end):
            end = max(data.rfind(b" ", start, end), data.rfind(b"-", start, end))
            if not self.shrink or end - start < SHORTEST:
                return 0
        return end

    def _holds(self, data: bytes, start: int, end: int) -> bool:
        if self.near is not None:
            around = data[max(0, start - self.window) : end + self.window]
            if self.near.search(around) is None:
                return False
        if self.check is not None and not self.check(data[start:end].decode("utf-8", "replace")):
            return False
        return not (self.random and in_uuid(data, start, end))


def in_uuid(data: bytes, start: int, end: int) -> bool:
    """Whether data[start:end] reaches into a UUID: one in a thousand holds a valid card or IBAN."""
    shift = max(0, start - 36)
    return any(
        m.start() + shift < end and start < m.end() + shift and m.group().translate(None, _DIGITS)
        for m in _UUID.finditer(data[shift : end + 36])
    )


def characters(data: bytes, position: int) -> int:
    """How many characters the first `position` bytes hold."""
    return len(data[:position].decode("utf-8", "ignore"))


def compile_pattern(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(pattern, options)


def parse(tree: dict[str, Any], name: str) -> Iterator[Rule]:
    """Raises ConfigError about a rule that cannot be read."""
    for raw in tree.get("rule", ()):
        try:
            yield Rule(
                id=raw["id"],
                book=name.removesuffix(".toml"),
                label=raw["label"],
                tier=Tier(raw["tier"]),
                pattern=raw["pattern"],
                compiled=(compiled := compile_pattern(raw["pattern"])),
                group=1 if compiled.groups else 0,
                check=named(raw["check"]) if "check" in raw else None,
                near=compile_pattern(raw["near"]) if "near" in raw else None,
                window=raw.get("window", 60),
                strong=raw.get("strong", False),
                random=raw.get("random", False),
                shrink=raw.get("shrink", False),
                gate=raw.get("gate") or gate(raw["pattern"]),
                positive=tuple(raw["positive"]),
                negative=tuple(raw["negative"]),
            )
        except (KeyError, ValueError, ModuleNotFoundError, re2.error) as error:
            raise ConfigError(f"{name}: rule {raw.get('id', '?')!r} is broken: {error}.") from error


@cache
def builtin() -> tuple[Rule, ...]:
    """Every rule in the package, by file and place."""
    found: list[Rule] = []
    for file in sorted(
        files("shortstop.privacy").joinpath("rulebook").iterdir(), key=lambda f: f.name
    ):
        if file.name.endswith(".toml"):
            found += parse(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
    return tuple(found)


def failures(rules: tuple[Rule, ...]) -> list[str]:
    """The rules whose own vectors do not hold."""
    wrong = []
    for rule in rules:
        if not rule.positive or not rule.negative:
            wrong.append(f"{rule.id}: has no test vector")
        wrong += [f"{rule.id}: misses {t!r}" for t in rule.positive if not any(rule.values(t))]
        wrong += [f"{rule.id}: finds {t!r}" for t in rule.negative if any(rule.values(t))]
    return wrong


def gate(pattern: str) -> str:
    """A looser, smaller pattern that matches wherever `pattern` does: for the prefilter.

    What follows a keyword after a gap that any words may fill is left out: one automaton that
    remembers every gap it is in has too many states to have seen them all.
    """
    kept = ""
    for element in _ELEMENT.findall(pattern) if _ONE.fullmatch(pattern) else ():
        if _roams(element) and _KEYWORD.search(kept):
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


def _roams(element: str) -> bool:
    """Whether it may run on over spaces."""
    return any(
        re.match(re.sub(r"\\p\{\w+\}|\\p.", "a", match.group(1)), " ")
        for match in _WIDE.finditer(element)
    )


def _loosen(match: re.Match[str]) -> str:
    low = int(match.group(1))
    if match.group(2) is None:
        return match.group() if low <= LOOSE else f"{{{LOOSE},}}"
    high = match.group(2)
    if high and int(high) <= 3:
        return match.group()
    return "*" if low == 0 else f"{{{min(low, LOOSE)},}}"
