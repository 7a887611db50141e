"""Which labelled texts were missed or wrongly pinned, so that a rule can be mended: masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from shortstop.evaluate.privacy.detection import Examiner
from shortstop.types import Finding, Tier

Span = tuple[int, int]
"""(start, end) in characters."""
AROUND = 60
"""Characters on either side of what is masked that are shown."""


class Found(Struct, frozen=True):
    """What a rule has found in a text, or nearly: `tier` tells whether it pins."""

    label: str
    rule: str
    tier: str


class Miss(Struct, frozen=True):
    """A text that was judged otherwise than it is labelled.

    `line` counts from 1. `kind` is the row's class. `text` shows what stands around the value, with
    the value as stars; where nobody says where the value is, the first letter of every word.
    """

    line: int
    id: str
    what: Literal["missed", "wrongly pinned"]
    kind: str
    found: tuple[Found, ...]
    text: str


def misses(rows: Iterable[tuple[int, Mapping[str, Any]]], examiner: Examiner) -> Iterator[Miss]:
    """Of numbered rows with the columns of gateway_dev.jsonl, those that are not judged as
    labelled."""
    for line, row in rows:
        verdict = examiner.verdict(row["text"])
        pinned = verdict.tier >= Tier.S2
        if pinned == bool(row["sensitive"]):
            continue
        found = tuple(Found(f.label, f.rule, f.tier.name) for f in verdict.findings)
        places = [*_marked(row), *_places(verdict.findings)]
        yield Miss(
            line,
            str(row.get("id", "")),
            "wrongly pinned" if pinned else "missed",
            str(row["tier"]),
            found or tuple(Found("", reason, verdict.tier.name) for reason in verdict.reasons),
            masked(row["text"], places),
        )


def masked(text: str, places: Sequence[Span]) -> str:
    """`text` near `places`, and these as stars; without places, what its words begin with."""
    if not places:
        return " ".join(_stub(word) for word in text.split())
    shown = list(text)
    for start, end in places:
        shown[start:end] = ["*" if not c.isspace() else c for c in shown[start:end]]
    first = max(0, min(start for start, _ in places) - AROUND)
    last = max(end for _, end in places) + AROUND
    return "".join(shown[first:last])


def _stub(word: str) -> str:
    head = word[0] if word[0].isalpha() else "*"
    return head + "*" * min(7, len(word) - 1)


def _marked(row: Mapping[str, Any]) -> list[Span]:
    return [(one["start"], one["end"]) for one in row.get("spans") or ()]


def _places(findings: Iterable[Finding]) -> list[Span]:
    """Where the values stand; what was found inside an encoding has no place of its own."""
    return [(f.start, f.end) for f in findings if f.start < f.end and ":" not in f.rule]
