"""Takes finished rows off the hot path and brings them to a collector, batch by batch.

`observe` puts a row into a bounded list and returns. One task beside the street writes spans and
counts metrics in a thread, and sends them. What the collector is not ready for waits, in bounded
memory; what it cannot take, or what there is no room for, is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.config import OtelConfig
from shortstop.errors import ShortstopError, UpstreamTimeout
from shortstop.faults import contained
from shortstop.ports import Clock
from shortstop.telemetry.otel import spans
from shortstop.telemetry.otel.instruments import Instruments
from shortstop.telemetry.otel.spans import Content, Peers
from shortstop.telemetry.otel.wire import Envelope
from shortstop.types import Choice, Trace

log = logging.getLogger("shortstop")

TRACES, METRICS = "/v1/traces", "/v1/metrics"
BATCH = 512
"""Requests whose spans are sent at once, and after how many new ones that is done early."""
BATCH_BYTES = 4_000_000
RETRYABLE = frozenset([429, 502, 503, 504])
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
LONGEST_ADVICE = 300.0
"""Seconds to wait before the next try, and the most that a collector may ask for."""
FAREWELL_SECONDS = 3.0
"""For the last delivery of a gateway that stops."""


class Delivered(Protocol):
    """A collector's answer. `retry_after` in seconds; None: it says nothing of it."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...

    @property
    def retry_after(self) -> float | None: ...


class CollectorClient(Protocol):
    """The way to a collector."""

    def post(self, path: str, body: bytes) -> Awaitable[Delivered]:
        """Raises ShortstopError where there is no answer."""

    async def close(self) -> None: ...


class _Ready(NamedTuple):
    """The spans of one request: as JSON, and how many."""

    data: bytes
    spans: int


class _PartialSuccess(Struct, rename="camel"):
    rejected_spans: int | str = 0
    rejected_data_points: int | str = 0
    error_message: str = ""


class _ExportAnswer(Struct, rename="camel"):
    partial_success: _PartialSuccess | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Spans that wait, that arrived, and that were lost."""

    pending: int = 0
    sent: int = 0
    dropped: int = 0


class Exporter:
    """`observe` is a ports.Observer. `peers` says who a target is, `content` what of a request may
    be told."""

    def __init__(
        self,
        config: OtelConfig,
        client: CollectorClient,
        envelope: Envelope,
        clock: Clock,
        peers: Peers,
        content: Content | None = None,
    ) -> None:
        self._config = config
        self._client = client
        self._envelope = envelope
        self._clock = clock
        self._peers = peers
        self._content = content
        self._instruments = Instruments(peers, clock.time())
        self._fresh: list[Trace] = []
        self._ready: deque[_Ready] = deque()
        self._bytes = 0
        self._most_bytes = int(config.queue_mb * 1_000_000)
        self._due = asyncio.Event()
        self._failures = 0
        self._not_before = self._metrics_at = clock.monotonic()
        self._troubled: set[str] = set()
        self._sent = self._dropped = 0

    @property
    def account(self) -> Account:
        waiting = sum(one.spans for one in self._ready) + sum(map(self._count, self._fresh))
        return Account(waiting, self._sent, self._dropped)

    def _count(self, trace: Trace) -> int:
        return spans.count(trace) if "traces" in self._config.signals else 0

    def observe(self, trace: Trace) -> None:
        if len(self._fresh) >= self._config.queue:
            self._dropped += self._count(trace)
            return
        self._fresh.append(trace if self._content is not None else _emptied(trace))
        if len(self._fresh) == BATCH:
            self._due.set()

    async def keep_exporting(self) -> None:
        """For ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._config.interval_seconds):
                    await self._due.wait()
            self._due.clear()
            with contained("an export of telemetry"):
                await self.deliver()

    async def deliver(self) -> None:
        """Write down what is new and send what is due."""
        await self._write()
        await self._send_spans()
        now = self._clock.monotonic()
        wanted = "metrics" in self._config.signals
        if wanted and now >= self._metrics_at and now >= self._not_before:
            await self._send_metrics(now)

    async def close(self) -> None:
        """One last delivery, for which nobody waits long. What does not arrive is lost."""
        self._not_before = self._metrics_at = self._clock.monotonic()
        with contained("the last export of telemetry"), suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self.deliver()
        lost = self.account.pending
        if lost:
            log.warning("telemetry: %d spans did not reach the collector", lost)
        await self._client.close()

    # ------------------------------------------------------------ writing

    async def _write(self) -> None:
        fresh, self._fresh = self._fresh, []
        if not fresh:
            return
        for one in await asyncio.to_thread(self._written, fresh):
            if not one.data or self._bytes + len(one.data) > self._most_bytes:
                self._dropped += one.spans
                continue
            self._ready.append(one)
            self._bytes += len(one.data)

    def _written(self, fresh: list[Trace]) -> list[_Ready]:
        """In a thread; nothing else touches the instruments."""
        ready = []
        for trace in fresh:
            with contained("telemetry's metrics"):
                self._instruments.record(trace)
            expected = self._count(trace)
            if not expected:
                continue
            data = b""
            with contained("the spans of a request"):
                data = spans.written(trace, self._peers, self._content or spans.no_content)
            ready.append(_Ready(data, expected))
        return ready

    # ------------------------------------------------------------ sending

    async def _send_spans(self) -> None:
        while self._ready and self._clock.monotonic() >= self._not_before:
            batch = self._batch()
            count = sum(one.spans for one in batch)
            body = self._envelope.traces([one.data for one in batch])
            refused = await self._posted(TRACES, body, count)
            if refused is None:
                return
            for one in batch:
                self._ready.popleft()
                self._bytes -= len(one.data)
            self._dropped += refused
            self._sent += count - refused

    def _batch(self) -> list[_Ready]:
        batch: list[_Ready] = []
        size = 0
        for one in self._ready:
            if batch and (len(batch) == BATCH or size + len(one.data) > BATCH_BYTES):
                break
            batch.append(one)
            size += len(one.data)
        return batch

    async def _send_metrics(self, now: float) -> None:
        """They are cumulative: what does not arrive now is in the next ones."""
        metrics = await asyncio.to_thread(self._instruments.written, self._clock.time())
        if metrics:
            self._metrics_at = now + self._config.metrics_seconds
            await self._posted(METRICS, self._envelope.metrics(metrics), len(metrics))

    async def _posted(self, path: str, body: bytes, count: int) -> int | None:
        """How many of the `count` things the collector refuses for good; None where the same is to
        be sent again later."""
        try:
            answer = await self._client.post(path, body)
        except ShortstopError as error:
            self._wait(path, None, _reason(error))
            return None
        if answer.status in RETRYABLE:
            self._wait(path, answer.retry_after, f"status {answer.status}")
            return None
        self._failures = 0
        refused = count if answer.status != 200 else min(count, _refused(answer))
        if refused:
            self._trouble(path, f"{refused} of {count} refused, status {answer.status}")
        elif path in self._troubled:
            self._troubled.remove(path)
            log.info("telemetry: the collector takes %s again", path)
        return refused

    def _wait(self, path: str, advice: float | None, why: str) -> None:
        self._failures += 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10))
        pause *= 0.5 + random.random() / 2
        if advice is not None:
            pause = min(LONGEST_ADVICE, advice)
        self._not_before = self._clock.monotonic() + pause
        self._trouble(path, f"{why}; what waits is sent again")

    def _trouble(self, path: str, why: str) -> None:
        """Said once, until everything is well again."""
        if path not in self._troubled:
            self._troubled.add(path)
            log.warning("telemetry: the collector does not take %s: %s", path, why)


def _reason(error: ShortstopError) -> str:
    return "no answer in time" if isinstance(error, UpstreamTimeout) else "not reached"


def _refused(answer: Delivered) -> int:
    """Of a delivery that was taken, how much was not."""
    with suppress(msgspec.DecodeError, ValueError):
        told = msgspec.json.decode(answer.body or b"{}", type=_ExportAnswer).partial_success
        if told is not None:
            return max(0, int(told.rejected_spans), int(told.rejected_data_points))
    return 0


def _emptied(trace: Trace) -> Trace:
    """Without content, which would be held for as long as it waits: why its answer ended stays."""
    ends = tuple(Choice(finish=choice.finish) for choice in trace.response or ())
    return replace(trace, request=None, response=ends)
