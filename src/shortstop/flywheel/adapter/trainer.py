"""An adapter of the local model for answers that must be written.

It is trained on four fifths of the rows. The others, in whole groups of wordings, are answered by
the engine that will serve it: what it finds likely and is right about there says from which
probability on it is served. Cheaper kinds have been tried before; what they serve it is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shortstop.flywheel.adapter.child import COMMAND, TrainingProcess
from shortstop.flywheel.adapter.messages import AdapterJob, TaughtAnswer, Trained
from shortstop.flywheel.adapter.parity import LEAST_AGREED, MOST_APART, PROBES, Parity, parity
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import AdapterBench, HeldOut, Made, NotLearned, Recipe, Written
from shortstop.flywheel.wordings import group_folds, groups
from shortstop.specialists.adapter.files import ADAPTER, dump_adapter
from shortstop.specialists.adapter.specialist import AdapterSpecialist, told, wording
from shortstop.specialists.novelty import Wordings
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query

FEWEST_ROWS = 100
MOST_ROWS = 20_000
"""The newest are kept."""
LONGEST = 8_000
"""Characters of a request and its answer: longer ones do not fit what is trained at once."""
FOLDS = 5
"""One of which is held out."""
MOST_GROUPED = 5_000
"""Rows up to which wordings are compared, each with each; of more, each is one of its own."""
MOST_HELD = 600
"""The newest of what is held out: the engine answers about one a second."""
MORE_TOKENS = 1.5
"""An answer may be so much longer than the longest that was learned."""


class Adapted:
    """An adapter with the engine that writes under it: what the street does, for the workshop."""

    def __init__(self, known: AdapterSpecialist, weights: bytes, bench: AdapterBench) -> None:
        self.known = known
        self._weights = weights
        self._bench = bench

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        """None also where the bench has no time left."""
        opinions = self.known.opine(queries)
        asked = [q for q, one in zip(queries, opinions, strict=True) if one is not None]
        written = iter(self._bench.write(self._weights, asked, self.known.most_tokens))
        return [_completed(one, next(written)) if one is not None else None for one in opinions]


def _completed(opinion: Opinion, written: Written | None) -> Opinion | None:
    if written is None or not written.answer:
        return None
    return told(opinion, written.answer, written.confidence)


class AdapterTrainer:
    """`command` starts the process that trains."""

    kind = ADAPTER.name

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """Raises NotLearned."""
        bench = recipe.bench
        if bench is None:
            raise NotLearned("Its answers would be a local model's; the workshop has none to ask.")
        bench.require()
        kept = [row for row in rows if _fits(row)][-MOST_ROWS:]
        if len(kept) < FEWEST_ROWS:
            raise NotLearned(f"{len(kept)} examples to write from, {FEWEST_ROWS} are needed.")
        taught, held = parted(kept, recipe.seed)
        job = AdapterJob(
            str(bench.model), str(bench.folder), [_pair(row) for row in taught], bench.seconds,
            seed=recipe.seed, threads=bench.threads,
        )  # fmt: skip
        with TrainingProcess(job, command=self._command) as process:
            trained = process.train()
            weights = Path(trained.file).read_bytes()
            known = _known(bench.base, taught, trained)
            adapted = Adapted(known, weights, bench)
            opinions = adapted.opine([row.query for row in held])
            held_out = list(zip(held, opinions, strict=True))
            _require_parity(_compared(process, held_out))
        return Made(dump_adapter(known, weights), adapted, held_out, unseen=held_out)


def _fits(row: Example) -> bool:
    return bool(row.answer.strip()) and len(row.query.whole) + len(row.answer) <= LONGEST


def _pair(row: Example) -> TaughtAnswer:
    return TaughtAnswer(row.query.whole, row.answer.strip())


def parted(rows: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Rows that train and rows that are held out, none of whose wordings trains; by chance where
    nearly all are worded alike."""
    few = len(rows) <= MOST_GROUPED
    group = groups([wording(row.query.whole) for row in rows]) if few else np.arange(len(rows))
    fold = group_folds(group, FOLDS, seed)
    sizes = [int((fold == number).sum()) for number in range(FOLDS)]
    out = min(range(FOLDS), key=lambda number: abs(sizes[number] - len(rows) / FOLDS))
    if not len(rows) / 10 <= sizes[out] <= len(rows) / 3:
        fold, out = np.random.default_rng(seed).permutation(len(rows)) % FOLDS, 0
    taught = [row for row, one in zip(rows, fold.tolist(), strict=True) if one != out]
    held = [row for row, one in zip(rows, fold.tolist(), strict=True) if one == out]
    return taught, held[-MOST_HELD:]


def _known(base: str, rows: Sequence[Example], trained: Trained) -> AdapterSpecialist:
    texts = [row.query.whole for row in rows]
    return AdapterSpecialist(
        base,
        Wordings.of([wording(text) for text in texts]),
        max(map(len, texts)),
        round(MORE_TOKENS * trained.answer_tokens),
    )


def _compared(process: TrainingProcess, held_out: HeldOut) -> Parity:
    probes = [(row, one) for row, one in held_out if one is not None and one.confidence > 0]
    probes = probes[:PROBES]
    pairs = [TaughtAnswer(row.query.whole, one.answer) for row, one in probes]
    if not pairs:
        return parity([], process.score([]))
    return parity([one.confidence for _, one in probes], process.score(pairs))


def _require_parity(found: Parity) -> None:
    """Raises NotLearned where the engine serves something else than what was trained."""
    if not found.holds:
        raise NotLearned(
            f"The engine does not serve what was trained: {found}; {LEAST_AGREED:.0%} and"
            f" {MOST_APART:g} are wanted."
        )
