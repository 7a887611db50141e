"""Where a field's values stand in a text: a conditional random field over its tokens.

Lafferty, McCallum & Pereira 2001, by python-crfsuite (extra `[learn]`, imported when a tagger is
opened). The labels say beginning, inside, last, single (unit) and outside, so that what a value
ends with is learned as what it begins with is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

BEGIN, INSIDE, LAST, SINGLE, OUTSIDE = "B", "I", "L", "U", "O"
LEAST_WEIGHT = 0.01
"""Probability of a place below which it is not looked at."""
MOST_TOKENS = 60
"""Of a value."""


class LikelySpan(NamedTuple):
    """A value may be the tokens `start` to `end`, exclusive; `weight` in [0, 1] bounds the
    probability from above: that of its least likely label."""

    start: int
    end: int
    weight: float


def tags(length: int, spans: list[tuple[int, int]]) -> list[str]:
    """The labels of `length` tokens in which values stand from `start` to `end`, exclusive."""
    out = [OUTSIDE] * length
    for start, end in spans:
        inner = [BEGIN, *[INSIDE] * (end - start - 2), LAST]
        out[start:end] = inner if end - start > 1 else [SINGLE]
    return out


def sequence(names: list[list[str]]) -> Any:
    """The features of a text's tokens in crfsuite's form, made once for all taggers."""
    import pycrfsuite

    return pycrfsuite.ItemSequence(names)


class SpanTagger:
    """`model` is what crfsuite wrote. Raises ValueError for what it did not write."""

    def __init__(self, model: bytes) -> None:
        import pycrfsuite

        self.model = model
        self._tagger: Any = pycrfsuite.Tagger()
        self._tagger.open_inmemory(model)

    def places(self, length: int, seen: Any) -> list[LikelySpan]:
        """In a text of `length` tokens, whose features `seen` are as `sequence` made them."""
        self._tagger.set(seen)
        begin, inside, last, single = self._chances(length)
        out = []
        for start in range(length):
            if single[start] >= LEAST_WEIGHT:
                out.append(LikelySpan(start, start + 1, single[start]))
            least = begin[start]
            for end in range(start + 1, min(length, start + MOST_TOKENS)):
                if least < LEAST_WEIGHT:
                    break
                if last[end] >= LEAST_WEIGHT:
                    out.append(LikelySpan(start, end + 1, min(least, last[end])))
                least = min(least, inside[end])
        return out

    def _chances(self, length: int) -> list[list[float]]:
        """Of each label but outside, for each token; 0 for a label that was never seen."""
        known, chance = set(self._tagger.labels()), self._tagger.marginal
        return [
            [chance(label, i) for i in range(length)] if label in known else [0.0] * length
            for label in (BEGIN, INSIDE, LAST, SINGLE)
        ]
