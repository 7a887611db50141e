"""A copy of the data folder, made beside a running gateway.

The journal is copied before the databases: a row that moves from one to the other meanwhile is in
both, and is taken in once (rows have ids). So no acknowledged row is missing. The lake comes last:
what a row of the copy names is there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from shortstop.errors import ConfigError, StoreError
from shortstop.private_files import FILE, make_folder
from shortstop.stores import Paths, copy_database

FETCHED = frozenset(["models", "encoders"])
"""Folders that `shortstop pull` fills again."""
OF_PROCESSES = frozenset(["owners"])
BESIDE = ("-wal", "-shm", "-journal", ".tmp", ".lock")
"""How the names of files end that belong to a process or to a database's file."""
LAKE = "lake"
"""The folder of the copy for files that lie outside the data folder."""


def back_up(
    paths: Paths, folder: Path, copied: Callable[[str, int], None], lake: Path | None = None
) -> None:
    """Copy the files that `paths` names, and those of a lake, to `folder`, which is whole or not
    there; `copied` is told of each file and its bytes. Raises ConfigError where it cannot be begun,
    StoreError where it fails."""
    if not paths.home.is_dir():
        raise ConfigError(f"There is no data folder {paths.home}: nothing to copy.")
    if lake is not None and not lake.is_dir():
        raise ConfigError(
            f"There is no folder {lake} ([traces.lake]).", hint="Mount it, or do without --lake."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is there already.", hint="Name a new or an empty folder.")
    if folder.resolve().is_relative_to(paths.home.resolve()):
        raise ConfigError("A copy inside the data folder would be in the next copy.")
    if lake is not None and folder.resolve().is_relative_to(lake.resolve()):
        raise ConfigError("A copy inside the lake would be in the next copy.")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        make_folder(draft)
        for source, name in _in_order(paths, lake):
            if _copy(source, draft / name):
                copied(name, (draft / name).stat().st_size)
        draft.replace(folder)
    except OSError as error:
        raise StoreError(f"Cannot write {error.filename or folder}: {error.strerror}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def lake_outside(paths: Paths, folder: str | None) -> Path | None:
    """The lake's folder, where the data folder does not hold it."""
    if folder is None or Path(folder).resolve().is_relative_to(paths.home.resolve()):
        return None
    return Path(folder)


def _in_order(paths: Paths, lake: Path | None) -> Iterator[tuple[Path, str]]:
    """Files to copy, and where in the copy they go: the journal first, the lake last."""
    for path in _files(paths.journal):
        yield path, f"{paths.journal.name}/{path.relative_to(paths.journal)}"
    if paths.traces.is_file():
        yield paths.traces, paths.traces.name
    for path in _files(paths.home):
        inside = path.relative_to(paths.home)
        if inside.parts[0] in FETCHED | OF_PROCESSES or paths.journal in path.parents:
            continue
        if path != paths.traces:
            yield path, str(inside)
    if lake is not None:
        for path in _files(lake):
            yield path, f"{LAKE}/{path.relative_to(lake)}"


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.endswith(BESIDE):
            yield path


def _copy(source: Path, target: Path) -> bool:
    """False where it is gone meanwhile, as a part of the journal that the database has taken in."""
    make_folder(target.parent)
    if source.suffix == ".db":
        copy_database(source, target)
        return True
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        return False
    target.chmod(FILE)
    return True
