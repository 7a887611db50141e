"""What is set aside and spent, purse by purse.

A request has a row for each level of its budget, so that whoever finds what a dead process had set
aside settles each for itself, as earlier versions do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shortstop.ports.stores import Windows
from shortstop.stores.sql.database import Record, SqlSession
from shortstop.types.accounts import BudgetLevel, PurseWindow

_LEVELS = ("", "#1", "#2")
"""What the ids of a request's rows end with; no id of a request holds such a mark."""
_FIND_ONE = "SELECT key, amount FROM holds WHERE id = ?"
_FIND = "SELECT id, key, amount FROM holds WHERE id IN (?, ?, ?)"
_READ_ONE = 'SELECT "window", spent, held FROM purses WHERE key = ?'
_READ = 'SELECT key, "window", spent, held FROM purses WHERE key IN ({})'
_WRITE = """
INSERT INTO purses (key, "window", spent, held) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
"window" = excluded."window", spent = excluded.spent, held = excluded.held
"""
_HOLD = "INSERT INTO holds (id, key, amount, owner, at) VALUES (?, ?, ?, ?, ?)"
_GIVE_UP = """
UPDATE purses SET spent = spent + ?, held = CASE WHEN held > ? THEN held - ? ELSE 0 END
WHERE key = ?
"""
_DROP = "DELETE FROM holds WHERE id = ?"


def set_aside(
    db: SqlSession,
    id: str,
    levels: Sequence[BudgetLevel],
    amount: int,
    owner: Callable[[], str],
    at: float,
) -> str | None:
    """Part of a transaction on all the levels' purses; see `AccountStore.hold_levels`."""
    purses = read(db, {level.purse: level.window for level in levels})
    for level in levels:
        _, spent, held = purses[level.purse]
        if _lacks(spent + held, amount, level.budget):
            return level.purse
    name = owner()
    for level, mark in zip(levels, _LEVELS, strict=False):
        window, spent, held = purses[level.purse]
        db.execute(_WRITE, (level.purse, window, spent, held + amount))
        db.execute(_HOLD, (f"{id}{mark}", level.purse, amount, name, at))
    return None


def _lacks(used: int, amount: int, budget: int) -> bool:
    """Nothing is covered by any budget, also by one that was overdrawn or lowered."""
    return amount > 0 and used + amount > budget


def found(db: SqlSession, id: str) -> list[Record]:
    """(id, purse, amount) of what is set aside for a request, on each of its levels."""
    return db.execute(_FIND, [f"{id}{mark}" for mark in _LEVELS]).fetchall()


def spend(
    db: SqlSession, rows: Sequence[Record], window: str, cost: int | None, above: Windows
) -> None:
    """Part of a transaction on the purses of these rows; see `AccountStore.settle`."""
    own = PurseWindow.exactly(window)
    windows = {purse: above(purse) or own for _, purse, _ in rows}
    purses = read(db, windows)
    for id, purse, amount in rows:
        name, spent, held = purses[purse]
        db.execute(_DROP, (id,))
        paid = amount if cost is None else cost
        db.execute(_WRITE, (purse, name, spent + paid, max(0, held - amount)))


# ------------------------------------------------------------ one level: most keys, in few steps


def balance_one(db: SqlSession, purse: str, window: str) -> tuple[int, int]:
    """Spent in `window`, and held."""
    row = db.execute(_READ_ONE, (purse,)).fetchone()
    if row is None:
        return 0, 0
    return (row[1] if row[0] == window else 0), row[2]


def found_one(db: SqlSession, id: str) -> Any:
    """(purse, amount); None where nothing is set aside."""
    return db.execute(_FIND_ONE, (id,)).fetchone()


def set_aside_one(
    db: SqlSession,
    id: str,
    level: tuple[str, str, int],
    amount: int,
    owner: Callable[[], str],
    at: float,
) -> bool:
    """Part of a transaction on the purse of the `level`: purse, window, budget."""
    purse, window, budget = level
    spent, held = balance_one(db, purse, window)
    if _lacks(spent + held, amount, budget):
        return False
    db.execute(_WRITE, (purse, window, spent, held + amount))
    db.execute(_HOLD, (id, purse, amount, owner(), at))
    return True


def spend_one(
    db: SqlSession, id: str, held_row: tuple[str, int], window: str, cost: int | None
) -> None:
    """Part of a transaction on the purse of the row."""
    purse, amount = held_row
    spent, held = balance_one(db, purse, window)
    paid = amount if cost is None else cost
    db.execute(_DROP, (id,))
    db.execute(_WRITE, (purse, window, spent + paid, max(0, held - amount)))


# ------------------------------------------------------------ whatever levels there are


def give_up(db: SqlSession, id: str, purse: str, amount: int) -> bool:
    """Count what is set aside as spent. Whether a request's first level was, by this call."""
    if not db.execute(_DROP, (id,)).rowcount:  # somebody else did
        return False
    db.execute(_GIVE_UP, (amount, amount, amount, purse))
    return not id.endswith(_LEVELS[1:])


def read(db: SqlSession, windows: dict[str, PurseWindow]) -> dict[str, tuple[str, int, int]]:
    """By purse: the name of its window from now on, what was spent in it, and what is held."""
    query = _READ.format(", ".join("?" * len(windows)))
    rows = {row[0]: row[1:] for row in db.execute(query, list(windows)).fetchall()}
    return {purse: in_window(rows.get(purse), window) for purse, window in windows.items()}


def carry(db: SqlSession, purse: str, before: PurseWindow, after: PurseWindow) -> None:
    """Go on with what was spent in another window: its name never goes back, for whoever still
    names the earlier one must not find an empty purse."""
    name, spent, held = read(db, {purse: before})[purse]
    kept = max(name, after.name) if name <= after.latest else after.name
    db.execute(_WRITE, (purse, kept, spent, held))


def in_window(row: Record | None, window: PurseWindow) -> tuple[str, int, int]:
    """Of a purse's row (window, spent, held) as it is in the window that holds now."""
    if row is None:
        return window.name, 0, 0
    name, spent, held = row
    if window.earliest <= name <= window.latest:
        return name, spent, held
    return window.name, 0, held
