"""A gateway that starts before its database does: it waits, and says for what."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing

from shortstop.errors import StoreError
from shortstop.stores import Paths, open_stores

log = logging.getLogger("shortstop")

PAUSE_SECONDS = 1.0
PASSES = {
    "store_unreachable", "store_slow", "store_crowded", "store_locks", "store_conflict",
    "store_read_only", "store_full",
}  # fmt: skip
"""What is over by itself some time; a wrong password is not."""


def await_database(paths: Paths, pause: Callable[[float], None] = time.sleep) -> None:
    """Return when the database can be used; at once where stores are files of this machine.

    Raises StoreError where waiting does not help, and ConfigError.
    """
    if not paths.database:
        return
    said = ""
    while True:
        try:
            with closing(open_stores(paths).accounts()):
                return
        except StoreError as error:
            if error.code not in PASSES:
                raise
            if error.code != said:
                log.warning("the gateway waits for its database: %s", error)
            said = error.code
        pause(PAUSE_SECONDS)
