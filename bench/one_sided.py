"""Learning from one outcome per request: unweighted, by inverse propensity, doubly robust.

    python -m bench.one_sided [--data FILE] [--bench mmlu] [--own 5000] [--seeds 2]

Every training request was answered by one target, drawn evenly; or nine of ten by the small model
whatever the prompt; or nine of ten by the target that a router learned from the first tenth (drawn
evenly) prefers, so that the odds depend on the prompt. Fitted are a head for each side, unweighted;
the same with weights 1 / odds; and a head on the doubly robust pseudo-outcome of the gap, made with
heads that did not see the row. APGR on the held-out fold, and the others' paired difference from
unweighted, means over folds and seeds with 1.96 standard errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from shortstop.cli.tables import graded
from shortstop.evaluate.fitting import LANDMARKS, fit_index
from shortstop.evaluate.pair_table import FOLDS, PairTable
from shortstop.evaluate.ranking import apgr, recovered
from shortstop.routing.model import LEARNING_RATE, Head, Projection, PromptIndex, project

Floats = NDArray[np.float64]


class Weighted(Head):
    """A head whose rows count by their weight."""

    def fit(
        self, sights: list[Projection], values: Floats, weights: Floats, known: PromptIndex
    ) -> Head:
        weights = weights / weights.mean()
        self.rows, self.total = float(len(values)), float(weights @ values)
        for at, value, weight in zip(sights, values.tolist(), weights.tolist(), strict=True):
            error = self.mean + float(self.weights.take(at.ids) @ at.grams) - value
            slope = weight * error * at.grams
            pace = self.pace.take(at.ids) + slope * slope
            self.pace[at.ids] = pace
            self.weights[at.ids] -= LEARNING_RATE * slope / np.sqrt(pace)
        kernels = np.stack([s.kernel for s in sights])
        scaled = kernels * weights.astype(np.float32)[:, None]
        moments = self.moments
        moments += scaled.T @ kernels
        self.targets += scaled.T @ values.astype(np.float32)
        self.solve(known)
        return self


def fitted(
    sights: list[Projection], values: Floats, weights: Floats, at: NDArray[Any], known: PromptIndex
) -> Head:
    rows = np.flatnonzero(at)
    return Weighted(LANDMARKS).fit([sights[i] for i in rows], values[rows], weights[rows], known)


def gap_of(sides: tuple[Head, Head], sights: list[Projection]) -> Floats:
    own, frontier = sides
    return np.array([frontier.base(s) - own.base(s) for s in sights])


def odds_of_local(
    policy: str,
    sights: list[Projection],
    small: Floats,
    big: Floats,
    coin: Floats,
    known: PromptIndex,
) -> Floats:
    """Probability of the local answer, row by row."""
    n = len(sights)
    if policy != "90/10 by the router":
        return np.full(n, 0.5 if policy == "50/50" else 0.9)
    first = np.arange(n) < n // 10
    ones = np.ones(n)
    own = fitted(sights, small, ones, first & (coin < 0.5), known)
    frontier = fitted(sights, big, ones, first & (coin >= 0.5), known)
    gaps = gap_of((own, frontier), sights)
    chosen = np.where(gaps <= np.median(gaps), 0.9, 0.1)
    return np.where(first, 0.5, chosen)


def doubly_robust(
    sights: list[Projection],
    small: Floats,
    big: Floats,
    local: NDArray[Any],
    odds: Floats,
    known: PromptIndex,
) -> Head:
    """A head on the pseudo-outcome of the gap; the nuisance heads see the other half only."""
    n, ones = len(sights), np.ones(len(sights))
    pseudo = np.zeros(n)
    half = np.arange(n) % 2 == 0
    for part in (half, ~half):
        own = fitted(sights, small, ones, local & ~part, known)
        frontier = fitted(sights, big, ones, ~local & ~part, known)
        for i in np.flatnonzero(part):
            a, b = own.base(sights[i]), frontier.base(sights[i])
            missed = -(small[i] - a) / odds[i] if local[i] else (big[i] - b) / (1 - odds[i])
            pseudo[i] = b - a + missed
    return fitted(sights, pseudo, ones, np.ones(n, bool), known)


def one(
    data: PairTable, train: NDArray[Any], test: NDArray[Any], policy: str, seed: int
) -> list[float]:
    """APGR on `test` of the three ways."""
    known = fit_index(data, train)
    sights = [project(data.features[i], known) for i in train]
    goal = [project(data.features[i], known) for i in test]
    small, big = data.small[train], data.big[train]
    coin = np.random.default_rng(seed).random(len(train))
    odds = odds_of_local(policy, sights, small, big, coin, known)
    local = coin < odds
    ones, inverse = np.ones(len(train)), np.where(local, 1 / odds, 1 / (1 - odds))
    gaps = [
        gap_of(
            (fitted(sights, small, w, local, known), fitted(sights, big, w, ~local, known)), goal
        )
        for w in (ones, inverse)
    ]
    robust = doubly_robust(sights, small, big, local, odds, known)
    gaps.append(np.array([robust.base(s) for s in goal]))
    return [apgr(recovered(g, data.small[test], data.big[test])) for g in gaps]


def main(
    data: Annotated[Path | None, typer.Option("--data")] = None,
    bench: str = "mmlu",
    own: int = 5000,
    seeds: int = 2,
) -> None:
    whole = graded(data)
    rows = whole.where(bench)
    folds = whole.fold[rows]
    typer.echo(f"{bench}, {own} own requests, one outcome each: unweighted, 1/odds, doubly robust")
    for policy in ("50/50", "90/10 always", "90/10 by the router"):
        found = []
        for seed in range(seeds):
            for fold in range(FOLDS):
                draws = np.random.default_rng([seed, fold])
                train = draws.permutation(rows[folds != fold])[:own]
                found.append(one(whole, train, rows[folds == fold], policy, 100 * seed + fold))
        scores = np.array(found)
        plain, differences = scores[:, 0], scores[:, 1:] - scores[:, :1]
        told = [f"{plain.mean():.3f} ±{_error(plain):.3f}"]
        told += [f"{d.mean():+.4f} ±{_error(d):.4f}" for d in differences.T]
        typer.echo(f"  {policy:20} {'   '.join(told)}   n={len(found)}")


def _error(values: Floats) -> float:
    return float(1.96 * values.std(ddof=1) / len(values) ** 0.5)


if __name__ == "__main__":
    typer.run(main)
