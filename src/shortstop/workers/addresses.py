"""Engines that the supervisor runs, as its workers see them: addresses in a file."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.errors import EngineDown
from shortstop.serving.engines.embedded import EmbeddedServer, EngineState

FILE = "engines.json"


class Address(Struct, frozen=True):
    """Where an engine listens now; `url` is None while it does not."""

    url: str | None
    api_key: str
    state: EngineState
    slots: int
    context: int


_decode = msgspec.json.Decoder(dict[str, Address]).decode


def publish(folder: Path, servers: dict[str, EmbeddedServer]) -> None:
    """Written beside and renamed, so that nobody reads half of it."""
    told = {
        name: Address(s.url, s.api_key, s.state, s.options.slots, s.options.context_per_slot)
        for name, s in servers.items()
    }
    spare = folder / f"{FILE}.new"
    spare.touch(mode=0o600)
    spare.write_bytes(msgspec.json.encode(told))
    spare.replace(folder / FILE)


class SupervisedEngine:
    """One of them. Reads the file again when it was replaced."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / FILE
        self._name = name
        self._seen = -1
        self._address = self._look()

    @property
    def url(self) -> str | None:
        return self._look().url

    @property
    def api_key(self) -> str:
        return self._look().api_key

    @property
    def state(self) -> EngineState:
        return self._look().state

    @property
    def slots(self) -> int:
        return self._address.slots

    @property
    def context_per_slot(self) -> int:
        return self._address.context

    async def start(self) -> None:
        """The supervisor's affair."""

    async def stop(self) -> None:
        """The supervisor's affair."""

    def _look(self) -> Address:
        """Raises EngineDown when the supervisor runs no engine of this name."""
        changed = self._file.stat().st_mtime_ns
        if changed != self._seen:
            found = _decode(self._file.read_bytes()).get(self._name)
            if found is None:
                raise EngineDown(f"No engine runs for the local model {self._name!r}.")
            self._address, self._seen = found, changed
        return self._address
