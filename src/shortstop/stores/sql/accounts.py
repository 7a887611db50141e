"""Keys, meters, budgets and kept answers, the same for all workers.

What is set aside or claimed belongs to an owner; when that has died, `recover` and the next claim
see it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from shortstop.ports.stores import REPLACED, Meters, Windows
from shortstop.stores.sql import purses
from shortstop.stores.sql.database import SqlDatabase, SqlSession, closed_on_failure
from shortstop.types.accounts import (
    BudgetLevel,
    ChangedGroup,
    IdempotencyRecord,
    KeptRow,
    KeyRow,
    PurseWindow,
)

_KEYS = """
SELECT fingerprint, record, NULL, NULL FROM keys UNION ALL
SELECT retired.fingerprint, record, tail, until FROM retired JOIN keys ON id = key
"""
_FORGET_RETIRED = """
DELETE FROM retired WHERE key = ? AND fingerprint NOT IN (
    SELECT fingerprint FROM retired WHERE key = ? ORDER BY until DESC, fingerprint LIMIT ?
)
"""
_WRITE_METER = """
INSERT INTO meters (key, unit, arrival) VALUES (?, ?, ?)
ON CONFLICT (key, unit) DO UPDATE SET arrival = excluded.arrival
"""
_END_SESSIONS = """
INSERT INTO ended_sessions (name, at) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""
_DROP_ANSWER = "DELETE FROM answers WHERE caller = ? AND token = ?"

_KEEP_ANSWER = """
UPDATE answers SET status = ?, headers = ?, body = ?, tenant = ?, conversation = ?, size = ?
WHERE caller = ? AND token = ?
"""
_KEPT_OF = """
SELECT count(*), coalesce(sum(size), 0) FROM answers WHERE caller = ? AND status IS NOT NULL
"""
_TRIM_ANSWERS = """
DELETE FROM answers WHERE rowid IN (SELECT number FROM (
    SELECT rowid AS number, row_number() OVER newest AS n, sum(size) OVER newest AS bytes
    FROM answers WHERE caller = ? AND status IS NOT NULL
    WINDOW newest AS (ORDER BY at DESC, rowid DESC)
) AS kept WHERE n > ? OR bytes > ?)
"""


class SqlAccounts(ABC):
    """Implements ports.stores.AccountStore but for what each database knows in its own way."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        with closed_on_failure(database):
            database.open()

    def close(self) -> None:
        self._database.close()

    @abstractmethod
    def version(self) -> int: ...

    @abstractmethod
    def _owner(self, db: SqlSession) -> str:
        """The name under which this handle sets aside and claims."""

    @abstractmethod
    def _lives(self, db: SqlSession, owner: str) -> bool:
        """Whether that owner can still finish what it has begun."""

    # ------------------------------------------------------------ keys

    def all_keys(self) -> list[KeyRow]:
        with self._database.reading() as db:
            return [KeyRow(*row) for row in db.execute(_KEYS).fetchall()]

    def add_key(self, id: str, fingerprint: bytes, record: str) -> None:
        with self._database.writing("keys") as db:
            db.execute(
                "INSERT INTO keys (id, fingerprint, record) VALUES (?, ?, ?)",
                (id, fingerprint, record),
            )
            self._keys_changed(db)

    def change_key(self, id: str, change: Callable[[str], str]) -> None:
        with self._database.writing("keys") as db:
            row = db.execute("SELECT record FROM keys WHERE id = ?", (id,)).fetchone()
            if row is not None:
                db.execute("UPDATE keys SET record = ? WHERE id = ?", (change(row[0]), id))
                self._keys_changed(db)

    def rotate_key(
        self, id: str, fingerprint: bytes, change: Callable[[str], tuple[str, str]], until: float
    ) -> None:
        find = "SELECT fingerprint, record FROM keys WHERE id = ?"
        with self._database.writing("keys") as db:
            row = db.execute(find, (id,)).fetchone()
            if row is None:
                return
            record, tail = change(row[1])
            db.execute(
                "INSERT INTO retired (fingerprint, key, tail, until) VALUES (?, ?, ?, ?)",
                (row[0], id, tail, until),
            )
            db.execute(_FORGET_RETIRED, (id, id, REPLACED))
            db.execute(
                "UPDATE keys SET fingerprint = ?, record = ? WHERE id = ?",
                (fingerprint, record, id),
            )
            self._keys_changed(db)

    @abstractmethod
    def _keys_changed(self, db: SqlSession) -> None:
        """Part of the transaction that has changed a key: for `version`."""

    # ------------------------------------------------------------ groups

    def groups(self) -> list[str]:
        with self._database.reading() as db:
            return [record for (record,) in db.execute("SELECT record FROM budget_groups")]

    def add_group(self, id: str, parent: str, name: str, record: str) -> None:
        with self._database.writing("keys") as db:
            db.execute(
                "INSERT INTO budget_groups (id, parent, name, record) VALUES (?, ?, ?, ?)",
                (id, parent, name, record),
            )
            self._keys_changed(db)

    def change_group(self, id: str, change: Callable[[str], ChangedGroup]) -> None:
        with self._database.writing("keys", f"purse {id}") as db:
            row = db.execute("SELECT record FROM budget_groups WHERE id = ?", (id,)).fetchone()
            if row is None:
                return
            name, record, before, after = change(row[0])
            db.execute(
                "UPDATE budget_groups SET name = ?, record = ? WHERE id = ?", (name, record, id)
            )
            purses.carry(db, id, before, after)
            self._keys_changed(db)

    # ------------------------------------------------------------ sessions

    def ended_sessions(self) -> list[tuple[str, float]]:
        with self._database.reading() as db:
            rows = db.execute("SELECT name, at FROM ended_sessions").fetchall()
            return [(name, at) for name, at in rows]

    def end_sessions(self, name: str, at: float, forgotten: float) -> None:
        with self._database.writing("keys") as db:
            db.execute("DELETE FROM ended_sessions WHERE at < ?", (forgotten,))
            db.execute(_END_SESSIONS, (name, at))
            self._keys_changed(db)

    # ------------------------------------------------------------ meters

    def meter(self, key: str, change: Callable[[Meters], Meters]) -> None:
        with self._database.writing(f"meter {key}") as db:
            rows = db.execute("SELECT unit, arrival FROM meters WHERE key = ?", (key,))
            for unit, arrival in change(dict(rows.fetchall())).items():
                db.execute(_WRITE_METER, (key, unit, arrival))

    # ------------------------------------------------------------ budgets

    def hold(self, id: str, key: str, window: str, amount: int, budget: int, at: float) -> bool:
        with self._database.writing(f"purse {key}") as db:
            level = (key, window, budget)
            return purses.set_aside_one(db, id, level, amount, lambda: self._owner(db), at)

    def hold_levels(
        self, id: str, levels: Sequence[BudgetLevel], amount: int, at: float
    ) -> str | None:
        with self._database.writing(*(f"purse {level.purse}" for level in levels)) as db:
            return purses.set_aside(db, id, levels, amount, lambda: self._owner(db), at)

    def settle(self, id: str, window: str, cost: int | None, above: Windows | None = None) -> None:
        if above is not None:
            self._settle_levels(id, window, cost, above)
            return
        with self._database.reading() as db:
            row = purses.found_one(db, id)
        if row is None:
            return
        with self._database.writing(f"purse {row[0]}") as db:
            row = purses.found_one(db, id)
            if row is not None:
                purses.spend_one(db, id, row, window, cost)

    def _settle_levels(self, id: str, window: str, cost: int | None, above: Windows) -> None:
        with self._database.reading() as db:
            rows = purses.found(db, id)
        if not rows:
            return
        with self._database.writing(*(f"purse {row[1]}" for row in rows)) as db:
            rows = purses.found(db, id)
            if rows:
                purses.spend(db, rows, window, cost, above)

    def balance(self, key: str, window: str | PurseWindow) -> tuple[int, int]:
        with self._database.reading() as db:
            if isinstance(window, str):
                return purses.balance_one(db, key, window)
            return purses.read(db, {key: window})[key][1:]

    def recover(self, before: float) -> int:
        with self._database.reading() as db:
            lost = self._lost(db, before)
        if not lost:
            return 0
        with self._database.writing(*(f"purse {row[1]}" for row in lost)) as db:
            return sum(purses.give_up(db, *row) for row in lost)

    def _lost(self, db: SqlSession, before: float) -> list[tuple[str, str, int]]:
        """Id, purse and amount of what was set aside before then, or by the dead."""
        holds = db.execute("SELECT id, key, amount, owner, at FROM holds").fetchall()
        return [row[:3] for row in holds if row[4] < before or not self._lives(db, row[3])]

    # ------------------------------------------------------------ kept answers

    def claim_answer(
        self, caller: str, token: str, fingerprint: bytes, at: float, since: float
    ) -> IdempotencyRecord | None:
        with self._database.writing(f"answers {caller}") as db:
            db.execute(f"{_DROP_ANSWER} AND at < ?", (caller, token, since))
            row = db.execute(
                "SELECT owner, asked, status, headers, body FROM answers"
                " WHERE caller = ? AND token = ?",
                (caller, token),
            ).fetchone()
            if row is not None:
                record = IdempotencyRecord(*row[1:])
                abandoned = record.status is None and not self._lives(db, row[0])
                if not (abandoned and record.fingerprint == fingerprint):
                    return record
            db.execute(_DROP_ANSWER, (caller, token))
            db.execute(
                "INSERT INTO answers (caller, token, asked, owner, at) VALUES (?, ?, ?, ?, ?)",
                (caller, token, fingerprint, self._owner(db), at),
            )
        return None

    def keep_answer(
        self, caller: str, token: str, row: KeptRow, most: int, most_bytes: int
    ) -> None:
        size = len(row.headers) + len(row.body)
        with self._database.writing(f"answers {caller}") as db:
            db.execute(_KEEP_ANSWER, (*row, size, caller, token))
            count, total = db.execute(_KEPT_OF, (caller,)).fetchone()
            if count > most or total > most_bytes:
                db.execute(_TRIM_ANSWERS, (caller, most, most_bytes))

    def drop_answer(self, caller: str, token: str) -> None:
        with self._database.reading() as db:
            db.execute(_DROP_ANSWER, (caller, token))

    def forget_answers(self, tenant: str, conversation: str) -> int:
        with self._database.reading() as db:
            done = db.execute(
                "DELETE FROM answers WHERE conversation = ? AND tenant = ?", (conversation, tenant)
            )
        self._database.wipe()
        return done.rowcount

    def sweep_answers(self, before: float) -> int:
        with self._database.reading() as db:
            done = db.execute("DELETE FROM answers WHERE at < ?", (before,))
        self._database.wipe()
        return done.rowcount
