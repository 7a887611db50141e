"""`shortstop bench routing`: how well the router ranks requests, on a table of graded pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.evaluate.certificates import Certificate, certify
from shortstop.evaluate.figures import Figure, bootstrap, figure
from shortstop.evaluate.fitting import (
    Looks,
    fit,
    learned_from,
    levels,
    looks_at,
    out_of_fold,
    task_shift,
    with_answer,
)
from shortstop.evaluate.pair_table import Floats, PairTable, Rows
from shortstop.evaluate.published import PUBLISHED
from shortstop.evaluate.ranking import Score, score
from shortstop.routing.agreement import agreed

MIN_BENCH_ROWS = 100
"""Minimum rows for a benchmark to get its own folds."""
MIN_DOMAIN_ROWS = 50
MIN_DOMAIN_GAP = 0.02
"""A domain where the frontier is hardly better says nothing about a ranking."""
MIN_CERTIFIED_ROWS = 3000
DOMAIN_BOOTS = 100
BY_DOMAIN = {"prompt only", "with own answer", "with agreement"}
"""The rankings that are also scored domain by domain."""
NOVEL_SHARE = 0.5
"""Share of out-of-domain prompts from which on the router would escalate a whole benchmark."""


class Calibration(Struct, frozen=True):
    """How far expected local quality is from what happened: mean gap over ten equal bins."""

    bench: str
    error: Figure


class Saving(Struct, frozen=True):
    """What is left of quality, and of the cost of all-frontier, at a share kept local."""

    bench: str
    local: float
    quality: Figure
    cost: Figure


class RoutingReport(Struct, frozen=True):
    """Everything that `shortstop bench routing` prints."""

    in_domain: list[Score]
    transfer: list[Score]
    learning: list[Score]
    domains: list[Score]
    certificates: list[Certificate]
    calibration: list[Calibration]
    savings: list[Saving]
    published: dict[str, dict[str, tuple[float, float, float]]]


def examine(
    table: PairTable,
    *,
    boots: int = 200,
    quick: bool = False,
    tell: Callable[[str], object] = lambda what: None,
) -> RoutingReport:
    """Every figure, with intervals from `boots` bootstrap draws; `quick` leaves out the learning
    curves; `tell` hears what is being done.

    Raises StoreError where no benchmark has enough rows, or one has a single fold.
    """
    report = RoutingReport([], [], [], [], [], [], [], {})
    large = [b for b in table.benches if len(table.where(b)) >= MIN_BENCH_ROWS]
    if not large:
        raise StoreError(f"No benchmark of the table has {MIN_BENCH_ROWS} rows to learn from.")
    folds = {bench: _folds(table, bench) for bench in large}
    fitted = {}
    for bench in large:
        tell(f"learning from {bench}")
        fitted[bench] = out_of_fold(table, table.where(bench), folds[bench])
    tell("looking at answers")
    looks = {b: _looks(table, b, fitted[b][0]) for b in large}
    for bench in large:
        tell(f"examining {bench}")
        rankings = _in_domain(table, bench, fitted[bench][0], looks, folds)
        _examine_bench(table, bench, fitted[bench][1], rankings, boots, report)
    tell("examining transfer")
    report.transfer.extend(_transfers(table, large, boots))
    if not quick:
        tell("examining learning curves")
        report.learning.extend(_learning(table, large, boots))
    report.published.update({b: dict(PUBLISHED[b]) for b in table.benches if b in PUBLISHED})
    return report


def _folds(table: PairTable, bench: str) -> Rows:
    """Raises StoreError where there is only one."""
    folds = table.fold[table.where(bench)]
    if len(np.unique(folds)) < 2:
        raise StoreError(
            f"All rows of {bench!r} are in one fold.",
            hint='Leave the column "fold" out: folds are then drawn from the prompts.',
        )
    return folds


def _looks(table: PairTable, bench: str, gaps: Floats) -> dict[str, Looks]:
    """By the name of the ranking that they make possible."""
    rows = table.where(bench)
    looks = {}
    if any(table.answers[i] for i in rows):
        looks["with own answer"] = looks_at(table, rows, gaps, agreement=False)
    if any(table.others[i] for i in rows):
        looks["with agreement"] = looks_at(table, rows, gaps, agreement=True)
    return looks


def _examine_bench(
    table: PairTable,
    bench: str,
    smalls: Floats,
    rankings: dict[str, Floats],
    boots: int,
    report: RoutingReport,
) -> None:
    """Add what one benchmark shows by itself."""
    rows = table.where(bench)
    report.calibration.append(_calibration(bench, smalls, table.small[rows], boots))
    for name, scores in rankings.items():
        report.in_domain.append(_scored(table, rows, name, bench, scores, boots))
        if name in BY_DOMAIN:
            report.domains.extend(_by_domain(table, rows, name, scores, bench))
    report.savings.extend(_savings(table, rows, rankings["prompt only"], bench, boots))
    if len(rows) >= MIN_CERTIFIED_ROWS:
        report.certificates.extend(certify(rankings["prompt only"], table.gap[rows]))


def _scored(
    table: PairTable, rows: Rows, name: str, bench: str, scores: Floats, boots: int
) -> Score:
    return score(name, bench, scores, table.small[rows], table.big[rows], boots=boots)


def _calibration(bench: str, expected: Floats, happened: Floats, boots: int) -> Calibration:
    n = len(expected)
    resampled = [calibration_error(expected[r], happened[r]) for r in bootstrap(n, boots)]
    return Calibration(bench, figure(calibration_error(expected, happened), resampled, n))


def calibration_error(expected: Floats, happened: Floats, bins: int = 10) -> float:
    """Mean over equally filled bins of |mean expected - mean happened|; both of shape (n,)."""
    order = np.argsort(expected, kind="stable")
    parts = np.array_split(order, bins)
    gaps = [abs(expected[p].mean() - happened[p].mean()) * len(p) for p in parts if len(p)]
    return float(sum(gaps) / len(expected))


def _in_domain(
    table: PairTable,
    bench: str,
    gaps: Floats,
    looks: dict[str, dict[str, Looks]],
    folds: dict[str, Rows],
) -> dict[str, Floats]:
    """Rankings by name: the expected gap of each row, by what is known of it."""
    rows = table.where(bench)
    level = levels(table, rows, folds[bench])
    rankings = {"prompt only": gaps - level}
    labels = table.domain[rows]
    if len(set(labels.tolist())) > 1:
        shift = task_shift(labels, folds[bench], table.gap[rows] - gaps)
        rankings["prompt + declared task"] = gaps + shift - level
    for name, seen in looks[bench].items():
        everywhere = [(one[name], folds[b]) for b, one in looks.items() if name in one]
        rankings[name] = with_answer(seen, folds[bench], everywhere) - level
    if "with agreement" in looks[bench]:
        rankings["agreement alone"] = np.array([_disagreement(table, i) for i in rows])
    return rankings


def _disagreement(table: PairTable, row: int) -> float:
    """The simplest use of helpers, to compare with: how many of them do not agree."""
    others, answer = table.others[row], table.answers[row]
    agree = [agreed(table.graders[row], answer, other) for other in others]
    return 1.0 - sum(agree) / len(agree) if agree else 1.0


def _by_domain(table: PairTable, rows: Rows, name: str, scores: Floats, bench: str) -> list[Score]:
    domains = []
    labels = table.domain[rows]
    for label in sorted(set(labels.tolist())):
        places = np.flatnonzero(labels == label)
        gap = table.gap[rows][places]
        if label == bench or len(places) < MIN_DOMAIN_ROWS or gap.mean() < MIN_DOMAIN_GAP:
            continue
        subject = f"{bench}/{label}"
        domains.append(_scored(table, rows[places], name, subject, scores[places], DOMAIN_BOOTS))
    return domains


def _savings(table: PairTable, rows: Rows, scores: Floats, bench: str, boots: int) -> list[Saving]:
    """By tenths of what is kept local, the most promising first."""
    order = rows[np.argsort(-scores, kind="stable")]
    n = len(order)
    samples = list(bootstrap(n, boots))
    whole = table.cost_big[order]
    savings = []
    for tenth in range(11):
        asked = np.arange(n) < round(n * tenth / 10)
        quality = np.where(asked, table.big[order], table.small[order])
        cost = np.where(asked, table.cost_big[order], table.cost_small[order])
        savings.append(
            Saving(
                bench,
                (10 - tenth) / 10,
                figure(float(quality.mean()), [float(quality[r].mean()) for r in samples], n),
                figure(_share(cost, whole), [_share(cost[r], whole[r]) for r in samples], n),
            )
        )
    return savings


def _share(cost: Floats, whole: Floats) -> float:
    return float(cost.sum() / (whole.sum() or 1.0))


def _transfers(table: PairTable, large: Sequence[str], boots: int) -> list[Score]:
    """Learn on one benchmark, examine on another. What is out of domain escalates first."""
    scores = []
    for source in large:
        fitted = fit(table, table.where(source))
        for goal in table.benches:
            if goal == source:
                continue
            rows = table.where(goal)
            gaps = np.array([fitted.expect(table.features[i])[0] for i in rows])
            novel = np.array([fitted.novel(table.features[i]) for i in rows])
            name = f"{source} -> {goal}"
            if novel.mean() > NOVEL_SHARE:
                # A new task as a whole: all of it escalates until it has pairs of its own. The
                # curve shows the order if a share of it had to stay local all the same.
                name = f"{name}, all escalates"
            else:
                name = f"{name}, {novel.mean():.0%} escalates"
                gaps = np.where(novel, gaps + 10.0, gaps)
            scores.append(_scored(table, rows, name, goal, gaps, boots))
    return scores


def _learning(table: PairTable, large: Sequence[str], boots: int) -> list[Score]:
    """After so many own requests: both outcomes known, or one each (half explored)."""
    scores = []
    for bench in large:
        rows = table.where(bench)
        for n, both in ((500, True), (5000, True), (5000, False)):
            if n < 0.8 * len(rows):
                how = "both outcomes" if both else "one outcome each"
                name = f"after {n:,} own requests, {how}"
                gaps = learned_from(table, rows, n, both=both)
                scores.append(_scored(table, rows, name, bench, gaps, boots))
    return scores
