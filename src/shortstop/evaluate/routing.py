"""`shortstop bench routing`: how well the router ranks requests, on a table of graded pairs.

The table has the open set's columns (README of the open routing set); rows come in as plain
dictionaries. Train, calibration and test rows never mix: the landmarks, the n-gram counts and
every weight are learned on the training folds alone; the gate learns from estimates that the
prompt models made for rows which they had not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.errors import StoreError
from shortstop.routing.bounds import binomial_lower, binomial_upper, learn_then_test
from shortstop.routing.embed import Embedder
from shortstop.routing.features import PromptFeatures, view
from shortstop.routing.graders import grade
from shortstop.routing.model import SHRINK, Head, Projection, PromptIndex, sight
from shortstop.routing.scorer import AnswerScorer, answer_features, text_marks
from shortstop.types import Signals

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FOLDS = 5
INNER = 5
LANDMARKS = 512
FAR = 0.6
"""Kernel with the nearest landmark below which a prompt is out of domain: it escalates."""
NEEDED = ("id", "bench", "prompt", "score_small", "score_big")
NUMBERS = ("score_small", "score_big", "cost_small", "cost_big", "fold")
ENOUGH = 100
"""Rows of a benchmark from which on it is learned from and examined by itself."""
ROUTERS = {"prompt only", "with own answer", "with agreement"}
TENTHS = np.linspace(0.0, 1.0, 11)

NAN = float("nan")
PUBLISHED: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "mmlu": {
        "random": (0.500, 50.0, 80.0),
        "RouteLLM matrix factorisation": (0.597, 35.5, 71.4),
        "RouteLLM BERT": (0.572, 41.3, 72.2),
        "RouteLLM causal LLM": (0.600, 35.5, 70.3),
        "RouteLLM similarity-weighted": (0.603, 35.4, 71.6),
        "seed: TF-IDF + logistic, in-domain": (0.670, 27.0, 57.7),
        "seed: blend, in-domain": (0.690, 25.8, 55.5),
    },
    "gsm8k": {
        "random": (0.497, 50.0, 80.0),
        "RouteLLM matrix factorisation": (0.565, 38.8, 72.6),
        "RouteLLM causal LLM": (0.627, 33.6, 62.4),
        "RouteLLM similarity-weighted": (0.568, 41.2, 72.2),
        "seed: blend, in-domain": (0.638, 33.2, 61.8),
        "seed: blend + answer's surface": (0.707, 24.2, 48.4),
    },
    "mt_bench": {
        "random": (0.500, 49.0, 78.0),
        "RouteLLM matrix factorisation": (0.802, 13.4, 31.3),
        "RouteLLM causal LLM": (0.679, 31.5, 48.8),
        "seed: MiniLM + logistic, from mmlu": (0.605, NAN, NAN),
    },
}


class Figure(Struct, frozen=True):
    """One measured value with its bootstrap interval (95%) and number of rows."""

    value: float
    low: float
    high: float
    n: int


class Score(Struct, frozen=True):
    """How a ranking did: APGR, CPT50 and CPT80 as in RouteLLM."""

    router: str
    bench: str
    apgr: Figure
    cpt50: Figure
    cpt80: Figure
    gap: Figure
    curve: list[float]


@dataclass(frozen=True, slots=True)
class PairTable:
    """Clean rows of a table, as columns."""

    ids: list[str]
    bench: NDArray[np.str_]
    domain: NDArray[np.str_]
    prompts: list[str]
    answers: list[str]
    others: list[str]
    small: Floats
    big: Floats
    cost_small: Floats
    cost_big: Floats
    fold: Rows
    views: list[PromptFeatures]

    @property
    def gap(self) -> Floats:
        return self.big - self.small

    def where(self, bench: str) -> Rows:
        return np.flatnonzero(self.bench == bench)

    @property
    def benches(self) -> list[str]:
        return list(dict.fromkeys(self.bench.tolist()))


def table(rows: Iterable[Mapping[str, Any]], embedder: Embedder) -> PairTable:
    """Contaminated rows are dropped. Raises StoreError naming the row and column that is wrong."""
    kept = []
    for number, row in enumerate(rows, start=1):
        for column in NEEDED:
            if row.get(column) in (None, ""):
                raise StoreError(f"Row {number} of the table has no {column!r}.")
        for column in NUMBERS:
            _checked(row.get(column), number, column)
        if not _true(row.get("contaminated")):
            kept.append(row)
    if not kept:
        raise StoreError("The table has no usable rows.")
    big = np.array([float(r["score_big"]) for r in kept])
    small = np.array([float(r["score_small"]) for r in kept])
    benches = np.array([str(r["bench"]) for r in kept])
    for bench in set(benches.tolist()):
        at = benches == bench
        top = max(1.0, float(np.maximum(big[at], small[at]).max()))
        big[at], small[at] = big[at] / top, small[at] / top
    return PairTable(
        ids=[str(r["id"]) for r in kept],
        bench=benches,
        domain=np.array([str(r.get("domain") or r["bench"]) for r in kept]),
        prompts=[str(r["prompt"]) for r in kept],
        answers=[str(r.get("response_small") or "") for r in kept],
        others=[str(r.get("response_other") or "") for r in kept],
        small=small,
        big=big,
        cost_small=np.array([_number(r.get("cost_small"), 0.0) for r in kept]),
        cost_big=np.array([_number(r.get("cost_big"), 1.0) for r in kept]),
        fold=np.array([_fold(r) for r in kept], np.int64),
        views=[view(str(r["prompt"]), embedder) for r in kept],
    )


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "1") if value is not None else False


def _checked(value: object, number: int, column: str) -> None:
    kind = int if column == "fold" else float
    try:
        fine = value in (None, "") or isfinite(kind(str(value)))
    except ValueError:
        fine = False
    if not fine:
        raise StoreError(f"Row {number} of the table: {column!r} is {value!r}, which is no number.")


def _number(value: object, default: float) -> float:
    return default if value in (None, "") else float(str(value))


def _fold(row: Mapping[str, Any]) -> int:
    if row.get("fold") not in (None, ""):
        return int(str(row["fold"]))
    return int(sha256(str(row["prompt"]).encode()).hexdigest(), 16) % FOLDS


# ---------------------------------------------------------------- the metric


def recovered(scores: Floats, small: Floats, big: Floats) -> Floats:
    """Share of the quality gap recovered when 0, 10, ... 100% with the highest scores ask the
    frontier. Rows of one score are taken in proportion: a tie is not decided by luck."""
    gap = big - small
    values, place = np.unique(-scores, return_inverse=True)
    sizes = np.bincount(place, minlength=len(values))
    sums = np.bincount(place, weights=gap, minlength=len(values))
    xs = np.concatenate([[0.0], np.cumsum(sizes)]) / len(scores)
    ys = np.concatenate([[0.0], np.cumsum(sums)])
    whole = ys[-1] if abs(ys[-1]) > 1e-12 else 1e-12
    found: Floats = np.interp(TENTHS, xs, ys / whole)
    return found


def apgr(curve: Floats) -> float:
    return float(np.trapezoid(curve, TENTHS))


def cpt(curve: Floats, goal: float) -> float:
    """Least share of frontier calls, in percent, at which `goal` of the gap is recovered."""
    reached = int(np.argmax(curve >= goal))
    if reached == 0:
        return 0.0 if curve[0] >= goal else 100.0
    step = (goal - curve[reached - 1]) / (curve[reached] - curve[reached - 1])
    return 100.0 * float(TENTHS[reached - 1] + step * 0.1)


def score(
    router: str, bench: str, scores: Floats, small: Floats, big: Floats, *, boots: int = 200
) -> Score:
    n = len(scores)
    curve = recovered(scores, small, big)
    drawn = list(_drawn(n, boots))
    again = [recovered(scores[at], small[at], big[at]) for at in drawn]

    def of_curve(of: Callable[[Floats], float]) -> Figure:
        return figure(of(curve), [of(c) for c in again], n)

    return Score(
        router,
        bench,
        of_curve(apgr),
        of_curve(lambda c: cpt(c, 0.5)),
        of_curve(lambda c: cpt(c, 0.8)),
        figure(float((big - small).mean()), [float((big - small)[at].mean()) for at in drawn], n),
        [round(float(v), 4) for v in curve],
    )


def _drawn(n: int, boots: int) -> Iterable[Rows]:
    """Bootstrap samples, the same ones each time."""
    draws = np.random.default_rng(0)
    for _ in range(boots):
        yield draws.integers(0, n, n)


def figure(value: float, again: Sequence[float], n: int) -> Figure:
    """With the middle 95% of what was drawn `again`."""
    low, high = np.quantile(again, [0.025, 0.975]) if again else (np.nan, np.nan)
    return Figure(round(value, 4), round(float(low), 4), round(float(high), 4), n)


# ---------------------------------------------------------------- fitting


@dataclass(frozen=True, slots=True)
class Fitted:
    """Prompt models learned on some rows."""

    territory: PromptIndex
    gap: Head
    small: Head

    def expect(self, seen: PromptFeatures) -> tuple[float, float]:
        """(frontier minus local, local) expected qualities."""
        at = sight(seen, self.territory)
        return self.gap.base(at), self.small.base(at)

    def novel(self, seen: PromptFeatures) -> bool:
        return float(self.territory.near(seen.dense)[:-1].max()) < FAR


def fit(data: PairTable, rows: Rows, *, seed: int = 0) -> Fitted:
    order = np.random.default_rng(seed).permutation(rows)
    known = _territory(data, order)
    sights = [sight(data.views[i], known) for i in order]
    return Fitted(
        known,
        _head(sights, data.gap[order], known),
        _head(sights, data.small[order], known),
    )


def _territory(data: PairTable, order: Rows) -> PromptIndex:
    known = PromptIndex(LANDMARKS, len(data.views[0].dense))
    for i in order:
        known.meet(data.views[i])
    return known


def _head(sights: Sequence[Projection], values: Floats, known: PromptIndex) -> Head:
    head = Head(LANDMARKS)
    head.learn_all(sights, values, known)
    return head


def out_of_fold(
    data: PairTable, rows: Rows, folds: Rows, *, seed: int = 0
) -> tuple[Floats, Floats]:
    """Expected gap and local quality of each row, from models that did not see its fold."""
    gaps, smalls = np.zeros(len(rows)), np.zeros(len(rows))
    for fold in np.unique(folds):
        fitted = fit(data, rows[folds != fold], seed=seed)
        for at in np.flatnonzero(folds == fold):
            gaps[at], smalls[at] = fitted.expect(data.views[rows[at]])
    return gaps, smalls


def with_answer(
    data: PairTable, rows: Rows, folds: Rows, gaps: Floats, smalls: Floats, *, agreement: bool
) -> Floats:
    """Expected gap after a look at the local answer, from gates that did not see the row's fold."""
    looks = np.stack([_look(data, i, q, agreement) for i, q in zip(rows, smalls, strict=True)])
    missed = data.small[rows] - smalls
    after = gaps.copy()
    for fold in np.unique(folds):
        gate = AnswerScorer()
        gate.learn_all(looks[folds != fold], missed[folds != fold])
        for at in np.flatnonzero(folds == fold):
            after[at] = gaps[at] + smalls[at] - gate.expect(smalls[at], looks[at])
    return after


def _look(data: PairTable, i: int, expected: float, agreement: bool) -> NDArray[np.float32]:
    answer, other = data.answers[i], data.others[i]
    agreed = grade("numeric", answer, other) if agreement and other else None
    signals = Signals(chars=len(answer), agreement=agreed)
    return answer_features(expected, signals, text_marks(answer, len(data.prompts[i])))


# ---------------------------------------------------------------- the examination


class Certificate(Struct, frozen=True):
    """Local share that so many labels certify (mean over replays, and the range of 95% of them),
    and how often the limit was broken on the rest of the rows (exact interval)."""

    method: str
    limit: float
    labels: int
    share: Figure
    broken: Figure


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


class GradedAnswer(Struct, frozen=True):
    """Everything that `shortstop bench routing` prints."""

    in_domain: list[Score]
    transfer: list[Score]
    learning: list[Score]
    domains: list[Score]
    certificates: list[Certificate]
    calibration: list[Calibration]
    savings: list[Saving]
    published: dict[str, dict[str, tuple[float, float, float]]]


def examine(data: PairTable, *, boots: int = 200, quick: bool = False) -> GradedAnswer:
    """Raises StoreError where no benchmark has enough rows, or one has a single fold."""
    inside: list[Score] = []
    domains: list[Score] = []
    savings: list[Saving] = []
    certificates: list[Certificate] = []
    calibration: list[Calibration] = []
    large = [b for b in data.benches if len(data.where(b)) >= ENOUGH]
    if not large:
        raise StoreError(f"No benchmark of the table has {ENOUGH} rows to learn from.")
    for bench in large:
        rows = data.where(bench)
        if len(np.unique(data.fold[rows])) < 2:
            raise StoreError(
                f"All rows of {bench!r} are in one fold.",
                hint='Leave the column "fold" out: folds are then drawn from the prompts.',
            )
        gaps, smalls = out_of_fold(data, rows, data.fold[rows])
        calibration.append(_calibration(bench, smalls, data.small[rows], boots))
        scores = _in_domain(data, rows, gaps, smalls)
        inside += [_scored(data, rows, name, bench, s, boots) for name, s in scores.items()]
        for name in [s for s in scores if s in ROUTERS]:
            domains += _by_domain(data, rows, name, scores[name], bench)
        savings += _savings(data, rows, scores["prompt only"], bench, boots)
        if len(rows) >= 3000:
            certificates += certify(scores["prompt only"], data.gap[rows])
    return GradedAnswer(
        in_domain=inside,
        transfer=_transfers(data, large, boots),
        learning=[] if quick else _learning(data, large, boots),
        domains=domains,
        certificates=certificates,
        calibration=calibration,
        savings=savings,
        published={b: dict(PUBLISHED[b]) for b in data.benches if b in PUBLISHED},
    )


def _scored(
    data: PairTable, rows: Rows, name: str, bench: str, scores: Floats, boots: int
) -> Score:
    return score(name, bench, scores, data.small[rows], data.big[rows], boots=boots)


def _calibration(bench: str, expected: Floats, happened: Floats, boots: int) -> Calibration:
    n = len(expected)
    again = [calibration_error(expected[at], happened[at]) for at in _drawn(n, boots)]
    return Calibration(bench, figure(calibration_error(expected, happened), again, n))


def calibration_error(expected: Floats, happened: Floats, bins: int = 10) -> float:
    """Mean over equally filled bins of |mean expected - mean happened|."""
    order = np.argsort(expected, kind="stable")
    parts = np.array_split(order, bins)
    gaps = [abs(expected[p].mean() - happened[p].mean()) * len(p) for p in parts if len(p)]
    return float(sum(gaps) / len(expected))


def _in_domain(data: PairTable, rows: Rows, gaps: Floats, smalls: Floats) -> dict[str, Floats]:
    folds = data.fold[rows]
    found = {"prompt only": gaps}
    labels = data.domain[rows]
    if len(set(labels.tolist())) > 1:
        found["prompt + declared task"] = gaps + _task_shift(labels, folds, data.gap[rows] - gaps)
    if any(data.answers[i] for i in rows):
        found["with own answer"] = with_answer(data, rows, folds, gaps, smalls, agreement=False)
    if any(data.others[i] for i in rows):
        found["with agreement"] = with_answer(data, rows, folds, gaps, smalls, agreement=True)
    return found


def _task_shift(labels: NDArray[np.str_], folds: Rows, missed: Floats) -> Floats:
    """The task's mean residual, shrunk, from the other folds."""
    shift = np.zeros(len(labels))
    for label in set(labels.tolist()):
        for fold in np.unique(folds):
            others = (labels == label) & (folds != fold)
            value = missed[others].sum() / (others.sum() + SHRINK)
            shift[(labels == label) & (folds == fold)] = value
    return shift


def _by_domain(data: PairTable, rows: Rows, name: str, scores: Floats, bench: str) -> list[Score]:
    found = []
    labels = data.domain[rows]
    for label in sorted(set(labels.tolist())):
        at = np.flatnonzero(labels == label)
        gap = data.gap[rows][at]
        if label == bench or len(at) < 50 or gap.mean() < 0.02:
            continue
        found.append(_scored(data, rows[at], name, f"{bench}/{label}", scores[at], 100))
    return found


def _savings(data: PairTable, rows: Rows, scores: Floats, bench: str, boots: int) -> list[Saving]:
    """By tenths of what is kept local, the most promising first."""
    order = rows[np.argsort(-scores, kind="stable")]
    n = len(order)
    found = []
    for tenth in range(11):
        asked = np.arange(n) < round(n * tenth / 10)
        quality = np.where(asked, data.big[order], data.small[order])
        cost = np.where(asked, data.cost_big[order], data.cost_small[order])
        whole = data.cost_big[order]
        drawn = list(_drawn(n, boots))
        found.append(
            Saving(
                bench,
                (10 - tenth) / 10,
                figure(float(quality.mean()), [float(quality[at].mean()) for at in drawn], n),
                figure(_part(cost, whole), [_part(cost[at], whole[at]) for at in drawn], n),
            )
        )
    return found


def _part(cost: Floats, whole: Floats) -> float:
    return float(cost.sum() / (whole.sum() or 1.0))


def _transfers(data: PairTable, large: Sequence[str], boots: int) -> list[Score]:
    """Learn on one benchmark, examine on another. Unknown territory escalates first."""
    found = []
    for source in large:
        fitted = fit(data, data.where(source))
        for goal in data.benches:
            if goal == source:
                continue
            rows = data.where(goal)
            plain = np.array([fitted.expect(data.views[i])[0] for i in rows])
            novel = np.array([fitted.novel(data.views[i]) for i in rows])
            name = f"{source} -> {goal}"
            if novel.mean() > 0.5:
                # A new task as a whole: all of it escalates until it has pairs of its own. The
                # curve shows the order if a share of it had to stay local all the same.
                name, checked = f"{name}, all escalates", plain
            else:
                name = f"{name}, {novel.mean():.0%} escalates"
                checked = np.where(novel, plain + 10.0, plain)
            found.append(_scored(data, rows, name, goal, checked, boots))
    return found


def _learning(data: PairTable, large: Sequence[str], boots: int) -> list[Score]:
    """After so many own requests: both outcomes known, or one each (half explored)."""
    found = []
    for bench in large:
        rows = data.where(bench)
        for n, both in ((500, True), (5000, True), (5000, False)):
            if n < 0.8 * len(rows):
                scores = _after(data, rows, n, both)
                how = "both outcomes" if both else "one outcome each"
                name = f"after {n:,} own requests, {how}"
                found.append(_scored(data, rows, name, bench, scores, boots))
    return found


def _after(data: PairTable, rows: Rows, n: int, both: bool) -> Floats:
    folds = data.fold[rows]
    scores = np.zeros(len(rows))
    for fold in range(FOLDS):
        draws = np.random.default_rng(fold)
        train = draws.permutation(rows[folds != fold])[:n]
        test = np.flatnonzero(folds == fold)
        if both:
            fitted = fit(data, train, seed=fold)
            scores[test] = [fitted.expect(data.views[i])[0] for i in rows[test]]
        else:
            scores[test] = _one_sided(data, train, rows[test], draws.random(len(train)) < 0.5)
    return scores


def _one_sided(data: PairTable, train: Rows, test: Rows, local: NDArray[np.bool_]) -> Floats:
    """Each training request was answered by one target, drawn evenly."""
    known = _territory(data, train)
    sights = [sight(data.views[i], known) for i in train]
    sides = []
    for side, values in ((local, data.small), (~local, data.big)):
        at = np.flatnonzero(side)
        sides.append(_head([sights[i] for i in at], values[train[at]], known))
    own, frontier = sides
    seen = [sight(data.views[i], known) for i in test]
    return np.array([frontier.base(s) - own.base(s) for s in seen])


def certify(
    scores: Floats, gap: Floats, *, limit: float = 0.05, labels: int = 1000, replays: int = 300
) -> list[Certificate]:
    """Certified local share, and how often the mean loss of what stays breaks the limit."""
    found = []
    for name, net, per_answer in (
        ("errors over traffic, exact binomial", False, False),
        ("net loss over traffic, betting", True, False),
        ("errors per local answer, exact binomial", False, True),
        ("net loss per local answer, betting", True, True),
    ):
        draws = np.random.default_rng(1)
        shares, broken = [], 0
        for _ in range(replays):
            order = draws.permutation(len(gap))
            seen, rest = order[:labels], order[labels:]
            tau = learn_then_test(
                -scores[seen], gap[seen], limit, 0.05, net=net, per_answer=per_answer
            )
            kept = -scores[rest] >= tau if tau is not None else np.zeros(len(rest), bool)
            loss = gap[rest] if net else np.maximum(gap[rest], 0.0)
            shares.append(float(kept.mean()))
            lost = loss[kept].sum() / (kept.sum() if per_answer else len(kept)) if kept.any() else 0
            broken += bool(lost > limit)
        rate = Figure(
            broken / replays,
            round(binomial_lower(broken, replays, 0.025), 4),
            round(binomial_upper(broken, replays, 0.025), 4),
            replays,
        )
        share = figure(float(np.mean(shares)), shares, replays)
        found.append(Certificate(name, limit, labels, share, rate))
    return found
