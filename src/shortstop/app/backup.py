"""A copy of the data folder, made beside a running gateway.

The journal is copied before the databases: a row that moves from one to the other meanwhile is in
both, and is taken in once (rows have ids). So no acknowledged row is missing. The lake comes last:
what a row of the copy names is there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from shortstop.errors import ConfigError, StoreError
from shortstop.private_files import FILE, make_folder, replace_file
from shortstop.stores import Paths, copy_database
from shortstop.traces.lake_files import LakeFiles

FETCHED = frozenset(["models", "encoders"])
"""Folders that `shortstop pull` fills again."""
OF_PROCESSES = frozenset(["owners"])
BESIDE = ("-wal", "-shm", "-journal", ".tmp", ".lock")
"""How the names of files end that belong to a process or to a database's file."""
LAKE = "lake"
"""The folder of the copy for files that lie outside the data folder."""


def back_up(
    paths: Paths, folder: Path, copied: Callable[[str, int], None], lake: LakeFiles | None = None
) -> None:
    """Copy the files that `paths` names, and those of a lake, to `folder`, which is whole or not
    there; `copied` is told of each file and its bytes. Raises ConfigError where it cannot be begun,
    StoreError where it fails."""
    if not paths.home.is_dir():
        raise ConfigError(f"There is no data folder {paths.home}: nothing to copy.")
    if lake is not None:
        _require(lake)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is there already.", hint="Name a new or an empty folder.")
    if folder.resolve().is_relative_to(paths.home.resolve()):
        raise ConfigError("A copy inside the data folder would be in the next copy.")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        make_folder(draft)
        for source, name in _in_order(paths):
            if _copy(source, draft / name):
                copied(name, (draft / name).stat().st_size)
        if lake is not None:
            _copy_lake(lake, draft, copied)
        draft.replace(folder)
    except OSError as error:
        raise StoreError(f"Cannot write {error.filename or folder}: {error.strerror}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def lake_outside(paths: Paths, folder: str | None) -> str | None:
    """The lake's folder or bucket, where the data folder does not hold it."""
    if folder is None or Path(folder).resolve().is_relative_to(paths.home.resolve()):
        return None
    return folder


def _require(lake: LakeFiles) -> None:
    try:
        next(lake.all(), None)
    except OSError as error:
        raise ConfigError(
            f"The files of [traces.lake] cannot be copied: {error}.",
            hint="Mount or reach it, or do without --lake.",
        ) from error


def _copy_lake(lake: LakeFiles, folder: Path, copied: Callable[[str, int], None]) -> None:
    for name, data in _files_of(lake):
        make_folder((folder / name).parent)
        replace_file(folder / name, data)
        copied(name, len(data))


def _files_of(lake: LakeFiles) -> Iterator[tuple[str, bytes]]:
    """Where in the copy each file goes, and what it holds. Raises StoreError."""
    try:
        for name in lake.all():
            with suppress(FileNotFoundError):  # its day was over, or all of it was erased
                yield f"{LAKE}/{name}", lake.read(name)
    except OSError as error:
        raise StoreError(f"The files of [traces.lake] cannot be copied: {error}.") from error


def _in_order(paths: Paths) -> Iterator[tuple[Path, str]]:
    """Files to copy, and where in the copy they go: the journal first."""
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
