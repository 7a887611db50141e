"""Prometheus counters, fed from Traces. No label ever holds text from a request."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from shortstop.types import Clearance, Trace

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2, 5, 10, 30, 60)
JUDGING = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2)

TELL_SECONDS = 0.25

Metric = TypeVar("Metric", Counter, Histogram)


class Family(Generic[Metric]):
    """A metric by its labels; finding the same child again costs one look into a dict."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._children: dict[tuple[str, ...], Metric] = {}

    def __call__(self, *labels: str) -> Metric:
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._metric.labels(*labels)
        return child


class _Sum:
    """What a counter has not been told yet. Adding to it costs a fifth of telling."""

    __slots__ = ("_counter", "_waiting")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._waiting = 0.0

    def inc(self, amount: float = 1.0) -> None:
        self._waiting += amount

    def tell(self) -> None:
        if self._waiting:
            self._counter.inc(self._waiting)
            self._waiting = 0.0


class Sums:
    """A counter by its labels, for what happens with every request, in the loop's thread alone."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._children: dict[tuple[str, ...], _Sum] = {}

    def __call__(self, *labels: str) -> _Sum:
        child = self._children.get(labels)
        if child is None:
            counter = self._counter.labels(*labels) if labels else self._counter
            child = self._children[labels] = _Sum(counter)
        return child

    def tell(self) -> None:
        for child in self._children.values():
            child.tell()


def _at_once(seconds: float, work: Callable[[], None]) -> None:
    work()


class Metrics:
    """Counters of this process; of all workers together where PROMETHEUS_MULTIPROC_DIR is set.

    What every request adds is told `TELL_SECONDS` later by `later`, the event loop's `call_later`.
    """

    def __init__(self, later: Callable[[float, Callable[[], None]], object] = _at_once) -> None:
        self.registry = CollectorRegistry()
        self._gauges = CollectorRegistry()
        self._later = later
        self._sums: list[Sums] = []
        self._telling = False
        self._requests = self._sum(
            "shortstop_requests",
            "Requests by who answered and how it went.",
            ("target", "local", "outcome", "tier"),
        )
        self._refused = self._counter(
            "shortstop_refused", "Requests turned away at the door.", ("status",)
        )
        self._attempts = self._sum("shortstop_attempts", "Calls to targets.", ("target", "outcome"))
        self._tokens = self._sum("shortstop_tokens", "Tokens processed.", ("target", "kind"))
        self._cost = self._sum("shortstop_cost_usd", "What answers cost.", ("target",))
        self._instead = self._sum(
            "shortstop_counterfactual_usd", "What the baseline alone would have cost.", ()
        )
        self._unpriced = self._sum(
            "shortstop_unpriced", "Answers whose price is unknown.", ("target",)
        )
        self._joules = self._sum("shortstop_joules", "Energy, best estimate.", ("target",))
        self._pinned = self._counter(
            "shortstop_privacy_verdicts", "Requests by how far they may travel.", ("reach",)
        )
        self._found = self._counter(
            "shortstop_privacy_findings", "Requests in which something was found.", ("label",)
        )
        self._closed = self._counter(
            "shortstop_privacy_fail_closed",
            "Requests pinned because nobody could judge them.",
            ("reason",),
        )
        self._stood_in = self._counter(
            "shortstop_privacy_stand_ins", "Values that left as a stand-in.", ("label",)
        )
        self._missed = Counter(
            "shortstop_privacy_restore_misses",
            "Answers in which a stand-in was left that nobody could turn back.",
            registry=self.registry,
        )
        self._judging = Histogram(
            "shortstop_privacy_seconds",
            "Time that a verdict takes.",
            buckets=JUDGING,
            registry=self.registry,
        )
        self._seconds = Family(
            Histogram(
                "shortstop_request_seconds",
                "Time to the whole answer.",
                ("target",),
                buckets=SECONDS,
                registry=self.registry,
            )
        )

    def _counter(self, name: str, about: str, labels: tuple[str, ...]) -> Family[Counter]:
        return Family(Counter(name, about, labels, registry=self.registry))

    def _sum(self, name: str, about: str, labels: tuple[str, ...]) -> Sums:
        self._sums.append(Sums(Counter(name, about, labels, registry=self.registry)))
        return self._sums[-1]

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """A gauge that is read when scraped."""
        self._gauges.register(_Gauge(name, about, read))

    def judged(self, clearance: Clearance, seconds: float) -> None:
        """A verdict of privacy. Labels and reasons are the rulebook's words."""
        self._judging.observe(seconds)
        self._pinned(clearance.reach.name.lower()).inc()
        for label in clearance.labels:
            self._found(label).inc()
        if "UNREADABLE" in clearance.labels:
            self._closed(clearance.reasons[0]).inc()

    def stood_in(self, labels: Iterable[str]) -> None:
        for label in labels:
            self._stood_in(label).inc()

    def missed(self) -> None:
        self._missed.inc()

    def observe(self, trace: Trace) -> None:
        target = trace.target or "none"
        local = "true" if trace.local else "false"
        self._requests(target, local, trace.outcome, trace.clearance.tier.name).inc()
        self._seconds(target).observe(trace.seconds)
        for attempt in trace.attempts:
            self._attempts(attempt.target, attempt.outcome).inc()
            if attempt.usage is not None:
                self._tokens(attempt.target, "prompt").inc(attempt.usage.prompt)
                self._tokens(attempt.target, "completion").inc(attempt.usage.completion)
        self._observe_bill(trace, target)
        if not self._telling:
            self._telling = True
            self._later(TELL_SECONDS, self.tell)

    def tell(self) -> None:
        """Bring every counter up to date."""
        self._telling = False
        for sums in self._sums:
            sums.tell()

    def _observe_bill(self, trace: Trace, target: str) -> None:
        bill = trace.bill
        if bill is None:
            return
        if bill.cost is None:
            self._unpriced(target).inc()
        else:
            self._cost(target).inc(float(bill.cost))
        if bill.counterfactual is not None:
            self._instead().inc(float(bill.counterfactual))
        self._joules(target).inc(bill.joules.value)

    def refused(self, status: int) -> None:
        self._refused(str(status)).inc()

    def text(self) -> bytes:
        self.tell()
        counters = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            counters = CollectorRegistry()
            MultiProcessCollector(counters)  # type: ignore[no-untyped-call]
        return generate_latest(counters) + generate_latest(self._gauges)


class _Gauge(Collector):
    """Read when scraped."""

    def __init__(self, name: str, about: str, read: Callable[[], float]) -> None:
        self._name, self._about, self._read = name, about, read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(self._name, self._about, self._read())
