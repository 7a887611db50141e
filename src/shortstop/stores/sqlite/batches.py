"""Batches of requests: which there are, who works on each, and which lines have an answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from shortstop.stores.owners import Owner
from shortstop.stores.sqlite.connect import Database
from shortstop.stores.sqlite.files import BATCHES, OPEN, delete_file, put_file, put_piece
from shortstop.types.batches import BatchRow, FileRow, Piece

_COLUMNS = (
    "id, holder, tenant, conversation, at, expires, status, input, output, errors, total,"
    " completed, failed, record"
)
_PUT = "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')"
_ANSWERED = """
SELECT number FROM pieces JOIN batches ON file IN (output, errors) WHERE batches.id = ?
"""
_HAS_ONE = "SELECT 1 FROM pieces WHERE number = ? AND file IN (?, ?)"
_ERASED_WITH = """
UPDATE pieces SET conversation = ? WHERE file = ? AND number = ? AND conversation = ''
"""


class SqliteBatches:
    """Implements ports.batches.BatchStore. Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self._path = path
        self._database = Database(path, BATCHES)
        self._owner = owner

    def add(self, row: BatchRow, output: FileRow, errors: FileRow) -> bool:
        with self._database.writing() as db:
            known = db.execute(
                "SELECT 1 FROM files WHERE id = ? AND holder = ? AND finished = 1"
                " AND purpose = 'batch'",
                (row.input, row.holder),
            ).fetchone()
            if known is None:
                return False
            db.execute(_PUT, row)
            put_file(db, output)
            put_file(db, errors)
        return True

    def find(self, holder: str | None, id: str) -> BatchRow | None:
        with self._database.reading() as db:
            return _one(db, "id = ? AND (? IS NULL OR holder = ?)", id, holder, holder)

    def page(self, holder: str | None, after: BatchRow | None, limit: int) -> list[BatchRow]:
        place = (after.at, after.id) if after is not None else ()
        behind = "AND (at, id) < (?, ?)" if place else ""
        with self._database.reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM batches WHERE (? IS NULL OR holder = ?) {behind}"  # noqa: S608
                " ORDER BY at DESC, id DESC LIMIT ?",
                (holder, holder, *place, limit),
            )
            return [BatchRow(*row) for row in rows]

    def unfinished(self, holder: str | None) -> int:
        if not self._path.exists():
            return 0
        with self._database.reading() as db:
            row = db.execute(
                f"SELECT count(*) FROM batches WHERE {OPEN} AND (? IS NULL OR holder = ?)",  # noqa: S608
                (holder, holder),
            ).fetchone()
        return int(row[0])

    def change(self, id: str, change: Callable[[BatchRow], BatchRow]) -> BatchRow | None:
        with self._database.writing() as db:
            row = _one(db, "id = ?", id)
            return None if row is None else _changed(db, change(row), row.output, row.errors)

    def claim(self) -> BatchRow | None:
        if not self._path.exists() or self._free() is None:
            return None
        with self._database.writing() as db:
            free = self._first_free(db)
            if free is None:
                return None
            db.execute("UPDATE batches SET owner = ? WHERE id = ?", (self._owner.name, free))
            return _one(db, "id = ?", free)

    def _free(self) -> str | None:
        with self._database.reading() as db:
            return self._first_free(db)

    def _first_free(self, db: sqlite3.Connection) -> str | None:
        rows = db.execute(f"SELECT id, owner FROM batches WHERE {OPEN} ORDER BY at, id")  # noqa: S608
        return next((id for id, owner in rows.fetchall() if not self._owner.lives(owner)), None)

    def release(self, id: str) -> None:
        with self._database.writing() as db:
            db.execute("UPDATE batches SET owner = '' WHERE id = ?", (id,))

    def answer(self, id: str, piece: Piece, *, failed: bool) -> bool:
        with self._database.writing() as db:
            row = _one(db, f"id = ? AND {OPEN}", id)
            if (
                row is None
                or db.execute(_HAS_ONE, (piece.number, row.output, row.errors)).fetchone()
            ):
                return False
            file, count = (row.errors, "failed") if failed else (row.output, "completed")
            put_piece(db, file, piece)
            db.execute("UPDATE files SET size = size + ? WHERE id = ?", (piece.size, file))
            db.execute(
                f"UPDATE batches SET {count} = {count} + 1 WHERE id = ?",  # noqa: S608
                (id,),
            )
            if piece.conversation:
                db.execute(_ERASED_WITH, (piece.conversation, row.input, piece.number))
        return True

    def answered(self, id: str) -> set[int]:
        with self._database.reading() as db:
            return {number for (number,) in db.execute(_ANSWERED, (id,))}

    def end(
        self, id: str, change: Callable[[BatchRow], BatchRow], expires: float
    ) -> BatchRow | None:
        with self._database.writing() as db:
            row = _one(db, "id = ?", id)
            if row is None:
                return None
            output, errors = (_ended(db, file, expires) for file in (row.output, row.errors))
            return _changed(db, change(row), output, errors)

    def sweep(self, before: float) -> int:
        if not self._path.exists():
            return 0
        with self._database.writing() as db:
            done = db.execute(
                f"DELETE FROM batches WHERE at < ? AND NOT ({OPEN})",  # noqa: S608
                (before,),
            )
        return done.rowcount

    def close(self) -> None:
        self._database.close()
        self._owner.close()


def _one(db: sqlite3.Connection, where: str, *values: str | None) -> BatchRow | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM batches WHERE {where}", values).fetchone()  # noqa: S608
    return BatchRow(*row) if row else None


def _changed(db: sqlite3.Connection, row: BatchRow, output: str, errors: str) -> BatchRow:
    db.execute(
        "UPDATE batches SET status = ?, total = ?, record = ?, output = ?, errors = ? WHERE id = ?",
        (row.status, row.total, row.record, output, errors, row.id),
    )
    return row._replace(output=output, errors=errors)


def _ended(db: sqlite3.Connection, file: str, expires: float) -> str:
    """The file of answers if it holds any; else it is gone, and ""."""
    if not file:
        return ""
    if db.execute("SELECT 1 FROM pieces WHERE file = ?", (file,)).fetchone() is None:
        delete_file(db, file)
        return ""
    db.execute("UPDATE files SET finished = 1, expires = ? WHERE id = ?", (expires, file))
    return file
