"""How far the answer of a model agrees with those of helpers that were asked the same.

Models that were asked apart and give one answer are more often right (self-consistency, Wang et al.
2022); helpers that agree with each other and not with the answer say that there is an answer, and
that this is not it. Free text hardly ever agrees to the letter, so likeness is told beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from shortstop.routing.embed import Embedder
from shortstop.routing.graders import GRADERS, numeric, similar
from shortstop.types import Helpers

_MARKED = (
    re.compile(r'"(?:final_?)?answer"\s*:\s*("(?:[^"\\]|\\.)*"|[^\n}]+)', re.I),
    re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}"),
    re.compile(r"\b(?:answer|result|output)\s*(?:is|:|=)+\s*\**\s*([^\n]+)", re.I),
)
"""How models mark what they have come to."""
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_NOISE = re.compile(r"[\s$\\,\"'`*]|\\text|[.)]+$")
MOST_CHARS = 4000
"""Characters of an answer, from its end, that are read."""


def final_answer(text: str) -> str:
    """What an answer comes to: what it marks as its answer, else its last line."""
    text = text[-MOST_CHARS:]
    for mark in _MARKED:
        if found := mark.findall(text):
            return str(found[-1]).strip(' \t"*`$.,')
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def agreed(kind: str | None, one: str, other: str) -> float:
    """How far two answers agree, in [0, 1]: by the task's grader `kind` where it compares answers,
    else by what both come to."""
    grader = GRADERS.get(kind or "")
    if grader is not None:
        return grader(one, other)
    ends = final_answer(one), final_answer(other)
    if all(len(_NUMBER.findall(end)) == 1 for end in ends):
        return numeric(*ends)
    plain = [_NOISE.sub("", end).lower() for end in ends]
    return float(bool(plain[0]) and plain[0] == plain[1])


def heard(
    kind: str | None, answer: str, others: Sequence[str], embedder: Embedder
) -> tuple[float, Helpers]:
    """How far `answer` agrees with those of one helper or more, and what else they show."""
    end, pairs = final_answer(answer), list(combinations(others, 2))
    return (
        _mean([agreed(kind, answer, other) for other in others]),
        Helpers(
            likeness=_mean([_like(answer, other, embedder) for other in others]),
            closeness=_mean([_like(end, final_answer(other), embedder) for other in others]),
            consensus=_mean([agreed(kind, *pair) for pair in pairs]) if pairs else None,
            chars=round(_mean([float(len(other)) for other in others])),
        ),
    )


def _like(one: str, other: str, embedder: Embedder) -> float:
    return similar(one[:MOST_CHARS], other[:MOST_CHARS], embedder)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
