"""What comes of placements that were made on several machines: the same, whoever merges them.

Of two states of one specialist the one wins that was taken out of traffic more often: a withdrawal
stands until somebody who knows of it places the specialist anew, whatever the clocks say. Then the
one that was changed more often, then one out of traffic, then the later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from shortstop.registry.placements import SERVING, Placement, remembered


def merged(ours: Iterable[Placement], theirs: Iterable[Placement]) -> list[Placement]:
    """One state of each specialist, in the order of their times; of each kind one is live at a
    task, the one that was placed last."""
    winners: dict[str, Placement] = {}
    for one in (*ours, *theirs):
        known = winners.setdefault(one.name, one)
        if _rank(one) > _rank(known):
            winners[one.name] = one
    return remembered(sorted(_one_live([*winners.values()]), key=_time))


def with_files(placed: Sequence[Placement]) -> set[str]:
    """The names of those whose files somebody may need: they answer, are asked unseen, wait to be
    placed, or come back when their successor is rolled back."""
    needed = {one.name for one in placed if needs_files(one)}
    return needed | {one.name for one in placed if one.replaced_by in needed}


def needs_files(one: Placement) -> bool:
    """Whether it means nothing without them."""
    return one.state != "retired"


def _rank(one: Placement) -> tuple[int, int, bool, float, bytes]:
    ended = one.state not in SERVING
    return one.withdrawals, one.changes, ended, one.since, msgspec.json.encode(one)


def _time(one: Placement) -> tuple[float, str]:
    return one.since, one.name


def _one_live(placed: Sequence[Placement]) -> Iterator[Placement]:
    last: dict[tuple[str, str, str], Placement] = {}
    for one in sorted(placed, key=_time):
        if one.state == "live":
            last[one.tenant, one.task, one.kind] = one
    for one in placed:
        winner = last.get((one.tenant, one.task, one.kind), one)
        yield one if one.state != "live" or winner is one else _replaced(one, winner)


def _replaced(one: Placement, winner: Placement) -> Placement:
    return msgspec.structs.replace(
        one,
        state="retired",
        since=winner.since,
        why=f"replaced by {winner.name}",
        replaced_by=winner.name,
        before="live",
        withdrawals=one.withdrawals + 1,
        changes=one.changes + 1,
    )
