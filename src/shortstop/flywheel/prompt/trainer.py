"""Examples before the local model: worth having only where they beat its plain prompt.

What the model answers is examined like any other specialist's answer. A prompt that the model does
not answer better than without examples is refused before anything else is measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shortstop.errors import ShortstopError
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import AskLocal, HeldOut, Made, NotLearned, Recipe
from shortstop.routing import grade
from shortstop.specialists.opinion import Opinion, Shot
from shortstop.specialists.prompt.book import PromptBook
from shortstop.specialists.prompt.files import PROMPT, dump_book
from shortstop.specialists.query import Query

FIXED, NEAR = 2, 6
"""Examples in front that are always the same, and those that are retrieved."""
MOST_SHOTS = 2_000
"""The newest are kept."""
TRIED = 80
"""Rows on which the model is asked, with and without examples."""
LEAST_GAIN = 0.05
"""By which the mean grade must be better than without examples."""


class AskedLocally:
    """A book with the model that answers by it: what the street does, for the workshop."""

    def __init__(self, book: PromptBook, ask: AskLocal) -> None:
        self.book = book
        self._ask = ask

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        return [
            self.answered(query, opinion) if opinion is not None else None
            for query, opinion in zip(queries, self.book.opine(queries), strict=True)
        ]

    def answered(self, query: Query, opinion: Opinion) -> Opinion | None:
        """None where the model does not answer."""
        try:
            answer = self._ask(query, opinion.shots)
        except ShortstopError:
            return None
        return Opinion(answer.strip(), opinion.confidence, opinion.similarity)


class PromptTrainer:
    kind = PROMPT.name

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """Raises NotLearned."""
        if recipe.encoder is None:
            raise NotLearned(
                "Examples are retrieved by embedding; no sentence encoder is installed."
            )
        if recipe.local is None:
            raise NotLearned("Its answers would be a local model's; the workshop has none to ask.")
        kept = list(rows[-MOST_SHOTS:])
        units = recipe.encoder.encode([row.query.whole for row in kept])
        shots = [Shot(row.query.whole, row.answer) for row in kept]
        book = PromptBook(shots, units, min(FIXED, len(shots)), NEAR, recipe.encoder)
        asked = AskedLocally(book, recipe.local)
        tried = np.random.default_rng(recipe.seed).permutation(len(kept))[:TRIED].tolist()
        held_out: list[tuple[Example, Opinion | None]] = []
        for i in tried:
            opinion = book.judge(units[i], without=i)
            answer = asked.answered(kept[i].query, opinion) if opinion is not None else None
            held_out.append((kept[i], answer))
        _require_gain(held_out, recipe.local)
        return Made(dump_book(book), asked, held_out)


def _require_gain(held_out: HeldOut, ask: AskLocal) -> None:
    """Raises NotLearned where the plain prompt is as good."""
    with_shots = [grade(None, o.answer, row.answer) if o else 0.0 for row, o in held_out]
    without = [grade(None, _plainly(ask, row.query), row.answer) for row, _ in held_out]
    better, plain = float(np.mean(with_shots)), float(np.mean(without))
    if better < plain + LEAST_GAIN:
        raise NotLearned(
            f"The local model's answers are graded {better:.2f} with examples and {plain:.2f}"
            f" without, on {len(held_out)} requests: the prompt is not what limits it."
        )


def _plainly(ask: AskLocal, query: Query) -> str:
    try:
        return ask(query, ()).strip()
    except ShortstopError:
        return ""
