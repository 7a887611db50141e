"""Engines that the supervisor runs, as its workers see them: addresses in a file."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.errors import EngineDown
from shortstop.private_files import replace_file
from shortstop.serving.engines.embedded import EmbeddedServer, EngineState

FILE = "engines.json"


class Address(Struct, frozen=True):
    """Where an engine listens now; `url` is None while it does not. `context` is in tokens per
    slot."""

    url: str | None
    api_key: str
    state: EngineState
    slots: int
    context: int


_decode = msgspec.json.Decoder(dict[str, Address]).decode


def publish(folder: Path, servers: dict[str, EmbeddedServer]) -> None:
    """Write the addresses of all engines, in one step: no worker reads half of them."""
    addresses = {
        name: Address(s.url, s.api_key, s.state, s.options.slots, s.options.context_per_slot)
        for name, s in servers.items()
    }
    replace_file(folder / FILE, msgspec.json.encode(addresses))


class SupervisedEngine:
    """One engine of the supervisor's. Reads the file again when it was replaced.

    Raises EngineDown, at first and from `url`, `api_key` and `state`, when the supervisor runs no
    engine of this name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / FILE
        self._name = name
        self._version = (-1, -1)
        self._address = self._current()

    @property
    def url(self) -> str | None:
        return self._current().url

    @property
    def api_key(self) -> str:
        return self._current().api_key

    @property
    def state(self) -> EngineState:
        return self._current().state

    @property
    def slots(self) -> int:
        return self._address.slots

    @property
    def context_per_slot(self) -> int:
        return self._address.context

    async def start(self) -> None:
        """The supervisor does that."""

    async def stop(self) -> None:
        """The supervisor does that."""

    def _current(self) -> Address:
        """Raises EngineDown when the supervisor runs no engine of this name."""
        stat = self._file.stat()
        version = stat.st_mtime_ns, stat.st_ino
        if version != self._version:
            address = _decode(self._file.read_bytes()).get(self._name)
            if address is None:
                raise EngineDown(f"No engine runs for the local model {self._name!r}.")
            self._address, self._version = address, version
        return self._address
