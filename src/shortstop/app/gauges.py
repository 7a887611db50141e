"""What Prometheus reads off the running gateway at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shortstop.app.clock import CLOCK
from shortstop.app.engines import Engine
from shortstop.app.resources import Resources


def register_gauges(resources: Resources, engines: Callable[[], Iterable[Engine]]) -> None:
    """`engines` gives those of the configuration in force."""
    watch, health = resources.metrics.watch, resources.traces.health
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
    watch("shortstop_traces_pending", "Rows not yet in the database.", lambda: health().pending)
    watch(
        "shortstop_traces_dropped",
        "Rows lost because they could not be written.",
        lambda: health().dropped,
    )

    def head_age() -> float:
        audit = resources.audit
        return max(0.0, CLOCK.time() - audit.head_at) if audit else 0.0

    watch(
        "shortstop_audit_head_age_seconds",
        "Since the audit log's head was written; 0 without an audit log.",
        head_age,
    )
