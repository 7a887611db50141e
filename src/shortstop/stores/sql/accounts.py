"""Keys, meters, budgets and kept answers, the same for all workers.

What is set aside or claimed belongs to an owner; when that has died, `recover` and the next claim
see it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from shortstop.ports.stores import Meters
from shortstop.stores.sql.database import SqlDatabase, SqlSession, closed_on_failure
from shortstop.types.accounts import IdempotencyRecord, KeptRow

_WRITE_PURSE = """
INSERT INTO purses (key, "window", spent, held) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
"window" = excluded."window", spent = excluded.spent, held = excluded.held
"""
_WRITE_METER = """
INSERT INTO meters (key, unit, arrival) VALUES (?, ?, ?)
ON CONFLICT (key, unit) DO UPDATE SET arrival = excluded.arrival
"""
_GIVE_UP = """
UPDATE purses SET spent = spent + ?, held = CASE WHEN held > ? THEN held - ? ELSE 0 END
WHERE key = ?
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

    def all_keys(self) -> list[tuple[bytes, str]]:
        with self._database.reading() as db:
            return db.execute("SELECT fingerprint, record FROM keys").fetchall()

    def add_key(self, id: str, fingerprint: bytes, record: str) -> None:
        with self._database.writing("keys") as db:
            db.execute(
                "INSERT INTO keys (id, fingerprint, record) VALUES (?, ?, ?)",
                (id, fingerprint, record),
            )
            self._keys_changed(db)

    def replace_key(self, id: str, record: str) -> None:
        with self._database.writing("keys") as db:
            db.execute("UPDATE keys SET record = ? WHERE id = ?", (record, id))
            self._keys_changed(db)

    @abstractmethod
    def _keys_changed(self, db: SqlSession) -> None:
        """Part of the transaction that has changed a key: for `version`."""

    # ------------------------------------------------------------ meters

    def meter(self, key: str, change: Callable[[Meters], Meters]) -> None:
        with self._database.writing(f"meter {key}") as db:
            rows = db.execute("SELECT unit, arrival FROM meters WHERE key = ?", (key,))
            for unit, arrival in change(dict(rows.fetchall())).items():
                db.execute(_WRITE_METER, (key, unit, arrival))

    # ------------------------------------------------------------ budgets

    def hold(self, id: str, key: str, window: str, amount: int, budget: int, at: float) -> bool:
        with self._database.writing(f"purse {key}") as db:
            spent, held = _purse(db, key, window)
            if spent + held + amount > budget:
                return False
            db.execute(_WRITE_PURSE, (key, window, spent, held + amount))
            db.execute(
                "INSERT INTO holds (id, key, amount, owner, at) VALUES (?, ?, ?, ?, ?)",
                (id, key, amount, self._owner(db), at),
            )
        return True

    def settle(self, id: str, window: str, cost: int | None) -> None:
        find = "SELECT key, amount FROM holds WHERE id = ?"
        with self._database.reading() as db:
            row = db.execute(find, (id,)).fetchone()
        if row is None:
            return
        with self._database.writing(f"purse {row[0]}") as db:
            row = db.execute(find, (id,)).fetchone()
            if row is None:
                return
            key, amount = row
            spent, held = _purse(db, key, window)
            paid = amount if cost is None else cost
            db.execute("DELETE FROM holds WHERE id = ?", (id,))
            db.execute(_WRITE_PURSE, (key, window, spent + paid, max(0, held - amount)))

    def balance(self, key: str, window: str) -> tuple[int, int]:
        with self._database.reading() as db:
            return _purse(db, key, window)

    def recover(self, before: float) -> int:
        with self._database.reading() as db:
            holds = db.execute("SELECT id, key, amount, owner, at FROM holds").fetchall()
            lost = [row for row in holds if row[4] < before or not self._lives(db, row[3])]
        if not lost:
            return 0
        count = 0
        with self._database.writing(*(f"purse {row[1]}" for row in lost)) as db:
            for id, key, amount, _, _ in lost:
                if db.execute("DELETE FROM holds WHERE id = ?", (id,)).rowcount:  # nobody else did
                    db.execute(_GIVE_UP, (amount, amount, amount, key))
                    count += 1
        return count

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


def _purse(db: SqlSession, key: str, window: str) -> tuple[int, int]:
    """Spent in `window`, and held."""
    row = db.execute('SELECT "window", spent, held FROM purses WHERE key = ?', (key,)).fetchone()
    if row is None:
        return 0, 0
    return (row[1] if row[0] == window else 0), row[2]
