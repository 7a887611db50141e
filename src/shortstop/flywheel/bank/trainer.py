"""Answer banks for tasks whose answers are long and repeat: FAQs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shortstop.flywheel.examples import Example
from shortstop.flywheel.head.train import train_head
from shortstop.flywheel.head.trainer import MOST_ROWS, drawn, held_out
from shortstop.flywheel.shapes import closed_answers
from shortstop.flywheel.trainer import Made, NotLearned, Recipe
from shortstop.specialists.bank.answer_bank import ANSWER_BANK, NO_ANSWER, AnswerBank, dump_bank

LEAST_REPEATED = 0.2
"""Share of the rows whose answer was given more than once."""
MOST_ANSWERS = 1_000
"""The most frequent ones."""


class BankTrainer:
    """An answer that was given once is none of the bank's: its row teaches what to leave alone. A
    person's answer counts twice."""

    kind = ANSWER_BANK.name

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """Raises NotLearned."""
        kept = drawn(rows, MOST_ROWS, recipe.seed)
        if closed_answers([row.answer for row in kept]) is not None:
            raise NotLearned("Its answers are labels.")
        counts: Counter[str] = Counter()
        for row in kept:
            counts[row.answer.strip()] += 2 if row.gold else 1
        vetted = {answer for answer, n in counts.most_common(MOST_ANSWERS) if n > 1 and answer}
        labels = [row.answer.strip() if row.answer.strip() in vetted else NO_ANSWER for row in kept]
        repeated = sum(label != NO_ANSWER for label in labels)
        if repeated < LEAST_REPEATED * len(kept) or len(vetted) < 2:
            raise NotLearned(f"{repeated} of {len(kept)} answers were given more than once.")
        if recipe.encoder is None:
            raise NotLearned("Its answers repeat; the sentence encoder is not installed.")
        texts = [row.query.whole for row in kept]
        units = recipe.encoder.encode(texts)
        made = train_head(texts, labels, units, recipe.target, recipe.seed, NO_ANSWER)
        known, new = (held_out(kept, made.head, one) for one in (made.held, made.new))
        bank = AnswerBank(made.head, recipe.encoder)
        blind = not new and NO_ANSWER not in labels
        opinions = [*known, *new]
        return Made(dump_bank(made.head), bank, opinions, new=new, closed=True, blind=blind)
