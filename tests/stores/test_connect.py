"""One way to a file: modes, waiting, transactions, and failures in words that say what to do."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from shortstop.errors import StoreError, StoreUnavailable
from shortstop.stores.sqlite.connect import (
    Database,
    FileKind,
    connect,
    connect_read_only,
    is_fault_of_file,
)


def m001_things(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE things (name TEXT PRIMARY KEY, n INTEGER NOT NULL)")


KIND = FileKind("things", (m001_things,), busy_seconds=0.05, hint="Look for them.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "things.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(Database(path, KIND)) as database:
        yield database


@pytest.fixture
def lock(path: Path, database: Database) -> Iterator[sqlite3.Connection]:
    database.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def put(database: Database, name: str, n: int = 0) -> None:
    with database.writing() as db:
        db.execute("INSERT INTO things VALUES (?, ?)", (name, n))


def names(database: Database) -> list[str]:
    with database.reading() as db:
        return [name for (name,) in db.execute("SELECT name FROM things ORDER BY name")]


def test_only_the_owner_may_read_a_new_file_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "things.db"
    connect(path, KIND).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_there_is_its_owners_alone_from_then_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.touch(mode=0o640)
    path.chmod(0o640)
    with closing(connect(path, KIND)) as db:
        db.execute("INSERT INTO things (name, n) VALUES ('x', 1)")
        files = list(path.parent.glob(f"{path.name}*"))
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert len(files) == 3, "with its write-ahead log"
    assert str(path) in caplog.text


def test_pragmas_are_set_in_their_order_on_every_connection(path: Path) -> None:
    kind = replace(KIND, pragmas=("page_size = 8192", "journal_mode = WAL", "synchronous = FULL"))
    for _ in range(2):
        with closing(connect(path, kind)) as db:
            found = [
                db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_size", "journal_mode", "synchronous")
            ]
            assert found == [8192, "wal", 2]


def test_nothing_is_opened_before_it_is_used(path: Path, database: Database) -> None:
    assert not path.exists()
    assert names(database) == []
    assert path.exists()


def test_what_was_deleted_leaves_the_log_though_another_moves_it_just_then(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(path, replace(KIND, busy_seconds=5.0))
    put(database, "secret")
    truncate, tries = database._wiped, iter((False, False))
    monkeypatch.setattr(database, "_wiped", lambda: next(tries, None) is None and truncate())
    database.wipe()
    assert path.with_name(f"{path.name}-wal").stat().st_size == 0


def test_who_reads_the_log_for_longer_is_named(path: Path, database: Database) -> None:
    put(database, "secret")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM things").fetchall()
        put(database, "later")
        with pytest.raises(StoreUnavailable, match="write-ahead log"):
            database.wipe()


def test_a_transaction_happens_wholly_or_not_at_all(database: Database) -> None:
    def half(error: Exception | None) -> None:
        with database.writing() as db:
            db.execute("INSERT INTO things VALUES ('a', 1)")
            if error is not None:
                raise error
            db.execute("INSERT INTO things VALUES ('a', 1)")

    with pytest.raises(KeyError):
        half(KeyError("half-way"))
    with pytest.raises(StoreError, match="UNIQUE"):
        half(None)
    put(database, "c")
    assert names(database) == ["c"]


def test_threads_take_turns(path: Path) -> None:
    database = Database(path, replace(KIND, busy_seconds=5.0))
    put(database, "counter")

    def count() -> None:
        for _ in range(100):
            with database.writing() as db:
                (n,) = db.execute("SELECT n FROM things").fetchone()
                db.execute("UPDATE things SET n = ?", (n + 1,))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as db:
        assert db.execute("SELECT n FROM things").fetchone() == (400,)
    database.close()


# ---------------------------------------------------------------- failures


def test_a_lock_is_waited_for_as_long_as_the_kind_says(
    database: Database, lock: sqlite3.Connection
) -> None:
    with pytest.raises(
        StoreUnavailable, match=r"The things in .*things.db cannot be used now"
    ) as e:
        put(database, "a")
    assert (e.value.status, e.value.retry_after, e.value.hint) == (503, 1.0, "Look for them.")
    lock.execute("ROLLBACK")
    put(database, "a")
    assert names(database) == ["a"]


def test_readers_do_not_wait_for_a_writer(
    path: Path, database: Database, lock: sqlite3.Connection
) -> None:
    lock.execute("INSERT INTO things VALUES ('uncommitted', 1)")
    assert names(database) == []
    with closing(connect_read_only(path, KIND, busy_seconds=0.0)) as db:
        assert db.execute("SELECT count(*) FROM things").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("DELETE FROM things")


def test_a_folder_that_is_a_file_may_heal(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = Database(tmp_path / "file" / "things.db", KIND)
    with pytest.raises(StoreUnavailable, match="cannot be used now"):
        database.open()
    (tmp_path / "file").unlink()
    put(database, "a")
    database.close()


def test_a_damaged_file_will_not_heal(path: Path) -> None:
    path.write_bytes(b"this was a database once, in another life " * 50)
    with pytest.raises(StoreError, match="not a usable SQLite database") as e:
        Database(path, KIND).open()
    assert not isinstance(e.value, StoreUnavailable)
    assert "Move it away" in e.value.hint


def test_a_closed_database_stays_closed(database: Database) -> None:
    put(database, "a")
    database.close()
    for use in (database.reading, database.writing):
        with pytest.raises(StoreError, match="closed"), use():
            pass


def test_a_file_that_was_replaced_is_opened_again(path: Path, database: Database) -> None:
    put(database, "old")
    for file in path.parent.iterdir():
        file.unlink()
    database.reconnect()
    put(database, "new")
    assert names(database) == ["new"]


def test_what_cannot_be_read_is_said(tmp_path: Path, path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        connect_read_only(path, KIND)
    path.write_bytes(b"no database " * 500)
    with pytest.raises(StoreError, match="Cannot read"):
        connect_read_only(path, KIND)
    blank = tmp_path / "blank.db"
    blank.touch()
    with pytest.raises(StoreError, match=r"version 0, not 1.*brings the file up to date"):
        connect_read_only(blank, KIND)


@pytest.mark.parametrize(
    ("error", "files"),
    [
        (sqlite3.OperationalError("disk full"), True),
        (sqlite3.DatabaseError("malformed"), True),
        (sqlite3.InternalError("?"), True),
        (sqlite3.IntegrityError("taken"), False),
        (sqlite3.DataError("too big"), False),
        (OverflowError("too large to convert"), False),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "?"), False),
    ],
)
def test_values_are_told_from_files_at_fault(error: Exception, files: bool) -> None:
    assert is_fault_of_file(error) is files
