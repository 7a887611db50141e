"""Exact and near repeats, served from vetted answers.

A near repeat is the nearest text by words, if it differs in idle words alone: words that have never
changed an answer in this task's traffic. Figures, names and negations are never idle, and words
stand in the same order: "cancel it" is no "don't cancel it", "from A to B" no "from B to A".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortstop.specialists.nearest import NearestTexts
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query
from shortstop.specialists.repeats.wording import Wording, same_request, wording

EXACT, NEAR = "exact", "near"
LEAST_COSINE = 0.6
MOST_WORDS = 200
"""Of a text; a longer one is no near repeat."""


class VettedAnswers:
    """`answers` by text, each vetted; `idle` are words that change no answer."""

    def __init__(self, answers: Mapping[str, str], idle: frozenset[str]) -> None:
        self.answers = dict(answers)
        self.idle = idle
        self._texts = list(self.answers)
        self._wordings = [wording(text) for text in self._texts]
        self._exact = {one.key: number for number, one in enumerate(self._wordings)}
        self._nearest = NearestTexts.of([" ".join(one.words) for one in self._wordings])

    def find(self, text: str, *, besides: str | None = None) -> Opinion | None:
        """The answer to the same request; `besides` is a text that is left out."""
        asked = wording(text)
        if not asked.words:
            return None
        number = self._exact.get(asked.key)
        if number is not None and self._texts[number] != besides:
            same = self._wordings[number].fixed == asked.fixed
            return Opinion(self.answers[self._texts[number]], 1.0, 1.0, EXACT) if same else None
        return self._near(asked, besides) if len(asked.words) <= MOST_WORDS else None

    def _near(self, asked: Wording, besides: str | None) -> Opinion | None:
        cosines = self._nearest.cosines(" ".join(asked.words))
        if cosines is None:
            return None
        for number in cosines.argsort()[::-1][:3].tolist():
            cosine = float(cosines[number])
            if cosine < LEAST_COSINE:
                return None
            if self._texts[number] != besides and same_request(
                asked, self._wordings[number], self.idle
            ):
                return Opinion(self.answers[self._texts[number]], cosine, cosine, NEAR)
        return None


class Repeats:
    """Vetted answers as a specialist. Whatever was said before in the conversation must be the
    same, word for word."""

    def __init__(self, vetted: VettedAnswers) -> None:
        self.vetted = vetted

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        return [self.vetted.find(query.whole) for query in queries]
