"""The key that content is sealed with, where the operator names none: a file made at the first
start."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.private_files import FILE, UMASK, create_file
from shortstop.traces.seal import Seal

log = logging.getLogger("shortstop")

MARK = "shortstop-content-key-1"
_LARGEST = 1 << 16
_HINT = (
    "Put your copy of it back. Or move it away: the next start makes a new one, and what was sealed"
    " with the old one stays listed, without its content."
)


def content_seal(config: TracesConfig, env: Mapping[str, str], file: Path) -> Seal:
    """What content is sealed with: the operator's key (`traces.key_env`), else that of `file`,
    which is made where there is none. What the other one sealed can be opened, too.

    Raises StoreError when the key that is needed cannot be read or made.
    """
    operators = env.get(config.key_env)
    if not operators:
        return Seal(*_read_or_made(file))
    try:
        return Seal(operators, *read_keys(file))
    except StoreError as error:
        log.warning("content sealed with the key file cannot be opened: %s", error)
        return Seal(operators)


def reading_seal(config: TracesConfig, env: Mapping[str, str], file: Path) -> Seal | None:
    """The same for who only reads: makes no key; None where there is none."""
    if env.get(config.key_env) or file.exists():
        return content_seal(config, env, file)
    return None


def describe_key(config: TracesConfig, env: Mapping[str, str], file: Path) -> str:
    """Where the key is, in a sentence. Makes none."""
    if env.get(config.key_env):
        return f"Content is sealed with the key in ${config.key_env}."
    try:
        keys = read_keys(file)
    except StoreError as error:
        return f"Content cannot be sealed: {error}"
    if not keys:
        return f"Content is sealed with a key that the first start makes in {file}."
    return f"Content is sealed with the key in {file}: keep a copy elsewhere."


def read_keys(file: Path) -> tuple[str, ...]:
    """The keys, one a line: the first seals, the others open what they sealed before. Empty where
    there is no file. Raises StoreError when it cannot be used."""
    try:
        text = _text(file)
    except FileNotFoundError:
        return ()
    except OSError as error:
        why = (
            "it is a symbolic link, which could lead to another's key"
            if error.errno == errno.ELOOP
            else (error.strerror or str(error)).lower()
        )
        raise StoreError(f"The content key {file} cannot be read: {why}.", hint=_HINT) from error
    if not text.strip():
        raise StoreError(f"The content key {file} is empty.", hint=_HINT)
    words = [line.split(" ") for line in text.splitlines()]
    keys = tuple(line[1] for line in words if len(line) > 1)
    if text != "".join(map(_line, keys)):
        raise StoreError(f"The content key {file} is damaged.", hint=_HINT)
    return keys


def _text(file: Path) -> str:
    fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as opened:
        status = os.fstat(fd)
        if status.st_uid not in (os.geteuid(), 0):
            raise PermissionError(errno.EPERM, f"it belongs to another user (uid {status.st_uid})")
        if stat.S_ISREG(status.st_mode) and status.st_mode & UMASK:
            _close_to_others(fd, file)
        return opened.read(_LARGEST).decode("ascii", "replace")


def _close_to_others(fd: int, file: Path) -> None:
    try:
        os.fchmod(fd, FILE)
    except OSError:
        log.error("the content key %s can be read by others, and that cannot be changed", file)
        return
    log.warning(
        "the content key %s could be read by others, and no longer can: if somebody may have copied"
        " it, change it (docs/privacy.md, At rest)",
        file,
    )


def _read_or_made(file: Path) -> tuple[str, ...]:
    keys = read_keys(file)
    if keys:
        return keys
    new = os.urandom(32).hex()
    try:
        made = create_file(file, _line(new).encode())
    except OSError as error:
        raise StoreError(
            f"The content key {file} cannot be made: {error.strerror or error}.",
            hint="Make the folder writable, or set the key that traces.key_env names.",
        ) from error
    if made:
        log.info("content is sealed with a new key in %s: keep a copy elsewhere", file)
        return (new,)
    return _read_or_made(file)


def _line(key: str) -> str:
    return f"{MARK} {key} {_check(key)}\n"


def _check(key: str) -> str:
    """Tells a damaged key from another one."""
    return hashlib.sha256(f"{MARK} {key}".encode()).hexdigest()[:8]
