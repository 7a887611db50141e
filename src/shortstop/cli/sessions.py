"""What `shortstop login` got, in a file that only its owner reads: a session for each gateway."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.config.sso import GroupRole
from shortstop.errors import ConfigError
from shortstop.private_files import make_folder, replace_file


class SavedSession(Struct, frozen=True):
    """As the gateway has answered. `expires` is Unix time in seconds."""

    token: str
    expires: float
    name: str
    role: GroupRole
    tenant: str | None = None
    team: str | None = None

    @property
    def good(self) -> bool:
        return time.time() < self.expires


class SavedSessions:
    """By the gateway's address. Raises ConfigError for a file that cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, url: str) -> SavedSession | None:
        """The one that is still good."""
        found = self.all().get(url)
        return found if found is not None and found.good else None

    def all(self) -> dict[str, SavedSession]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, SavedSession])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(
                f"{self._path} cannot be read ({type(error).__name__}).",
                hint="Remove it and say `shortstop login` again.",
            ) from None

    def keep(self, url: str, session: SavedSession) -> None:
        self._write({**self.all(), url: session})

    def drop(self, url: str) -> SavedSession | None:
        """The one that was there."""
        known = self.all()
        dropped = known.pop(url, None)
        if dropped is not None:
            self._write(known)
        return dropped

    def _write(self, sessions: dict[str, SavedSession]) -> None:
        good = {url: one for url, one in sessions.items() if one.good}
        make_folder(self._path.parent)
        replace_file(self._path, msgspec.json.encode(good))
