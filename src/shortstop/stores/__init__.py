"""Everything that lasts, behind ports: the only room that speaks to databases."""

from shortstop.ports.stores import Stores
from shortstop.stores.paths import Paths
from shortstop.stores.sqlite import SqliteStores
from shortstop.stores.sqlite.backup import copy_database

__all__ = ["Paths", "copy_database", "open_stores"]


def open_stores(paths: Paths) -> Stores:
    """The stores of the gateway whose files are at `paths`. Opens none of them yet."""
    return SqliteStores(paths)
