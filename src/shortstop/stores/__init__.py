"""Everything that lasts, behind ports: the only room that speaks to databases."""

from shortstop.errors import ConfigError
from shortstop.ports.stores import Stores
from shortstop.stores.paths import Paths
from shortstop.stores.sqlite import SqliteStores
from shortstop.stores.sqlite.backup import copy_database

__all__ = ["Paths", "copy_database", "open_stores"]


def open_stores(paths: Paths) -> Stores:
    """The stores of the gateway whose files are at `paths`. Opens none of them yet. Raises
    ConfigError where PostgreSQL is asked for and nothing here speaks to it."""
    if not paths.database:
        return SqliteStores(paths)
    try:
        from shortstop.stores.postgres.stores import PostgresStores
    except ImportError as error:
        raise ConfigError(
            "`url` under [store] names a PostgreSQL database, and psycopg is not installed.",
            hint="pip install 'shortstop[postgres]', or `make postgres` in a clone.",
        ) from error
    return PostgresStores(paths.database)
