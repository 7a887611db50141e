"""The admin token of this machine: made at the first start, in a file that only its owner reads."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from shortstop.errors import ConfigError
from shortstop.private_files import create_file, make_folder
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


class AdminTokens:
    """The token by the variable that may hold it, which a reload can change."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self._path = path
        self._env = env
        self._known: dict[str, AdminToken] = {}

    def of(self, name: str) -> AdminToken:
        """Read or made once. Raises as `admin_token`."""
        if name not in self._known:
            self._known[name] = admin_token(self._path, self._env, name)
        return self._known[name]


def token_in(path: Path) -> str:
    """The token in the file, which is made if it is not there. Of several processes that start at
    once one makes it, and all read the same. Raises ConfigError or OSError."""
    try:
        return _read(path)
    except FileNotFoundError:
        make_folder(path.parent)
        if create_file(path, f"{PREFIX}{secrets.token_urlsafe(32)}\n".encode()):
            log.info("the admin token is in %s", path)
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
