"""Uploaded files, in pieces, and the tables of batches beside them: one file for all workers."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from shortstop.errors import StoreUnavailable
from shortstop.stores.sqlite.connect import Database, FileKind
from shortstop.types.batches import UNFINISHED, Dropped, FileRow, Piece, Purpose

_TABLES = (
    """
    CREATE TABLE files (
        id TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        tenant TEXT NOT NULL,
        conversation TEXT NOT NULL,
        at REAL NOT NULL,
        expires REAL NOT NULL,
        purpose TEXT NOT NULL,
        size INTEGER NOT NULL,
        record BLOB NOT NULL,
        finished INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX files_of ON files (holder, at, id)",
    """
    CREATE TABLE pieces (
        file TEXT NOT NULL,
        number INTEGER NOT NULL,
        size INTEGER NOT NULL,
        data BLOB NOT NULL,
        conversation TEXT NOT NULL,
        PRIMARY KEY (file, number)
    ) STRICT
    """,
    "CREATE INDEX pieces_of ON pieces (conversation) WHERE conversation != ''",
    """
    CREATE TABLE batches (
        id TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        tenant TEXT NOT NULL,
        conversation TEXT NOT NULL,
        at REAL NOT NULL,
        expires REAL NOT NULL,
        status TEXT NOT NULL,
        input TEXT NOT NULL,
        output TEXT NOT NULL,
        errors TEXT NOT NULL,
        total INTEGER NOT NULL,
        completed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        record BLOB NOT NULL,
        owner TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX batches_of ON batches (holder, at, id)",
    "CREATE INDEX batches_input ON batches (input)",
)
OPEN = f"status IN ({', '.join(repr(status) for status in UNFINISHED)})"
"""Of batches that have not ended."""


def m001_batches(db: sqlite3.Connection) -> None:
    for table in _TABLES:
        db.execute(table)


BATCHES = FileKind(
    "batches",
    migrations=(m001_batches,),
    # An answer counts once it is on the disk; what is deleted is given back to the disk.
    pragmas=(
        "auto_vacuum = FULL", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON",
    ),
    hint="See that the disk has room and that the file is writable.",
)  # fmt: skip

_COLUMNS = "id, holder, tenant, conversation, at, expires, purpose, size, record"
_PUT_FILE = "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
_PUT_PIECE = "INSERT INTO pieces (file, number, size, data, conversation) VALUES (?, ?, ?, ?, ?)"
_USED = f"""
SELECT input FROM batches WHERE {OPEN} UNION SELECT output FROM batches WHERE {OPEN}
UNION SELECT errors FROM batches WHERE {OPEN}
"""  # noqa: S608 - our own words
_OVER = f"""
SELECT id FROM files WHERE CASE finished WHEN 1 THEN expires <= ? ELSE at < ? END
AND id NOT IN ({_USED})
"""  # noqa: S608
_OF_SUBJECT = "SELECT id, input FROM batches WHERE tenant = ? AND conversation = ?"


class SqliteFiles:
    """Implements ports.batches.FileStore. Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = Database(path, BATCHES)

    def create(self, row: FileRow) -> None:
        with self._database.writing() as db:
            put_file(db, row)

    def append(self, id: str, pieces: Sequence[Piece]) -> None:
        with self._database.writing() as db:
            size = sum(piece.size for piece in pieces)
            done = db.execute(
                "UPDATE files SET size = size + ? WHERE id = ? AND finished = 0", (size, id)
            )
            if done.rowcount:
                for piece in pieces:
                    put_piece(db, id, piece)

    def finish(self, id: str, expires: float, record: bytes) -> None:
        with self._database.writing() as db:
            db.execute(
                "UPDATE files SET finished = 1, expires = ?, record = ? WHERE id = ?",
                (expires, record, id),
            )

    def find(self, holder: str, id: str) -> FileRow | None:
        with self._database.reading() as db:
            row = db.execute(
                f"SELECT {_COLUMNS} FROM files WHERE id = ? AND holder = ? AND finished = 1",  # noqa: S608
                (id, holder),
            ).fetchone()
        return FileRow(*row) if row else None

    def page(
        self, holder: str, purpose: Purpose | None, after: FileRow | None, limit: int, *, up: bool
    ) -> list[FileRow]:
        where, values = "holder = ? AND finished = 1", [holder]
        if purpose is not None:
            where, values = f"{where} AND purpose = ?", [*values, purpose]
        if after is not None:
            where = f"{where} AND (at, id) {'>' if up else '<'} (?, ?)"
        order = "" if up else " DESC"
        place = (after.at, after.id) if after is not None else ()
        with self._database.reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM files WHERE {where} ORDER BY at{order}, id{order}"  # noqa: S608
                " LIMIT ?",
                (*values, *place, limit),
            )
            return [FileRow(*row) for row in rows]

    def pieces(self, id: str, after: int, most: int) -> list[Piece]:
        found: list[Piece] = []
        size = 0
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT number, size, data, conversation FROM pieces"
                " WHERE file = ? AND number > ? ORDER BY number",
                (id, after),
            )
            for row in rows:
                size += len(row[2])
                if found and size > most:
                    break
                found.append(Piece(*row))
        return found

    def drop(self, holder: str, id: str) -> Dropped:
        with self._database.writing() as db:
            if not _exists(db, "files WHERE id = ? AND holder = ? AND finished = 1", id, holder):
                return "unknown"
            if _exists(db, f"batches WHERE input = ? AND {OPEN}", id):
                return "in use"
            delete_file(db, id)
        with suppress(StoreUnavailable):
            self._database.wipe()
        return "dropped"

    def abandon(self, id: str) -> None:
        with self._database.writing() as db:
            if _exists(db, "files WHERE id = ? AND finished = 0", id):
                delete_file(db, id)
        with suppress(StoreUnavailable):  # then the next sweep takes it off the disk
            self._database.wipe()

    def held(self, holder: str | None) -> int:
        with self._database.reading() as db:
            row = db.execute(
                "SELECT coalesce(sum(size), 0) FROM files WHERE ? IS NULL OR holder = ?",
                (holder, holder),
            ).fetchone()
        return int(row[0])

    def forget(self, tenant: str, conversation: str) -> int:
        if not self._path.exists():
            return 0
        with self._database.writing() as db:
            count = self._forgotten(db, tenant, conversation)
        self._database.wipe()
        return count

    @staticmethod
    def _forgotten(db: sqlite3.Connection, tenant: str, conversation: str) -> int:
        subject = (tenant, conversation)
        query = "SELECT id FROM files WHERE tenant = ? AND conversation = ?"
        files = {id for (id,) in db.execute(query, subject)}
        files |= {input for _, input in db.execute(_OF_SUBJECT, subject)}
        for file in list(files):
            files |= _forgotten_readers(db, file)
        gone = sum(delete_file(db, file) for file in files)
        said = db.execute(
            "SELECT file, number FROM pieces JOIN files ON files.id = pieces.file"
            " WHERE pieces.conversation = ? AND tenant = ?",
            (conversation, tenant),
        ).fetchall()
        for file, number in said:
            db.execute(
                "UPDATE files SET size = size - (SELECT size FROM pieces WHERE file = ? AND"
                " number = ?) WHERE id = ?",
                (file, number, file),
            )
            db.execute(
                "UPDATE pieces SET size = 0, data = x'', conversation = ''"
                " WHERE file = ? AND number = ?",
                (file, number),
            )
        return gone + len(said)

    def sweep(self, now: float, abandoned: float) -> int:
        if not self._path.exists():
            return 0
        with self._database.writing() as db:
            over = [id for (id,) in db.execute(_OVER, (now, abandoned))]
            for id in over:
                delete_file(db, id)
        if over:
            self._database.wipe()
        return len(over)

    def close(self) -> None:
        self._database.close()


def put_file(db: sqlite3.Connection, row: FileRow) -> None:
    db.execute(_PUT_FILE, row)


def put_piece(db: sqlite3.Connection, file: str, piece: Piece) -> None:
    number, size, data, conversation = piece
    db.execute(_PUT_PIECE, (file, number, size, data, conversation))


def delete_file(db: sqlite3.Connection, id: str) -> int:
    """1 where there was one."""
    db.execute("DELETE FROM pieces WHERE file = ?", (id,))
    return db.execute("DELETE FROM files WHERE id = ?", (id,)).rowcount


def _forgotten_readers(db: sqlite3.Connection, file: str) -> set[str]:
    """Delete the batches that read a file; the files of their answers."""
    query = "SELECT output, errors FROM batches WHERE input = ?"
    answers = {id for row in db.execute(query, (file,)) for id in row if id}
    db.execute("DELETE FROM batches WHERE input = ?", (file,))
    return answers


def _exists(db: sqlite3.Connection, what: str, *values: str) -> bool:
    return db.execute(f"SELECT 1 FROM {what}", values).fetchone() is not None  # noqa: S608
