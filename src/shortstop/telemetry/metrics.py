"""Prometheus metrics, fed by Traces and by privacy. No label ever holds text from a request."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from shortstop import __version__, faults
from shortstop.types import Attempt, Clearance, Trace

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2, 5, 10, 30, 60)
VERDICT_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2)
"""Seconds."""
FLUSH_SECONDS = 0.25

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, of no use

Metric = TypeVar("Metric", Counter, Histogram)
Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds, as an event loop's `call_later` does."""


class Family(Generic[Metric]):
    """A metric's children by their labels; finding one again costs one dict lookup."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._children: dict[tuple[str, ...], Metric] = {}

    def __call__(self, *labels: str) -> Metric:
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._metric.labels(*labels)
        return child


class _Pending:
    """What is to be added to a counter. Adding here costs a fifth of adding there."""

    __slots__ = ("_amount", "_counter")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._amount = 0.0

    def inc(self, amount: float = 1.0) -> None:
        self._amount += amount

    def flush(self) -> None:
        if self._amount:
            self._counter.inc(self._amount)
            self._amount = 0.0


class _Readings:
    """What a histogram is to observe: a bound for each bucket is looked at there. Thread-safe."""

    __slots__ = ("_amounts", "_histogram", "observe")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._amounts: deque[float] = deque()
        self.observe = self._amounts.append

    def flush(self) -> None:
        while self._amounts:
            self._histogram.observe(self._amounts.popleft())


Buffer = TypeVar("Buffer", _Pending, _Readings)


class BufferedFamily(Generic[Metric, Buffer]):
    """A metric's children by their labels, for what every request adds."""

    def __init__(self, metric: Metric, buffer: Callable[[Metric], Buffer]) -> None:
        self._metric: Metric = metric
        self._buffer: Callable[[Metric], Buffer] = buffer
        self._children: dict[tuple[str, ...], Buffer] = {}

    def __call__(self, *labels: str) -> Buffer:
        child = self._children.get(labels)
        if child is None:
            metric = self._metric.labels(*labels) if labels else self._metric
            child = self._children[labels] = self._buffer(metric)
        return child

    def flush(self) -> None:
        for child in tuple(self._children.values()):
            child.flush()


def _at_once(seconds: float, work: Callable[[], None]) -> None:
    work()


class Metrics:
    """The metrics of this process or, where PROMETHEUS_MULTIPROC_DIR is set, of all workers.

    What every request adds reaches the counters `FLUSH_SECONDS` later, through `later`.
    `observe` is a ports.Observer.
    """

    def __init__(self, later: Later = _at_once) -> None:
        self.registry = CollectorRegistry()
        self._gauges = CollectorRegistry()
        self._gauges.register(_BuildInfo())
        self._later = later
        self._buffered: list[BufferedFamily[Any, Any]] = []
        self._flush_due = False
        self._make_request_metrics()
        self._make_privacy_metrics()

    def _make_request_metrics(self) -> None:
        self._requests = self._buffer(
            "shortstop_requests",
            "Requests by target, outcome and privacy tier.",
            "target",
            "local",
            "outcome",
            "tier",
        )
        self._decisions = self._buffer(
            "shortstop_decisions",
            "Decisions by what settled them and where the answer came from.",
            "reason",
            "local",
        )
        self._shadows = self._counter(
            "shortstop_shadow_runs", "Answers that nobody saw, made to be compared.", "target"
        )
        self._refused = self._counter(
            "shortstop_refused", "Requests refused before they reached the pipeline.", "status"
        )
        self._faults = self._counter(
            "shortstop_faults", "Failures inside that no answer failed for, by place.", "place"
        )
        self._attempts = self._buffer(
            "shortstop_attempts", "Calls to targets, by outcome.", "target", "outcome"
        )
        self._tokens = self._buffer(
            "shortstop_tokens", "Tokens processed, by target and kind.", "target", "kind"
        )
        self._by_deployment = self._counter(
            "shortstop_deployment_attempts",
            "Calls to deployments of upstreams, by outcome; spilled: another one was asked then.",
            "deployment",
            "outcome",
        )
        self._deployment_tokens = self._counter(
            "shortstop_deployment_tokens",
            "Tokens processed, by deployment and kind.",
            "deployment",
            "kind",
        )
        self._fallbacks = self._counter(
            "shortstop_fallbacks",
            "Targets asked in another's place, by the class of its error.",
            "target",
            "failure",
        )
        self._cost = self._buffer("shortstop_cost_usd", "Cost of answers in US dollars.", "target")
        self._counterfactual = self._buffer(
            "shortstop_counterfactual_usd",
            "What the baseline alone would have cost, in US dollars.",
        )
        self._unpriced = self._buffer(
            "shortstop_unpriced", "Answers whose price is unknown.", "target"
        )
        self._alerts = self._counter(
            "shortstop_alerts",
            "Letters to people, by channel and how it went.",
            "channel",
            "outcome",
        )
        self._rollbacks = self._counter(
            "shortstop_specialist_rollbacks",
            "Specialists taken out of traffic because their contract's alarm stood.",
            "specialist",
        )
        self._batch_lines = self._counter(
            "shortstop_batch_lines", "Lines of batches that have an answer, by outcome.", "outcome"
        )
        self._joules = self._buffer(
            "shortstop_joules", "Energy in joules, best estimate.", "target"
        )
        self._seconds = self._histogram(
            "shortstop_request_seconds", "Seconds until the answer was complete.", "target"
        )
        self._first_byte = self._histogram(
            "shortstop_first_byte_seconds", "Seconds until the first token of a stream.", "target"
        )

    def _make_privacy_metrics(self) -> None:
        self._verdicts = self._counter(
            "shortstop_privacy_verdicts", "Requests by how far they may travel.", "reach"
        )
        self._findings = self._counter(
            "shortstop_privacy_findings", "Requests that held sensitive data, by label.", "label"
        )
        self._fail_closed = self._counter(
            "shortstop_privacy_fail_closed",
            "Requests kept local because they could not be checked, by reason.",
            "reason",
        )
        self._surrogates = self._counter(
            "shortstop_privacy_stand_ins", "Values replaced by a surrogate, by label.", "label"
        )
        self._restore_misses = Counter(
            "shortstop_privacy_restore_misses",
            "Answers with a surrogate that could not be turned back.",
            registry=self.registry,
        )
        self._verdict_seconds = self._histogram(
            "shortstop_privacy_seconds",
            "Seconds that a privacy verdict took.",
            buckets=VERDICT_BUCKETS,
        )

    def _counter(self, name: str, help: str, *labels: str) -> Family[Counter]:
        return Family(Counter(name, help, labels, registry=self.registry))

    def _histogram(
        self, name: str, help: str, *labels: str, buckets: Sequence[float] = REQUEST_BUCKETS
    ) -> BufferedFamily[Histogram, _Readings]:
        """Of seconds."""
        metric = Histogram(name, help, labels, buckets=buckets, registry=self.registry)
        family = BufferedFamily(metric, _Readings)
        self._buffered.append(family)
        return family

    def _buffer(self, name: str, help: str, *labels: str) -> BufferedFamily[Counter, _Pending]:
        family = BufferedFamily(Counter(name, help, labels, registry=self.registry), _Pending)
        self._buffered.append(family)
        return family

    def watch(self, name: str, help: str, read: Callable[[], float]) -> None:
        """Add a gauge whose value is read at each scrape."""
        self._gauges.register(_Gauge(name, help, read))

    # ------------------------------------------------------------ privacy

    def judged(self, clearance: Clearance, seconds: float) -> None:
        """Count a verdict. Its labels and reasons are the rulebook's words."""
        self._verdict_seconds().observe(seconds)
        self._verdicts(clearance.reach.name.lower()).inc()
        for label in clearance.labels:
            self._findings(label).inc()
        if "UNREADABLE" in clearance.labels:
            self._fail_closed(clearance.reasons[0]).inc()

    def stood_in(self, labels: Iterable[str]) -> None:
        """Count the values that were replaced in one request, by label."""
        for label in labels:
            self._surrogates(label).inc()

    def missed(self) -> None:
        """Count an answer with a surrogate that could not be turned back."""
        self._restore_misses.inc()

    # ------------------------------------------------------------ requests

    def observe(self, trace: Trace) -> None:
        target = trace.target or "none"
        local = "true" if trace.local else "false"
        if trace.outcome == "shadow":
            self._shadows(target).inc()
        else:
            self._observe_request(trace, target, local)
        for attempt in trace.attempts:
            self._attempts(attempt.target, attempt.outcome).inc()
            if attempt.usage is not None:
                self._tokens(attempt.target, "prompt").inc(attempt.usage.prompt)
                self._tokens(attempt.target, "completion").inc(attempt.usage.completion)
            if attempt.deployment is not None:
                self._observe_deployment(attempt, attempt.deployment)
            if attempt.fallback is not None:
                self._fallbacks(attempt.target, attempt.fallback).inc()
        self._observe_bill(trace, target)
        if not self._flush_due:
            self._flush_due = True
            self._later(FLUSH_SECONDS, self.flush)

    def _observe_deployment(self, attempt: Attempt, label: str) -> None:
        self._by_deployment(label, attempt.outcome).inc()
        for spilled in attempt.spilled:
            self._by_deployment(spilled, "spilled").inc()
        if attempt.usage is not None:
            self._deployment_tokens(label, "prompt").inc(attempt.usage.prompt)
            self._deployment_tokens(label, "completion").inc(attempt.usage.completion)

    def _observe_request(self, trace: Trace, target: str, local: str) -> None:
        self._requests(target, local, trace.outcome, trace.clearance.tier.name).inc()
        if trace.usage is None or not trace.usage.batched:
            self._seconds(target).observe(trace.seconds)
        if trace.first_byte is not None and trace.stream:
            self._first_byte(target).observe(trace.first_byte)
        if trace.decision is not None and trace.decision.reasons:
            self._decisions(trace.decision.reasons[0], local).inc()

    def _observe_bill(self, trace: Trace, target: str) -> None:
        bill = trace.bill
        if bill is None:
            return
        if bill.cost is None:
            self._unpriced(target).inc()
        else:
            self._cost(target).inc(float(bill.cost))
        if bill.counterfactual is not None:
            self._counterfactual().inc(float(bill.counterfactual))
        self._joules(target).inc(bill.joules.value)

    def refused(self, status: int) -> None:
        """Count a request that was refused with this HTTP status before it reached the pipeline."""
        self._refused(str(status)).inc()

    def rolled_back(self, specialist: str) -> None:
        """Count a specialist that was taken out of traffic by its contract's alarm."""
        self._rollbacks(specialist).inc()

    def batch_line(self, failed: bool) -> None:
        """Count a line of a batch that has its answer."""
        self._batch_lines("failed" if failed else "completed").inc()

    def alerted(self, channel: str, outcome: str, letters: int = 1) -> None:
        """Count letters to people: "sent", "failed" (one try) or "dropped"."""
        self._alerts(channel, outcome).inc(letters)

    # ------------------------------------------------------------ scraping

    def flush(self) -> None:
        """Bring every counter up to date."""
        self._flush_due = False
        for place, count in faults.taken().items():
            self._faults(place).inc(count)
        for family in self._buffered:
            family.flush()

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        self.flush()
        counters = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            counters = CollectorRegistry()
            MultiProcessCollector(counters)  # type: ignore[no-untyped-call]
        return generate_latest(counters) + generate_latest(self._gauges)


class _BuildInfo(Collector):
    """The version that runs, as a label of the value 1."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        info = GaugeMetricFamily("shortstop_build_info", "The version.", labels=("version",))
        info.add_metric([__version__], 1)
        yield info


class _Gauge(Collector):
    """A gauge that is read when scraped."""

    def __init__(self, name: str, help: str, read: Callable[[], float]) -> None:
        self._name, self._help, self._read = name, help, read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(self._name, self._help, self._read())
