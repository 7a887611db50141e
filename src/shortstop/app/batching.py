"""Files and batches of clients: opened once, worked off beside the answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from shortstop.app.clock import CLOCK
from shortstop.batches import Batches, Files, Forwarders, Means, Runner, line_gate
from shortstop.config import Config
from shortstop.ports import Locker
from shortstop.ports.stores import Stores
from shortstop.server.gateway import Gateway
from shortstop.server.lines import LineAsker


class Batching:
    """Lives as long as the process. `config` gives the one in force."""

    def __init__(self, config: Config, stores: Stores, seal: Locker, opened: ExitStack) -> None:
        self._config: Callable[[], Config] = lambda: config
        files, batches = stores.files(), stores.batches()
        opened.callback(files.close)
        opened.callback(batches.close)
        self.files = Files(files, seal, CLOCK, self._settings)
        self.batches = Batches(batches, self.files, seal, CLOCK, self._settings)
        self.forwarders = Forwarders()
        self._runner: Runner | None = None

    def follow(self, config: Callable[[], Config]) -> None:
        """Go by what is in force from now on."""
        self._config = config

    @property
    def running(self) -> int:
        """Batches that this process works on."""
        return 0 if self._runner is None else self._runner.running

    async def keep_running(self, gateway: Gateway, counted: Callable[[bool], None]) -> None:
        """For ever; `counted` is told of every line that has an answer: whether it failed."""
        ask = LineAsker(gateway)
        means = Means(
            self.batches, ask, line_gate(), CLOCK, self._settings, counted,
            forwarders=self.forwarders,
        )  # fmt: skip
        self._runner = Runner(means)
        await self._runner.run()

    def _settings(self) -> Config:
        return self._config()
