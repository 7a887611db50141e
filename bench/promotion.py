"""How often a specialist is promoted that should not be, and how fast a broken one is taken back.

    python -m bench.promotion [--runs 500] [--seed 0] [--json]

Simulated pairs through the night's own rules (`flywheel.night.promote`): a night looks after every
50 pairs, which the proof allows. Who is right where both differ is known, or said by a simulated
judge: it finds the worse answer better in some of the cases, and is assumed to in so many. Nothing
is asked and no model is loaded. Takes a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.night.promote import Standing, alarm_at, next_move
from shortstop.flywheel.pairs import MatchedPair, Proof, proof_of
from shortstop.flywheel.verdicts import Doubt, doubt_of
from shortstop.routing.bounds import BOLD, Floats, log_bets, mixed_rows
from shortstop.types.decision import TargetState

MARGIN, ALPHA = 0.03, 0.05
LOOK, MOST = 50, 3000
"""Pairs between two looks, and after which a candidate is given up."""
DISCORDANT = 0.08
BREAK_AFTER, WITHIN = 600, 150
KNOWN = Doubt(0.0, ALPHA)


def drawn(rng: np.random.Generator, n: int, loss: float, discordant: float) -> list[MatchedPair]:
    """Pairs with a mean loss, of which the share `discordant` has a winner."""
    worse = (discordant + loss) / 2
    draws = rng.random(n)
    losses = np.where(draws < worse, 1.0, np.where(draws < discordant, -1.0, 0.0))
    return [MatchedPair("", float(i), one, "gold") for i, one in enumerate(losses.tolist())]


class Judging(NamedTuple):
    """A judge that is wrong in the share `error` of what it rules on, and `assumed` to be so. Where
    `kind`, only in what the specialist should have lost."""

    error: float
    assumed: float
    kind: bool = False

    @property
    def doubt(self) -> Doubt:
        return doubt_of([], self.assumed, ALPHA)

    def seen(self, rng: np.random.Generator, pairs: Sequence[MatchedPair]) -> list[MatchedPair]:
        wrong = rng.random(len(pairs)) < self.error
        return [
            pair if not pair.loss else pair._replace(loss=self._said(pair.loss, slip), by="judge")
            for pair, slip in zip(pairs, wrong.tolist(), strict=True)
        ]

    def _said(self, loss: float, slip: bool) -> float:
        return -loss if slip and (loss > 0 or not self.kind) else loss

    @staticmethod
    def absent(pairs: Sequence[MatchedPair]) -> list[MatchedPair]:
        """Nobody rules: where both differ the frontier counts as right."""
        return [pair._replace(loss=1.0, by="none") if pair.loss else pair for pair in pairs]


def climbed(
    pairs: Sequence[MatchedPair], doubt: Doubt = KNOWN
) -> tuple[TargetState, int | None, int | None]:
    """How far it came, and after how many pairs it went on trial and live."""
    state: TargetState = "shadow"
    since, trial, live = 0, None, None
    for end in range(LOOK, len(pairs) + 1, LOOK):
        trial_so_far = proof(pairs[since:end], doubt.on_trial)
        unseen = proof(pairs[:end], doubt)
        now = Standing(state, unseen, trial_so_far)
        state = next_move(now, None).state
        if state == "canary" and trial is None:
            trial = since = end
        if state == "live":
            return state, trial, end
    return state, trial, live


def proof(pairs: Sequence[MatchedPair], doubt: Doubt) -> Proof:
    return proof_of(pairs, MARGIN, doubt)


def steps(pairs: Sequence[MatchedPair], doubt: Doubt) -> tuple[int | None, int | None]:
    """What `climbed` finds, faster: after how many pairs it went on trial and live."""
    losses = np.array([pair.loss for pair in pairs])
    judged = np.array([float(pair.by == "judge") for pair in pairs])
    unseen = proven(losses, judged, doubt)
    trial = first(unseen)
    if trial is None:
        return None, None
    since = proven(losses[trial:], judged[trial:], doubt.on_trial)
    live = first(since & unseen[trial // LOOK :])
    return trial, None if live is None else trial + live


def proven(losses: Floats, judged: Floats, doubt: Doubt) -> NDArray[np.bool_]:
    """Whether these losses prove it, at each look: all looks at once."""
    bets = log_bets(losses + doubt.bias * judged, MARGIN, most=1.0 + doubt.bias)
    wealth = mixed_rows(np.cumsum(bets, axis=1)[:, LOOK - 1 :: LOOK].T, BOLD)
    return np.asarray(wealth >= -log(doubt.alpha))


def first(looks: NDArray[np.bool_]) -> int | None:
    """The pairs that there are at the first look that is true."""
    found = np.flatnonzero(looks)
    return int(found[0] + 1) * LOOK if len(found) else None


def promotions(
    rng: np.random.Generator,
    runs: int,
    loss: float,
    discordant: float,
    judging: Judging | None = None,
) -> dict[str, float]:
    def end() -> tuple[int | None, int | None]:
        pairs = drawn(rng, MOST, loss, discordant)
        if judging is None:
            return steps(pairs, KNOWN)
        return steps(judging.seen(rng, pairs), judging.doubt)

    ends = [end() for _ in range(runs)]
    trials = [trial for trial, _ in ends if trial is not None]
    lives = [live for _, live in ends if live is not None]
    return {
        "on_trial": len(trials) / runs,
        "live": len(lives) / runs,
        "median_pairs_to_trial": float(np.median(trials)) if trials else float("nan"),
        "median_pairs_to_live": float(np.median(lives)) if lives else float("nan"),
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
