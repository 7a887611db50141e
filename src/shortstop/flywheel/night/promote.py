"""How far a specialist is trusted next: candidate -> shadow -> canary -> live, each by its own
evidence, and back. The first proof counts what it would have answered to what it has learned from;
a trial counts what came after alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np

from shortstop.flywheel.pairs import MatchedPair, Proof
from shortstop.routing.bounds import log_alarms, mixed
from shortstop.types.decision import TargetState

ALARM_ALPHA = 0.01
"""Error of the test that takes a specialist back: "it loses more than the margin"."""
CLEARLY_MORE = 0.02
"""Share of requests that a challenger must serve beyond the incumbent to take its place."""


class Standing(NamedTuple):
    """What is known of a specialist: its `state`; `asked`, the evidence on all that was asked, held
    out or unseen; `since`, that on what came after it got its state, at a trial's level; whether
    the latter says that it does `harm`; whether what people know to be right says that it is
    `wrong` more often than the frontier by more than the margin."""

    state: TargetState
    asked: Proof
    since: Proof
    harm: bool = False
    wrong: bool = False


class Move(NamedTuple):
    """The state to go to, and why, in words for the report."""

    state: TargetState
    why: str


class Incumbent(NamedTuple):
    """The one of the same kind that answers now: the `share` of the requests that it serves, and
    whether it `nears` the end of its trial."""

    share: float
    nears: bool = False


def next_move(now: Standing, incumbent: Incumbent | None) -> Move:
    """`incumbent` is the one that it would replace, if there is one."""
    if now.harm:
        return Move("retired", f"It loses {now.since.loss:.1%} on the mean since it answers.")
    if now.wrong:
        known = now.asked.judged.get("gold", 0)
        return Move("retired", f"Of {known} answers that people know, it gives too many wrong.")
    if now.state in ("candidate", "shadow"):
        return _into_traffic(now.asked, incumbent)
    if now.state == "canary":
        if now.since.proven and now.asked.proven:
            return Move("live", f"Proven again on {now.since.asked} requests of its trial.")
        return Move("canary", f"On trial. {lacking(now.asked if now.since.proven else now.since)}")
    return Move(now.state, _told(now.asked))


def _into_traffic(asked: Proof, incumbent: Incumbent | None) -> Move:
    if not asked.proven:
        return Move("shadow", lacking(asked))
    if incumbent is not None and asked.share < incumbent.share + CLEARLY_MORE:
        return Move(
            "retired",
            f"It is proven, and serves {asked.share:.0%} where the present one serves"
            f" {incumbent.share:.0%}.",
        )
    if incumbent is not None and incumbent.nears:
        return Move("shadow", "It is proven, and waits for a trial that is nearly over.")
    return Move("canary", f"Proven on {_told(asked)}")


def nears_its_end(trial: Proof) -> bool:
    """Whether a trial lacks no more than half of the requests that it has had."""
    return trial.more is not None and 2 * trial.more <= trial.asked


def lacking(proof: Proof) -> str:
    """What is missing to a proof, in words."""
    unjudged = proof.judged.get("none", 0)
    review = (
        f" Nobody has said who is right in {unjudged} disagreements; until then the frontier is."
        if unjudged
        else ""
    )
    if proof.more is None:
        return (
            f"It loses {proof.loss:.1%} on {proof.served} of {proof.asked} requests: no number of"
            f" such requests proves it.{review}"
        )
    return (
        f"About {proof.more} more requests are needed after {proof.asked}, of which it answers"
        f" {proof.served}.{review}"
    )


def _told(proof: Proof) -> str:
    return f"{proof.served} of {proof.asked} requests: a mean loss of {proof.loss:+.1%}."


def harmful(pairs: Sequence[MatchedPair | None], margin: float) -> bool:
    """Whether the pairs, in order of time, prove a mean loss above `margin`."""
    return alarm_at(pairs, margin) is not None


def alarm_at(pairs: Sequence[MatchedPair | None], margin: float) -> int | None:
    """The number of the pair at which they do. A good past is forgotten, so that a break is seen at
    once."""
    wealth = np.zeros(0)
    for number, pair in enumerate(pairs):
        if pair is None:
            continue
        step = log_alarms(np.array([pair.loss]), margin)[:, 0]
        wealth = step if not len(wealth) else np.maximum(wealth, 0.0) + step
        if mixed(wealth) >= -log(ALARM_ALPHA):
            return number
    return None
