"""Every store in a SQLite file of its own: one machine, any number of workers."""

from shortstop.stores.sqlite.reading import SqliteReports
from shortstop.stores.sqlite.stores import SqliteStores

__all__ = ["SqliteReports", "SqliteStores"]
