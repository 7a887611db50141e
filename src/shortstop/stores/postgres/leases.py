"""Slices of budgets and rate limits that processes have leased.

A budget's slice is a row among what is set aside, so that a Shortstop that knows no leases counts
it, and gives it up when its owner has died. A rate limit's slice is counted in the meter's arrival.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shortstop.ports.leases import LEASE_SECONDS
from shortstop.stores.postgres.heartbeat import Heartbeat
from shortstop.stores.sql.database import Record, SqlDatabase, SqlSession
from shortstop.stores.sql.purses import in_window
from shortstop.types.leases import Leased, LeaseOrder, MeterOrder, PurseOrder, SharedMeter

log = logging.getLogger(__name__)

LONGEST = 10 * LEASE_SECONDS
"""No slice of a limit holds for longer: that was set by hand, or the server's clock went back."""
_READ = """
SELECT 0, key, "window", spent, held FROM purses WHERE key = ANY(?) UNION ALL
SELECT 1, id, '', greatest(amount, 0), 0 FROM holds WHERE id = ANY(?) UNION ALL
SELECT 2, key, '', sum(greatest(amount, 0))::bigint, 0 FROM holds WHERE key = ANY(?) GROUP BY key
"""
_METERS = f"""
SELECT asked.key, asked.unit, m.arrival, l.id, l.units,
    l.until <= now.at OR l.until > now.at + interval '{LONGEST:.0f} seconds',
    extract(epoch FROM now.at)::float8
FROM unnest(?::text[], ?::text[]) AS asked (key, unit)
CROSS JOIN (SELECT clock_timestamp() AS at) AS now
LEFT JOIN meters m ON m.key = asked.key AND m.unit = asked.unit
LEFT JOIN meter_leases l ON l.key = asked.key AND l.unit = asked.unit
"""  # noqa: S608 - made of fixed texts
_WRITE = f"""
WITH ended AS (DELETE FROM holds WHERE id = ANY(?)),
held AS (
    INSERT INTO holds (id, key, amount, owner, at)
    SELECT id, key, amount, ?, ?
    FROM unnest(?::text[], ?::text[], ?::bigint[]) AS l (id, key, amount)
),
over AS (DELETE FROM meter_leases WHERE id = ANY(?)),
leased AS (
    INSERT INTO meter_leases (id, key, unit, units, until)
    SELECT id, key, unit, units, clock_timestamp() + interval '{LEASE_SECONDS:.0f} seconds'
    FROM unnest(?::text[], ?::text[], ?::text[], ?::bigint[]) AS l (id, key, unit, units)
),
metered AS (
    INSERT INTO meters (key, unit, arrival)
    SELECT * FROM unnest(?::text[], ?::text[], ?::float8[])
    ON CONFLICT (key, unit) DO UPDATE SET arrival = excluded.arrival
)
INSERT INTO purses (key, "window", spent, held)
SELECT * FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[])
ON CONFLICT (key) DO UPDATE SET
"window" = excluded."window", spent = excluded.spent, held = excluded.held
"""  # noqa: S608 - made of fixed texts


@dataclass(slots=True)
class LeaseChanges:
    """What an exchange writes, all of it by one statement: rows of these tables, and the names of
    slices whose rows go."""

    ended: list[str] = field(default_factory=list)
    held: list[tuple[str, str, int]] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    leased: list[tuple[str, str, str, int]] = field(default_factory=list)
    metered: list[tuple[str, str, float]] = field(default_factory=list)
    purses: list[tuple[str, str, int, int]] = field(default_factory=list)

    def write(self, db: SqlSession, owner: str, at: float) -> None:
        db.execute(_WRITE, (
            self.ended, owner, at, *_columns(self.held, 3), self.over, *_columns(self.leased, 4),
            *_columns(self.metered, 3), *_columns(self.purses, 4),
        ))  # fmt: skip


class PostgresLeases:
    """Implements ports.leases.LeaseStore."""

    def __init__(self, database: SqlDatabase, heartbeat: Heartbeat) -> None:
        self._database = database
        self._heartbeat = heartbeat

    def exchange(
        self, purses: Sequence[PurseOrder], meters: Sequence[MeterOrder], at: float
    ) -> tuple[list[Leased], list[Leased]]:
        subjects = {f"purse {one.level.purse}" for one in purses}
        subjects |= {f"meter {one.key}" for one in meters}
        changes = LeaseChanges()
        with self._database.writing(*subjects) as db:
            self._heartbeat.begin(db)
            answers = _purses(db, purses, changes), _meters(db, meters, changes)
            changes.write(db, self._heartbeat.name, at)
        return answers


def _purses(db: SqlSession, orders: Sequence[PurseOrder], changes: LeaseChanges) -> list[Leased]:
    if not orders:
        return []
    names = _names(one.order for one in orders)
    asked = [one.level.purse for one in orders]
    read = db.execute(_READ, (asked, names, asked)).fetchall()
    purses = {row[1]: row[2:] for row in read if row[0] == 0}
    found = {row[1]: row[3] for row in read if row[0] == 1}
    aside = {row[1]: row[3] for row in read if row[0] == 2}
    answers = []
    for one in orders:
        order, level = one.order, one.level
        name = _found(order, found)
        if name is None and order.lease:
            answers.append(Leased("", 0, 0, lost=True))
            continue
        had = 0 if name is None else found[name]
        window, spent, noted = in_window(purses.get(level.purse), level.window)
        held = aside.get(level.purse, 0)
        if noted != held:
            log.warning("the budget %s: %d is set aside, not %d as its row said; mended",
                        level.purse, held, noted)  # fmt: skip
        spent += order.spent - order.counted(name or "")
        room = level.budget - spent - (held - had)
        amount = one.size(room)
        left = max(0, room - amount)
        answers.append(Leased(order.named if amount else "", amount, left))
        changes.purses.append((level.purse, window, spent, held - had + amount))
        if amount:
            changes.held.append((order.named, level.purse, amount))
    changes.ended += found
    return answers


def _meters(db: SqlSession, orders: Sequence[MeterOrder], changes: LeaseChanges) -> list[Leased]:
    if not orders:
        return []
    asked = [(one.key, one.unit) for one in orders]
    there: dict[tuple[str, str], list[Record]] = {}
    for row in db.execute(_METERS, _columns(asked, 2)):
        there.setdefault((row[0], row[1]), []).append(row[2:])
    answers = []
    for one in orders:
        order, found = one.order, there[one.key, one.unit]
        leases = {id: (units, lapsed) for _, id, units, lapsed, _ in found if id is not None}
        name = _found(order, leases)
        mine = 0 if name is None else leases.pop(name)[0]
        lapsed = sum(units for units, over in leases.values() if over)
        others = sum(units for units, over in leases.values() if not over)
        state = SharedMeter(found[0][0], found[0][4], mine, others, lapsed)
        lost = name is None and order.lease != ""
        change = one.change(state, 0 if lost else order.spent - order.counted(name or ""))
        changes.over += [id for id, (_, over) in leases.items() if over]
        changes.over += [] if name is None else [name]
        changes.metered.append((one.key, one.unit, change.arrival))
        answers.append(Leased(order.named if change.leased else "", change.leased, change.left))
        if change.leased:
            changes.leased.append((order.named, one.key, one.unit, change.leased))
    return answers


def _names(orders: Iterable[LeaseOrder]) -> list[str]:
    """Every name under which the store may have a slice of these."""
    return [name for one in orders for name in (one.lease, *(tried for tried, _ in one.tried))]


def _found(order: LeaseOrder, found: Mapping[str, object]) -> str | None:
    return next((name for name in _names([order]) if name in found), None)


def _columns(table: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[place] for row in table] for place in range(width)]
