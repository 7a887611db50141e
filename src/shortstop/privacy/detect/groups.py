# ruff: noqa: E501 - patterns are read whole
"""Numbers in groups, whatever stands between the groups: dots, bars, list lines, table cells.

A text is bared of form (tags, list marks, "then") without moving anything, and read as runs of
groups. Whether a run is a number that somebody keeps is for `figures` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.rules import compile_pattern

LONGEST_GAP = 40
"""Characters between two groups of one run at most, tags and list marks included."""
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,60}>|&nbsp;")
_MARK = re.compile(
    r"\n[ \t>|*+•-]{0,6}(?:\(?(?:\d{1,2}|[A-Za-h])[.)][ \t]|\|?[ \t]*\d{1,2}[ \t]*(?=\|))"
)
_INLINE = re.compile(r"(?<!\S)\(?[a-h1-9]\) (?=[0-9A-Z])")
_COUNTED = re.compile(r"(?<!\d)\d{1,2}\"?[ \t]*[:=]")
_COUNTER = re.compile(r"(?:\"[A-Za-z_]{1,12}|\b[A-Za-z]{3,9}[ -]?#?)$")
_FIELD = re.compile(r"\"[A-Za-z_]{1,12}\"\s{0,2}:")
_FILLERS = (
    "and then next now followed by finally lastly last after that plus und dann danach zuletzt weiter et"
    " puis ensuite enfin y e luego después despues finalmente poi infine depois en daarna dan oraz potem"
    " number no nr nummer numéro número и затем потом номер №"
)
_FILLER = re.compile(
    rf"(?<=[0-9A-Z])[\s,;.:–-]{{1,4}}(?:(?:{canonical(_FILLERS).text.replace(' ', '|')})[\s,;.:–-]{{1,4}}){{1,4}}"
    r"(?=[0-9A-Z])"
)
_MAY_FILL = compile_pattern(
    rf"[0-9A-Z][\s,;.:–-]+(?:(?:{canonical(_FILLERS).text.replace(' ', '|')})[\s,;.:–-]+)+[0-9A-Z]"
)
_MAY_LIST = compile_pattern(r"(?:^|\s)\(?[a-h1-9]\) [0-9A-Z]")
_MAY_COUNT = compile_pattern(r"(?:\"[A-Za-z_]{1,12}|[A-Za-z]{3}[ -]?#?)\d{1,2}\"?[ \t]*[:=]")
_GROUP = re.compile(r"[0-9A-Za-z]*[0-9][0-9A-Za-z]*|(?<![^\W_])[A-Z]{1,6}(?![^\W_])")
_BREAK = re.compile(r"[^\W_]")


class Group(Struct, frozen=True, gc=False):
    """Letters and digits at [start, end) of the text; `gap` is what stands between them and the
    group before, without spaces."""

    text: str
    start: int
    end: int
    gap: str


Run = Sequence[Group]


def _blank(match: re.Match[str]) -> str:
    """As many spaces; a line stays a line."""
    return "".join("\n" if c == "\n" else " " for c in match.group())


def bare(text: str) -> str:
    """The text with form and fillers between groups blanked. Offsets stay the same."""
    if "<" in text or "&" in text:
        text = _TAG.sub(_blank, text)
    if "\n" in text:
        text = _MARK.sub(_blank, text)
    if ")" in text and _MAY_LIST.search(text.encode("utf-8", "replace")) is not None:
        text = _INLINE.sub(_blank, text)
    if ":" in text or "=" in text:
        text = _FIELD.sub(_blank, text) if '"' in text else text
        text = _uncounted(text)
    if _MAY_FILL.search(text.encode("utf-8", "replace")) is None:
        return text
    return _FILLER.sub(lambda m: "," + " " * (len(m.group()) - 1), text)


def numbered(text: str, bared: str) -> bool:
    """Whether digits were blanked in it: a mark of a list may as well be the number's beginning."""
    return bared is not text and sum(map(text.count, "123456789")) != sum(
        map(bared.count, "123456789")
    )


def _uncounted(text: str) -> str:
    """Without "part 2:"."""
    if _MAY_COUNT.search(text.encode("utf-8", "replace")) is None:
        return text
    for match in _COUNTED.finditer(text):
        start, end = match.span()
        counter = _COUNTER.search(text, max(0, start - 14), start)
        if counter is not None:
            text = text[: counter.start()] + " " * (end - counter.start()) + text[end:]
    return text


def runs(text: str) -> Iterator[Run]:
    """Groups that no word separates, in order."""
    run: list[Group] = []
    for match in _GROUP.finditer(text):
        start, end = match.span()
        gap = (
            _between(text[run[-1].end : start])
            if run and start - run[-1].end <= LONGEST_GAP
            else None
        )
        if gap is None:
            if run:
                yield run
            run = []
        run.append(Group(match.group(), start, end, gap or ""))
    if run:
        yield run


@lru_cache(maxsize=4096)
def _between(gap: str) -> str | None:
    """What a gap is, spaces left out; None when it is more than form."""
    if _BREAK.search(gap) is not None or "\x1f" in gap:
        return None
    lines = gap.count("\n")
    plain = "".join(gap.split())
    if lines > 3 or len(plain) > 12:
        return None
    return ("\n" if lines else "\t" if "\t" in gap else "") + plain or " "


def compact(groups: Run) -> str:
    """The groups written as one."""
    return "".join(g.text for g in groups)


def uniform(groups: Run) -> bool:
    """Whether the same thing stands between all of them."""
    return len({g.gap for g in groups[1:]}) <= 1


def units(run: Run) -> list[tuple[int, int]]:
    """[i, j) of the parts of a run that are likely to be one number: each group, what the same gap
    joins, each line, and all of it; also without letters at either end."""
    n = len(run)
    found = {(i, i + 1) for i in range(n)} | {(0, n)} | {*_same_gap(run)}
    ends = [i for i in range(1, n) if "\n" in run[i].gap]
    found |= set(zip([0, *ends], [*ends, n], strict=True))
    found |= {(i + 1, j) for i, j in found if j > i + 1 and run[i].text.isalpha()}
    found |= {(i, j - 1) for i, j in found if j > i + 1 and run[j - 1].text.isalpha()}
    return sorted(found)


def _same_gap(run: Run) -> Iterator[tuple[int, int]]:
    i = 0
    while i < len(run) - 1:
        j = i + 2
        while j < len(run) and run[j].gap == run[i + 1].gap:
            j += 1
        yield i, j
        i = j - 1
