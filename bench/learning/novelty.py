"""What is new is left alone: intents that nobody taught, and hard requests sent to every head."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.learning import faq
from bench.learning.encoding import KeptEncoder
from bench.learning.figures import Bars, Figure, plain, share
from bench.learning.labels import BANKING, CLINC, OUT, TARGET, Traces, learned, opinions
from bench.learning.rows import Row, read
from shortstop.flywheel.trainer import Made
from shortstop.specialists.opinion import Gate
from shortstop.specialists.query import Query

HARD = "hard_frontier"
TRACES = 2_000
UNTAUGHT = 0.2
"""Share of the labels that are held out."""
ASKED = 200
"""Texts that are timed, one at a time."""


def run(data: Path, seeds: Sequence[int]) -> list[Figure]:
    encoder = KeptEncoder()
    hard = [row["prompt"] for row in read(data, HARD)]
    figures = []
    for name, out in ((BANKING, ""), (CLINC, OUT)):
        rows = [row for row in read(data, name) if row["label"] != out]
        if rows:
            figures += _heads(name, rows, hard, encoder, seeds)
    figures += _banks(data, hard, encoder, seeds)
    encoder.save()
    return figures


def _heads(
    name: str, rows: Sequence[Row], hard: Sequence[str], encoder: KeptEncoder, seeds: Sequence[int]
) -> list[Figure]:
    new: list[tuple[float, int]] = []
    known: list[tuple[float, int]] = []
    escalated: list[tuple[float, int]] = []
    times: list[float] = []
    for seed in seeds:
        labels = sorted({row["label"] for row in rows})
        order = np.random.default_rng(1_000 + seed).permutation(len(labels))
        untaught = {labels[i] for i in order[: round(UNTAUGHT * len(labels))]}
        train = [r for r in rows if r["split"] == "train" and r["label"] not in untaught]
        head = learned(Traces(train, encoder).drawn(TRACES, seed), encoder, TARGET, seed)
        test = [row for row in rows if row["split"] == "test"]
        sure = served(head.made, head.gate, [row["text"] for row in test])
        strange = [not s for s, row in zip(sure, test, strict=True) if row["label"] in untaught]
        usual = [s for s, row in zip(sure, test, strict=True) if row["label"] not in untaught]
        new.append((sum(strange), len(strange)))
        known.append((sum(usual), len(usual)))
        escalated.append(_left_alone(head.made, head.gate, hard))
        times += _milliseconds(head.made, encoder, [row["text"] for row in test[:ASKED]])
    subject = f"{name}, {TRACES} traces, a fifth of the labels untaught"
    return [
        share(subject, "untaught labels: escalated", new),
        share(subject, "taught labels: served", known),
        share(subject, "hard requests: escalated", escalated, Bars(0.95, 0.98)),
        plain(subject, "an opinion: p50", [float(np.quantile(times, 0.5))], ASKED, unit="ms"),
        plain(subject, "an opinion: p95", [float(np.quantile(times, 0.95))], ASKED, unit="ms"),
    ]


def _banks(
    data: Path, hard: Sequence[str], encoder: KeptEncoder, seeds: Sequence[int]
) -> list[Figure]:
    rows = read(data, faq.NAME)
    figures = []
    for bot in sorted({row["bot"] for row in rows}):
        mine = [row for row in rows if row["bot"] == bot]
        counts = []
        for seed in seeds:
            bank = faq.learned_bank(mine, faq.RECORDED.get(bot, 300), encoder, seed)
            counts.append(_left_alone(bank.made, bank.gate, hard))
        subject = f"{faq.NAME}, {bot}"
        figures.append(share(subject, "hard requests: escalated", counts, Bars(0.95, 0.98)))
    return figures


def served(made: Made, gate: Gate, texts: Sequence[str]) -> list[bool]:
    return [gate.serves(one) for one in opinions(made, texts)]


def _left_alone(made: Made, gate: Gate, texts: Sequence[str]) -> tuple[float, int]:
    return len(texts) - sum(served(made, gate, texts)), len(texts)


def _milliseconds(made: Made, encoder: KeptEncoder, texts: Sequence[str]) -> list[float]:
    """Of one opinion, the embedding included."""
    times = []
    for text in texts:
        began = time.perf_counter()
        encoder.encoder.encode([text])
        made.specialist.opine([Query(text)])
        times.append(1e3 * (time.perf_counter() - began))
    return times
