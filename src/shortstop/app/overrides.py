"""Routes that somebody set by hand while the gateway ran: kept in the data folder, in force from
the next reload on, before those of the configuration.

The console and the command line set them by the same function. They are part of what `read_config`
reads, so a reload, a restart and every worker know them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import msgspec
from msgspec.structs import replace

from shortstop.app.places import data_paths
from shortstop.config import Config, RouteOverride
from shortstop.errors import ConfigError, InvalidRequest, StoreError
from shortstop.private_files import FILE, make_folder, replace_file
from shortstop.types.console import TaskRoute

ROUTES: tuple[TaskRoute, ...] = get_args(TaskRoute)
MOST = 1000
LONGEST_NAME = 200


def kept_overrides(path: Path) -> tuple[RouteOverride, ...]:
    """Raises ConfigError where the file cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[RouteOverride, ...])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"The routes that were set by hand cannot be read: {path}: {error}.",
            hint="Repair the file, or delete it: then those of the configuration hold.",
        ) from error


def with_overrides(config: Config, env: Mapping[str, str]) -> Config:
    """The configuration with what was set by hand before its own. Raises ConfigError."""
    kept = kept_overrides(data_paths(config, env).overrides)
    if not kept:
        return config
    routing = replace(config.routing, overrides=(*kept, *config.routing.overrides))
    return replace(config, routing=routing)


def set_override(path: Path, task: str, tenant: str | None, route: str) -> str:
    """From the next reload on, requests of `task` (of one tenant, or of all) go this way;
    "configured": as the configuration says. What held before, in the same words. Raises
    InvalidRequest for what cannot be, StoreError where it cannot be written."""
    if route not in ROUTES:
        raise InvalidRequest(f"A route is one of {', '.join(ROUTES)}.")
    if not task.strip() or len(task) > LONGEST_NAME or not task.isprintable():
        raise InvalidRequest(f"A task has a name of at most {LONGEST_NAME} characters.")
    try:
        make_folder(path.parent)
        with _locked(path):
            kept = kept_overrides(path)
            before = [one.route for one in kept if (one.task, one.tenant) == (task, tenant)]
            others = [one for one in kept if (one.task, one.tenant) != (task, tenant)]
            if route != "configured":
                others.append(RouteOverride(task=task, route=route, tenant=tenant))
            if len(others) > MOST:
                raise InvalidRequest(f"No more than {MOST} routes can be set by hand.")
            replace_file(path, msgspec.json.encode(others) + b"\n", flush=True)
    except OSError as error:
        raise StoreError(f"The route cannot be written: {error}.") from error
    return before[0] if before else "configured"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time, of all processes."""
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
