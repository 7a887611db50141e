"""The admin token of this machine: made at the first start, in a file that only its owner reads."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from shortstop.errors import ConfigError
from shortstop.server.gateway import AdminToken

log = logging.getLogger("shortstop")

PREFIX = "ss-admin-"
SHORTEST = 32
"""Characters of a token that was made here; a shorter file is not one."""


def admin_token(path: Path, env: Mapping[str, str], name: str) -> AdminToken:
    """The operator's own from the environment variable `name`, else the one in `path`.

    Raises ConfigError when the file is no token of ours.
    """
    secret = env.get(name, "").strip()
    if secret:
        return AdminToken(secret, everywhere=True, place=f"the variable {name} of its environment")
    return AdminToken(
        token_in(path), everywhere=False, place=f"the file {path.name} in its data folder"
    )


def token_in(path: Path) -> str:
    """The token in the file, which is made if it is not there. Of several processes that start at
    once one makes it, and all read the same. Raises ConfigError or OSError."""
    try:
        return _read(path)
    except FileNotFoundError:
        _create(path, PREFIX + secrets.token_urlsafe(32))
    return _read(path)


def shown_token(path: Path, env: Mapping[str, str], name: str) -> str:
    """What a command shows the gateway whose token is in `path`, unless `name` in the environment
    says otherwise. Makes none. Raises ConfigError."""
    secret = env.get(name, "").strip()
    if secret:
        return secret
    try:
        return _read(path)
    except FileNotFoundError:
        raise ConfigError(
            f"There is no admin token at {path}.",
            hint="The gateway makes it at its first start. Has it another data folder?",
        ) from None


def _create(path: Path, token: str) -> None:
    """Whole or not at all, and never over another one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> str:
    """Raises FileNotFoundError, and ConfigError for a file that is another user's or no token."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if status.st_uid not in (os.geteuid(), 0):
            raise _unfit(path, "belongs to another user")
        if stat.S_IMODE(status.st_mode) & 0o077:
            log.warning("%s could be read by others; it no longer can", path)
            os.fchmod(file.fileno(), 0o600)
        token = file.read(1024).strip()
    if len(token) < SHORTEST or not token.isascii():
        raise _unfit(path, "holds no admin token")
    return token


def _unfit(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} {why}.", hint="Remove it and start the gateway again: a new one is made."
    )
