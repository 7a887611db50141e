"""Answer banks on HINT3: real messages to shop bots, half of which no answer fits.

The bank learns from the bot's own phrases and from recorded real messages (shadow traffic), with
an answer each or, where none fits, words made for that message alone. Thresholds come from the
recorded messages alone. Seeds draw which real messages are recorded; the others are counted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.learning.encoding import KeptEncoder
from bench.learning.figures import Bars, Figure, share
from bench.learning.labels import exact, opinions
from bench.learning.rows import Row, examples, read, unseen
from shortstop.flywheel.bank.trainer import BankTrainer
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.trainer import Made, Recipe
from shortstop.specialists.opinion import Gate

NAME = "faq_hint3"
TARGET = 0.90
RECORDED = {"curekart": 600, "sofmattress": 200}
"""Real messages with a verdict, by bot."""
SHARES = {"curekart": Bars(0.27, 0.32), "sofmattress": Bars(0.30, 0.40)}


class Counts(NamedTuple):
    """Served of all, right of served, answered of what no answer fits: (hits, cases)."""

    served: tuple[float, int]
    right: tuple[float, int]
    outside: tuple[float, int]


def run(data: Path, seeds: Sequence[int]) -> list[Figure]:
    encoder = KeptEncoder()
    rows = read(data, NAME)
    figures = []
    for bot in sorted({row["bot"] for row in rows}):
        mine = [row for row in rows if row["bot"] == bot]
        counts = [one_seed(mine, RECORDED.get(bot, 300), encoder, seed) for seed in seeds]
        name = f"{NAME}, {bot}"
        figures += [
            share(name, "precision of served", [c.right for c in counts], Bars(0.90, 0.93)),
            share(name, "served", [c.served for c in counts], SHARES.get(bot, Bars())),
            share(
                name,
                "out of scope: answered",
                [c.outside for c in counts],
                Bars(0.05, 0.03, "at most"),
            ),
        ]
    encoder.save()
    return figures


class Bank(NamedTuple):
    """What was made, its gate, and the real messages that were not recorded."""

    made: Made
    gate: Gate
    test: list[Row]


def learned_bank(rows: Sequence[Row], recorded: int, encoder: KeptEncoder, seed: int) -> Bank:
    phrases = [row for row in rows if row["split"] == "train"]
    real = unseen((row for row in rows if row["split"] == "test"), phrases)
    order = np.random.default_rng(seed).permutation(len(real))
    shadow = [real[i] for i in order[: min(recorded, len(real) // 2)]]
    test = unseen((real[i] for i in order[len(shadow) :]), shadow)
    taught = [*phrases, *shadow]
    told = examples([row["text"] for row in taught], [answer(row) for row in taught])
    made = BankTrainer().train(told, Recipe(TARGET, encoder, 0.0, seed))
    traffic = {row.id for row in told[len(phrases) :]}
    held = [(row, one) for row, one in made.held_out if row.id in traffic]
    return Bank(made, calibrated(made._replace(held_out=held, new=()), exact, TARGET), test)


def one_seed(rows: Sequence[Row], recorded: int, encoder: KeptEncoder, seed: int) -> Counts:
    made, gate, test = learned_bank(rows, recorded, encoder, seed)
    said = opinions(made, [row["text"] for row in test])
    sure = [gate.serves(one) for one in said]
    good = [one.answer == answer(row) for one, row in zip(said, test, strict=True)]
    outside = [serve for serve, row in zip(sure, test, strict=True) if not row["in_scope"]]
    served = [right for right, serve in zip(good, sure, strict=True) if serve]
    return Counts(
        (len(served), len(test)), (sum(served), len(served)), (sum(outside), len(outside))
    )


def answer(row: Row) -> str:
    """Long and always the same for one that fits; made for the message where none does."""
    if row["in_scope"]:
        return f"The answer that our team has written and vetted for this: {row['answer_id']}."
    return f"I am afraid that we have no answer to your message, which was: {row['text']}"
