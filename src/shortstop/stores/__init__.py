"""Everything that lasts, behind ports: the only room that speaks to databases."""

from importlib.util import find_spec

from shortstop.errors import ConfigError
from shortstop.ports.stores import Stores
from shortstop.stores.paths import Paths
from shortstop.stores.sqlite import SqliteStores
from shortstop.stores.sqlite.backup import copy_database

__all__ = ["Paths", "copy_database", "open_stores", "require_postgres"]


def open_stores(paths: Paths) -> Stores:
    """The stores of the gateway whose files are at `paths`. Opens none of them yet. Raises
    ConfigError where PostgreSQL is asked for and nothing here speaks to it."""
    if not paths.database:
        return SqliteStores(paths)
    require_postgres()
    from shortstop.stores.postgres.stores import ReplicaStores

    return ReplicaStores(paths.database, SqliteStores(paths))


def require_postgres() -> None:
    """Raises ConfigError where the extra is not installed."""
    if find_spec("psycopg") is None:
        raise ConfigError(
            "`url` under [store] names a PostgreSQL database, and psycopg is not installed.",
            hint="pip install 'shortstop[postgres]', or `make postgres` in a clone.",
        )
