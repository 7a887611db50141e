"""How often a specialist is promoted that should not be, and how fast a broken one is taken back.

    python -m bench.promotion [--runs 500] [--seed 0] [--json]

Simulated requests of a task through the night's own rules (`flywheel.night.promote`): a night looks
after every 50 of them, which the proof allows. Of these a specialist is sure of a share; a canary
answers a quarter of that itself, so that nobody compares it. Who is right where both differ is
known, or said by a simulated judge: it finds the worse answer better in some of the cases, and is
assumed to in so many. Losses are means over the task's requests. Nothing is asked and no model is
loaded. Takes a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.night.promote import Standing, alarm_at, next_move
from shortstop.flywheel.pairs import LEAST_COMPARED, LEAST_ON_TRIAL, MatchedPair, proof_of
from shortstop.flywheel.verdicts import Doubt, doubt_of
from shortstop.routing.bounds import BOLD, Floats, log_bets, mixed_rows
from shortstop.types.decision import TargetState

MARGIN, ALPHA = 0.03, 0.05
LOOK, MOST = 50, 3000
"""Requests between two looks, and after which a candidate is given up."""
OWN = 0.25
"""Share of its sure answers that a canary gives itself."""
DISCORDANT = 0.08
BREAK_AFTER, WITHIN = 600, 150
KNOWN = Doubt(0.0, ALPHA)
Pairs = Sequence[MatchedPair | None]
Bools = NDArray[np.bool_]


def drawn(
    rng: np.random.Generator, n: int, loss: float, discordant: float, share: float = 1.0
) -> list[MatchedPair | None]:
    """Requests with a mean loss, of which the share `discordant` has a winner; None where it
    escalates."""
    worse = (discordant + loss) / 2
    draws = rng.random(n)
    losses = np.where(draws < worse, 1.0, np.where(draws < discordant, -1.0, 0.0))
    answered = (rng.random(n) < (share - discordant) / (1 - discordant)) | (losses != 0)
    return [
        MatchedPair("", float(i), one, "gold") if sure else None
        for i, (one, sure) in enumerate(zip(losses.tolist(), answered.tolist(), strict=True))
    ]


class Judging(NamedTuple):
    """A judge that is wrong in the share `error` of what it rules on, and `assumed` to be so. Where
    `kind`, only in what the specialist should have lost."""

    error: float
    assumed: float
    kind: bool = False

    @property
    def doubt(self) -> Doubt:
        return doubt_of([], self.assumed, ALPHA)

    def seen(self, rng: np.random.Generator, pairs: Pairs) -> list[MatchedPair | None]:
        wrong = rng.random(len(pairs)) < self.error
        return [
            pair._replace(loss=self._said(pair.loss, slip), by="judge")
            if pair is not None and pair.loss
            else pair
            for pair, slip in zip(pairs, wrong.tolist(), strict=True)
        ]

    def _said(self, loss: float, slip: bool) -> float:
        return -loss if slip and (loss > 0 or not self.kind) else loss

    @staticmethod
    def absent(pairs: Pairs) -> list[MatchedPair | None]:
        """Nobody rules: where both differ the frontier counts as right."""
        return [
            pair._replace(loss=1.0, by="none") if pair is not None and pair.loss else pair
            for pair in pairs
        ]


def climbed(
    pairs: Pairs, doubt: Doubt = KNOWN, own: Callable[[], bool] = lambda: False
) -> tuple[TargetState, int | None, int | None]:
    """How far it came, and after how many requests it went on trial and live. `own`: whether a
    canary answers the next of which it is sure by itself."""
    state: TargetState = "shadow"
    compared: list[MatchedPair | None] = []
    since, beside, trial, live = 0, 0, None, None
    for end in range(LOOK, len(pairs) + 1, LOOK):
        for pair in pairs[end - LOOK : end]:
            if state == "canary" and pair is not None and own():
                beside += 1
            else:
                compared.append(pair)
        trial_so_far = proof_of(compared[since:], MARGIN, doubt.on_trial, beside, LEAST_ON_TRIAL)
        now = Standing(state, proof_of(compared, MARGIN, doubt, beside), trial_so_far)
        state = next_move(now, None).state
        if state == "canary" and trial is None:
            trial, since = end, len(compared)
        if state == "live":
            return state, trial, end
    return state, trial, live


def steps(
    pairs: Pairs, doubt: Doubt, rng: np.random.Generator | None = None
) -> tuple[int | None, int | None]:
    """What `climbed` finds, faster: after how many requests it went on trial and live. What a
    canary answers is missing, and as much of what it escalates; nothing without `rng`."""
    losses = np.array([0.0 if pair is None else pair.loss for pair in pairs])
    judged = np.array([pair is not None and pair.by == "judge" for pair in pairs], float)
    sure = np.array([pair is not None for pair in pairs])
    weight = np.ones(len(pairs))
    trial = first(proven(losses, judged, sure, weight, doubt, LEAST_COMPARED))
    if trial is None:
        return None, None
    if rng is not None:
        weight[trial:] = rng.random(len(pairs) - trial) >= OWN
    unseen = proven(losses, judged, sure, weight, doubt, LEAST_COMPARED)
    since = proven(
        losses[trial:], judged[trial:], sure[trial:], weight[trial:], doubt.on_trial, LEAST_ON_TRIAL
    )
    live = first(since & unseen[trial // LOOK :])
    return trial, None if live is None else trial + live


def proven(
    losses: Floats, judged: Floats, sure: Bools, weight: Floats, doubt: Doubt, least: int
) -> Bools:
    """Whether these losses prove it, at each look: all looks at once."""
    bets = log_bets(losses + doubt.bias * judged, MARGIN, most=1.0 + doubt.bias) * weight
    wealth = mixed_rows(np.cumsum(bets, axis=1)[:, LOOK - 1 :: LOOK].T, BOLD)
    compared = np.cumsum(sure * weight)[LOOK - 1 :: LOOK]
    return np.asarray((wealth >= -log(doubt.alpha)) & (compared >= least))


def first(looks: Bools) -> int | None:
    """The requests that there are at the first look that is true."""
    found = np.flatnonzero(looks)
    return int(found[0] + 1) * LOOK if len(found) else None


def promotions(
    rng: np.random.Generator,
    runs: int,
    loss: float,
    discordant: float,
    judging: Judging | None = None,
    share: float = 1.0,
) -> dict[str, float]:
    def end() -> tuple[int | None, int | None]:
        pairs = drawn(rng, MOST, loss, discordant, share)
        if judging is None:
            return steps(pairs, KNOWN, rng)
        return steps(judging.seen(rng, pairs), judging.doubt, rng)

    ends = [end() for _ in range(runs)]
    trials = [trial for trial, _ in ends if trial is not None]
    lives = [live for _, live in ends if live is not None]
    return {
        "on_trial": len(trials) / runs,
        "live": len(lives) / runs,
        "median_requests_to_trial": float(np.median(trials)) if trials else float("nan"),
        "median_requests_to_live": float(np.median(lives)) if lives else float("nan"),
    }


def rollbacks(rng: np.random.Generator, runs: int, drop: float) -> dict[str, float]:
    """A specialist that was as good as the frontier loses `drop` from one pair to the next."""
    delays, early = [], 0
    for _ in range(runs):
        good = drawn(rng, BREAK_AFTER, 0.0, DISCORDANT)
        broken = drawn(rng, 1500, drop, max(DISCORDANT, drop + 0.02))
        at = alarm_at([*good, *broken], MARGIN)
        if at is not None and at < BREAK_AFTER:
            early += 1
        elif at is not None:
            delays.append(at - BREAK_AFTER + 1)
    return {
        "within_150": sum(delay <= WITHIN for delay in delays) / runs,
        "median_pairs": float(np.median(delays)) if delays else float("nan"),
        "false_alarms_before": early / runs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    figures = {
        "at the margin (should never)": promotions(rng, asked.runs, MARGIN, DISCORDANT),
        "at the margin, sure of half": promotions(rng, asked.runs, MARGIN, DISCORDANT, share=0.5),
        "at the margin, sure of a fifth": promotions(
            rng, asked.runs, MARGIN, DISCORDANT, share=0.2
        ),
        "equal, sure of a fifth, 2 % discordant": promotions(rng, asked.runs, 0.0, 0.02, share=0.2),
        "equal, 8 % discordant": promotions(rng, asked.runs, 0.0, DISCORDANT),
        "equal, 4 % discordant": promotions(rng, asked.runs, 0.0, 0.04),
        "at the margin, judge wrong in 10 % as assumed": promotions(
            rng, asked.runs, MARGIN, DISCORDANT, Judging(0.1, 0.1)
        ),
        "at the margin, judge wrong in 10 % for the specialist alone": promotions(
            rng, asked.runs, MARGIN, DISCORDANT, Judging(0.1, 0.1, kind=True)
        ),
        "at the margin, judge wrong in 25 %, 10 % assumed": promotions(
            rng, asked.runs, MARGIN, DISCORDANT, Judging(0.25, 0.1)
        ),
        "5 points better than its teacher, judge wrong in 10 % as assumed": promotions(
            rng, asked.runs, -0.05, 0.09, Judging(0.1, 0.1)
        ),
        "breaks by 20 points": rollbacks(rng, asked.runs, 0.2),
        "breaks by 10 points": rollbacks(rng, asked.runs, 0.1),
    }
    if asked.json:
        print(json.dumps({"runs": asked.runs, "figures": figures}, indent=2))
        return
    for name, one in figures.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in one.items()))


if __name__ == "__main__":
    main()
