"""The contract's stress test over replicas: each machine serves some of a task's requests, and
learns of the others' a little later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from shortstop.evaluate.contract_stress import SCENARIOS, Draws, Floats
from shortstop.routing.contract import Evidence, Promise
from shortstop.routing.pairing import pair_odds, pair_weight

SHADOW_RATE = 0.25
Change = Callable[[Evidence], None]
"""What a request teaches whoever hears of it."""


def lost_by_replicas(
    scores: Floats, losses: Floats, promise: Promise, draws: Draws, *, replicas: int, lag: int
) -> tuple[float, float]:
    """The mean loss over one history, and the share that stayed local. What a replica has seen the
    others learn at some time within the next `lag` requests, in its order; uncertified traffic
    escalates."""
    evidence = [Evidence() for _ in range(replicas)]
    ways: list[list[deque[tuple[int, Change]]]] = [
        [deque() for _ in range(replicas)] for _ in range(replicas)
    ]
    lost, local = 0.0, 0
    for now, (score, loss) in enumerate(zip(scores.tolist(), losses.tolist(), strict=True)):
        here = int(draws.integers(replicas))
        for way in ways[here]:
            while way and way[0][0] <= now:
                way.popleft()[1](evidence[here])
        kept, change = _served(evidence[here], score, loss, promise, draws)
        change(evidence[here])
        for there in range(replicas):
            if there != here:
                due = now + int(draws.integers(lag + 1))
                last = ways[there][here]
                last.append((max(due, last[-1][0] if last else 0), change))
        lost, local = lost + loss * kept, local + kept
    return lost / len(scores), local / len(scores)


def _served(
    evidence: Evidence, score: float, loss: float, promise: Promise, draws: Draws
) -> tuple[bool, Change]:
    kept = evidence.keeps(score, promise)
    odds = pair_odds(evidence, promise, SHADOW_RATE, served=kept)
    drawn = bool(draws.random() < odds)

    def change(heard: Evidence) -> None:
        heard.credit(promise, kept=kept)
        if drawn:
            weight = pair_weight(heard, promise, SHADOW_RATE, odds)
            heard.pair(score, loss, promise, odds=odds, weight=weight, audit=kept)

    return kept, change


def broken(
    name: str, log: tuple[Floats, Floats], promise: Promise, seeds: list[Draws], length: int
) -> int:
    """How many of so many histories of a scenario break the promise, with three replicas that are
    up to 50 requests behind."""
    count = 0
    for draws in seeds:
        history = SCENARIOS[name](*log, length, draws)
        lost, _ = lost_by_replicas(*history, promise, draws, replicas=3, lag=50)
        count += lost > promise.max_loss
    return count
