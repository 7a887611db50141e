"""OpenTelemetry's metrics of generative AI, counted from finished rows: every one, sampled or not.

Histograms with the boundaries that the conventions (1.44) ask for, cumulative since the start.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from shortstop.telemetry.otel.spans import BROKEN, GATEWAY, Peers, operation
from shortstop.telemetry.otel.wire import CUMULATIVE, Value, attributes, encode, nanoseconds
from shortstop.types import Attempt, Trace

DURATIONS = tuple(0.01 * 2**n for n in range(14))
"""Seconds: 0.01 to 81.92."""
FIRST_TOKENS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
TOKENS = tuple(float(4**n) for n in range(14))
MOST_SERIES = 2000
"""Of one histogram, as OpenTelemetry bounds them; what is beyond is counted together."""
OVERFLOW: Mapping[str, Value] = {"otel.metric.overflow": True}


class DataPoint:
    """One histogram's values under one set of attributes."""

    __slots__ = ("attributes", "buckets", "highest", "lowest", "total")

    def __init__(self, told: Mapping[str, Value], bounds: tuple[float, ...]) -> None:
        self.attributes = attributes(told)
        self.buckets = [0] * (len(bounds) + 1)
        self.total = 0.0
        self.lowest, self.highest = float("inf"), float("-inf")


class Distribution:
    """An explicit-bucket histogram: a bucket holds what is at most its boundary."""

    def __init__(self, name: str, unit: str, help: str, bounds: tuple[float, ...]) -> None:
        self._head = {"name": name, "unit": unit, "description": help}
        self._bounds = bounds
        self._series: dict[tuple[tuple[str, Value], ...], DataPoint] = {}

    def record(self, value: float, told: Mapping[str, Value]) -> None:
        key = tuple(told.items())
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= MOST_SERIES:
                told, key = OVERFLOW, tuple(OVERFLOW.items())
            series = self._series.setdefault(key, DataPoint(told, self._bounds))
        series.buckets[bisect_left(self._bounds, value)] += 1
        series.total += value
        series.lowest = min(series.lowest, value)
        series.highest = max(series.highest, value)

    def written(self, since: str, now: str) -> bytes | None:
        """The metric as JSON; None while there is nothing."""
        points = [self._point(series, since, now) for series in self._series.values()]
        if not points:
            return None
        histogram = {"aggregationTemporality": CUMULATIVE, "dataPoints": points}
        return encode({**self._head, "histogram": histogram})

    def _point(self, series: DataPoint, since: str, now: str) -> dict[str, Any]:
        return {
            "attributes": series.attributes,
            "startTimeUnixNano": since,
            "timeUnixNano": now,
            "count": str(sum(series.buckets)),
            "sum": series.total,
            "bucketCounts": [str(count) for count in series.buckets],
            "explicitBounds": self._bounds,
            "min": series.lowest,
            "max": series.highest,
        }


class Instruments:
    """`peers` says who a target is, `began` is when counting began, in Unix time."""

    def __init__(self, peers: Peers, began: float) -> None:
        self._peers = peers
        self._since = nanoseconds(began)
        self._duration = Distribution(
            "gen_ai.client.operation.duration", "s", "GenAI operation duration.", DURATIONS
        )
        self._first_chunk = Distribution(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time to receive the first chunk of a stream.",
            DURATIONS,
        )
        self._tokens = Distribution(
            "gen_ai.client.token.usage", "{token}", "Number of input and output tokens.", TOKENS
        )
        self._request = Distribution(
            "gen_ai.server.request.duration", "s", "Duration of a client's request.", DURATIONS
        )
        self._first_token = Distribution(
            "gen_ai.server.time_to_first_token",
            "s",
            "Time to generate the first token of a stream.",
            FIRST_TOKENS,
        )

    def record(self, trace: Trace) -> None:
        name = operation(trace)
        for attempt in trace.attempts:
            if attempt.outcome != "skipped":
                self._record_attempt(name, attempt, stream=trace.stream)
        if trace.outcome == "shadow":
            return
        # A name that nobody decided by may be anything: a label for each would have no bound.
        known = trace.decision is not None
        told: dict[str, Value] = {
            "gen_ai.operation.name": name,
            "gen_ai.provider.name": GATEWAY,
            "gen_ai.request.model": trace.model if known else None,
            "gen_ai.response.model": self._peers(trace.target).model if trace.target else None,
            "error.type": trace.error,
        }
        self._request.record(trace.seconds, told)
        if trace.stream and trace.first_byte is not None:
            self._first_token.record(trace.first_byte, told)

    def _record_attempt(self, name: str, attempt: Attempt, *, stream: bool) -> None:
        peer = self._peers(attempt.target)
        told: dict[str, Value] = {
            "gen_ai.operation.name": name,
            "gen_ai.provider.name": peer.provider,
            "gen_ai.request.model": peer.model,
            "server.address": peer.address,
            "server.port": peer.port,
        }
        usage = attempt.usage
        if usage is not None and not usage.estimated:
            self._tokens.record(usage.prompt, {**told, "gen_ai.token.type": "input"})
            self._tokens.record(usage.completion, {**told, "gen_ai.token.type": "output"})
        if stream and attempt.first_byte is not None:
            self._first_chunk.record(attempt.first_byte, told)
        if attempt.outcome in BROKEN:
            told["error.type"] = attempt.error or attempt.outcome
        self._duration.record(attempt.seconds, told)

    def written(self, now: float) -> list[bytes]:
        """Every metric that has values, as JSON; `now` in Unix time."""
        return list(self._written(nanoseconds(now)))

    def _written(self, now: str) -> Iterator[bytes]:
        metrics = self._duration, self._first_chunk, self._tokens, self._request, self._first_token
        for metric in metrics:
            data = metric.written(self._since, now)
            if data is not None:
                yield data
