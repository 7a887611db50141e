"""Answers to what is asked again: vetted by a teacher that says the same twice, or by a person."""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.flywheel.examples import Example
from shortstop.flywheel.repeats.idle import idle_words
from shortstop.flywheel.trainer import Made, NotLearned, Recipe
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.repeats.files import REPEATS, dump_repeats
from shortstop.specialists.repeats.repeats import EXACT, Repeats, VettedAnswers

LEAST_VETTED = 20
MOST_ANSWERS = 20_000
"""The newest ones."""
MOST_ASKED = 4_000
"""Texts that are asked about to see how good near repeats are."""


class RepeatsTrainer:
    """A text that got two different answers depends on more than itself: it is never served."""

    kind = REPEATS.name

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """Raises NotLearned."""
        known = vetted(rows)
        if len(known) < LEAST_VETTED:
            raise NotLearned(
                f"{len(known)} requests were asked again and answered alike, or answered by a"
                f" person; {LEAST_VETTED} are needed."
            )
        answers = VettedAnswers(known, idle_words(rows))
        held_out = [*_asked_again(rows), *_near(rows, known)]
        return Made(dump_repeats(answers), Repeats(answers), held_out)


def vetted(rows: Sequence[Example]) -> dict[str, str]:
    """Answers by text."""
    good = [row for row in rows if row.gold or (row.earlier and _agree((*row.earlier, row.answer)))]
    return {row.query.whole: row.answer for row in good[-MOST_ANSWERS:]}


def _agree(answers: Sequence[str]) -> bool:
    return len({" ".join(answer.split()) for answer in answers}) == 1


def _asked_again(rows: Sequence[Example]) -> list[tuple[Example, Opinion]]:
    """What would have been said the last time, by what was known then."""
    return [
        (row, Opinion(row.earlier[-1], 1.0, 1.0, EXACT))
        for row in rows
        if row.earlier and not row.gold and _agree(row.earlier)
    ]


def _near(rows: Sequence[Example], known: dict[str, str]) -> list[tuple[Example, Opinion | None]]:
    """What near repeats would have got; idle words are those of the other half of the rows."""
    asked, others = rows[1::2], rows[::2]
    answers = VettedAnswers(known, idle_words(others))
    return [
        (row, answers.find(row.query.whole, besides=row.query.whole))
        for row in asked[:: -(-len(asked) // MOST_ASKED) or 1]
    ]
