"""An API key in a file that somebody renews, as tokens of an hour and mounted secrets are."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from shortstop.config import api_key
from shortstop.dialects import Vendor
from shortstop.errors import ConfigError

log = logging.getLogger(__name__)

LARGEST = 1 << 16
"""Bytes of a key's file."""


class KeyFile:
    """Read again whenever the file is another one. A new one that cannot be used changes nothing.

    Raises ConfigError, which does not show the key, where there is none to begin with.
    """

    def __init__(self, path: str, vendor: Vendor) -> None:
        self._path = Path(path).expanduser()
        self._vendor = vendor
        self._state = self._look()
        self._headers = self._read()

    def headers(self) -> Mapping[str, str]:
        """The header that presents the key, as the file holds it now."""
        state = self._look()
        if state != self._state:
            self._state = state
            try:
                self._headers = self._read()
            except ConfigError as error:
                log.warning("%s The old key is used on.", error.message)
        return self._headers

    def _look(self) -> tuple[int, ...]:
        try:
            file = os.stat(self._path)
        except OSError:
            return ()
        return file.st_mtime_ns, file.st_size, file.st_ino

    def _read(self) -> Mapping[str, str]:
        try:
            with self._path.open("rb") as file:
                text = file.read(LARGEST).decode("ascii", "replace")
        except OSError as error:
            raise ConfigError(
                f"`api_key_file`: cannot read {self._path}: {error.strerror}.",
                hint="Name a file that this user may read.",
            ) from error
        key = api_key({str(self._path): text}, str(self._path))
        if key is None:
            raise ConfigError(
                f"`api_key_file`: {self._path} is empty.", hint="Write the key to it."
            )
        return self._vendor.key(key)
