"""What Prometheus reads off the running gateway at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shortstop.app.clock import CLOCK
from shortstop.app.engines import Engine
from shortstop.app.resources import Resources
from shortstop.server.gateway import UnderWay
from shortstop.serving.engines.prefixes import Prefixes
from shortstop.telemetry.metrics import Metrics
from shortstop.telemetry.otel.exporter import Account
from shortstop.types import Target


def register_gauges(
    resources: Resources,
    engines: Callable[[], Iterable[Engine]],
    targets: Callable[[], Iterable[Target]],
) -> None:
    """`engines` and `targets` give those in force."""
    watch = resources.metrics.watch
    watch(
        "shortstop_specialists",
        "Specialists that answer, canaries included.",
        lambda: sum(t.specialist is not None and t.serves for t in targets()),
    )
    watch(
        "shortstop_engine_running",
        "Requests in engine slots.",
        lambda: sum(e.slots.running for e in engines()),
    )
    watch(
        "shortstop_engine_waiting",
        "Requests waiting for an engine slot.",
        lambda: sum(e.slots.waiting for e in engines()),
    )
    watch(
        "shortstop_engine_prompt_tokens",
        "Prompt tokens of local answers so far.",
        lambda: sum(e.slots.prefixes.prompt_tokens for e in engines()),
    )
    watch(
        "shortstop_engine_saved_tokens",
        "Prompt tokens of local answers that the engine had read before.",
        lambda: sum(e.slots.prefixes.cached_tokens for e in engines()),
    )
    watch(
        "shortstop_engine_prefix_hit_ratio",
        "Share of local answers of whose prompt the engine had read a part before.",
        lambda: _ratio(e.slots.prefixes for e in engines()),
    )
    watch(
        "shortstop_batches_running",
        "Batches that this process works on.",
        lambda: resources.batching.running,
    )
    _register_rows(resources)

    def head_age() -> float:
        audit = resources.audits.current
        return max(0.0, CLOCK.time() - audit.head_at) if audit else 0.0

    watch(
        "shortstop_audit_head_age_seconds",
        "Since the audit log's head was written; 0 without an audit log.",
        head_age,
    )

    def spans() -> Account:
        otel = resources.telemetry.otel
        return otel.exporter.account if otel is not None else Account()

    watch(
        "shortstop_otel_pending",
        "Spans that wait for the OpenTelemetry collector.",
        lambda: spans().pending,
    )
    watch(
        "shortstop_otel_dropped",
        "Spans that the OpenTelemetry collector did not take.",
        lambda: spans().dropped,
    )


def _register_rows(resources: Resources) -> None:
    watch, health = resources.metrics.watch, resources.traces.health
    watch("shortstop_traces_pending", "Rows not yet in the database.", lambda: health().pending)
    watch(
        "shortstop_traces_dropped",
        "Rows lost because they could not be written.",
        lambda: health().dropped,
    )
    watch(
        "shortstop_traces_laid",
        "Rows whose content this process has put into files of [traces.lake].",
        lambda: resources.lake.laid if resources.lake else 0,
    )
    watch(
        "shortstop_traces_unlaid",
        "Rows whose content stays in the database because no such file could be written.",
        lambda: resources.lake.left if resources.lake else 0,
    )


def register_under_way(metrics: Metrics, under_way: Callable[[], UnderWay]) -> None:
    """What is under way in the process that is asked."""
    metrics.watch(
        "shortstop_requests_in_flight",
        "Requests that are being answered, by the worker that is asked.",
        lambda: under_way().running,
    )
    metrics.watch(
        "shortstop_requests_waiting",
        "Requests that wait for others to be answered, by the worker that is asked.",
        lambda: under_way().waiting,
    )


def _ratio(prefixes: Iterable[Prefixes]) -> float:
    counts = [(one.hits, one.answers) for one in prefixes]
    return sum(hits for hits, _ in counts) / max(1, sum(answers for _, answers in counts))
