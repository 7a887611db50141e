"""What is told of requests beside their rows: Prometheus always, OpenTelemetry where it is on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping

from shortstop.app.otel import open_otel, peers_of
from shortstop.config import Config
from shortstop.pipeline.record import Bookkeeping
from shortstop.ports import Observer
from shortstop.telemetry.metrics import Later, Metrics
from shortstop.traces import Redact
from shortstop.types import Target


class Telemetry:
    """Lives as long as the process. Raises ConfigError for a collector that cannot be used."""

    def __init__(
        self, config: Config, env: Mapping[str, str], redact: Redact, later: Later
    ) -> None:
        self.metrics = Metrics(later)
        self.otel = open_otel(config, env, redact)

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Of every row, of shadow runs as well."""
        otel = self.otel
        return self.metrics.observe, *([otel.exporter.observe] if otel is not None else [])

    def follow(
        self, config: Callable[[], Config], targets: Callable[[], Mapping[str, Target]]
    ) -> None:
        """Who targets are: both give what is in force."""
        if self.otel is not None:
            self.otel.peers = peers_of(config, targets)

    def joined(self, books: Bookkeeping) -> Bookkeeping:
        """Books whose requests take part in their callers' traces."""
        if self.otel is not None:
            books.join = self.otel.join
        return books

    def chores(self) -> Iterator[Coroutine[None, None, None]]:
        if self.otel is not None:
            yield self.otel.exporter.keep_exporting()

    async def close(self) -> None:
        """What waits for a collector is sent once more."""
        if self.otel is not None:
            await self.otel.exporter.close()
