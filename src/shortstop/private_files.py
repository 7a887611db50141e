"""Files and folders that their owner alone can read, from the first byte on, whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from shortstop.errors import ConfigError

log = logging.getLogger("shortstop")

UMASK = 0o077
"""For a process all of whose files are its owner's alone."""
FILE, FOLDER = 0o600, 0o700


def make_folder(path: Path) -> None:
    """The folder and its missing parents, 0700. Raises OSError."""
    if path.is_dir():
        return
    if not path.parent.exists():
        make_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    path.chmod(FOLDER)


def replace_file(path: Path, data: bytes, *, flush: bool = False) -> None:
    """Write `data` in one step: whoever reads finds the old file or the new one. With `flush` it
    outlives a power cut. Raises OSError."""
    draft = _draft(path, data, flush=flush)
    try:
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def create_file(path: Path, data: bytes) -> bool:
    """Write `data` where there is no file yet, whole or not at all; False where there is one.

    Of several processes one makes the file. It outlives a power cut. Raises OSError.
    """
    draft = _draft(path, data, flush=True)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        return _created_in_place(path, data)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _created_in_place(path: Path, data: bytes) -> bool:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE)
    except FileExistsError:
        return False
    _write(fd, data, flush=True)
    return True


def _draft(path: Path, data: bytes, *, flush: bool = False) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE)
    except OSError as error:
        error.filename = str(path)  # nobody knows the draft
        raise
    try:
        _write(fd, data, flush=flush)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _write(fd: int, data: bytes, *, flush: bool) -> None:
    with open(fd, "wb") as file:
        os.fchmod(fd, FILE)
        file.write(data)
        if flush:
            file.flush()
            os.fsync(fd)


# ---------------------------------------------------------------- what is there already


def require_own(folder: Path) -> None:
    """Raises ConfigError when a folder, or the link that leads to it, belongs to another user.

    Whoever owns it could read what is written there, or put another key in its place. Root may own
    it: a mounted volume's is root's, and root reads everything anyway.
    """
    for status in (folder.lstat(), folder.stat()):
        if status.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
            raise ConfigError(
                f"The data folder {folder} belongs to another user (uid {status.st_uid}).",
                hint="Give the gateway a folder of its own: `data_dir`, or $SHORTSTOP_HOME.",
            )


def tighten(paths: Iterable[Path]) -> None:
    """Take everybody else's rights from these files and folders, and log that there were some.

    Links are left alone: what they lead to is not ours to change.
    """
    loose: list[Path] = []
    stuck: list[Path] = []
    for path in paths:
        with suppress(FileNotFoundError):
            status = path.lstat()
            if not stat.S_ISLNK(status.st_mode) and status.st_mode & UMASK:
                closed = _closed(path, stat.S_IMODE(status.st_mode))
                (loose if closed else stuck).append(path)
    if loose:
        log.warning(
            "files: others had rights to %s; taken away now (what was in there may have been read)",
            _named(loose),
        )
    if stuck:
        log.warning("files: others have rights to %s, and they cannot be taken away", _named(stuck))


def _closed(path: Path, mode: int) -> bool:
    try:
        path.chmod(mode & ~UMASK)
    except OSError:
        return False
    return True


def all_in(folder: Path) -> Iterator[Path]:
    """The folder and everything below it, links not followed; nothing where there is none."""
    if folder.is_dir() and not folder.is_symlink():
        yield folder
        for place, names, files in os.walk(folder):
            yield from (Path(place, name) for name in (*names, *files))


def _named(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"
