"""A copy of a database that is in use."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from shortstop.errors import StoreError
from shortstop.private_files import FILE
from shortstop.stores.sqlite.connect import FAILURES, READ_BUSY_SECONDS

PAGES = 2_000
"""Copied between two pauses, in which a writer has its turn."""


def copy_database(source: Path, target: Path) -> None:
    """Copy `source` to the new file `target` (0600), as it is at one moment, while others write.

    SQLite's online backup, checked afterwards. Raises StoreError.
    """
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))
        uri = f"{source.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(uri, uri=True, timeout=READ_BUSY_SECONDS)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new, pages=PAGES, sleep=0.01)
            (verdict,) = new.execute("PRAGMA quick_check(1)").fetchone()
    except FAILURES as error:
        raise StoreError(f"Cannot copy {source}: {error}.") from error
    if verdict != "ok":
        raise StoreError(f"{source} is damaged: {verdict}.")
