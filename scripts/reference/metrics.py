"""Every metric of `GET /metrics`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from prometheus_client import Histogram

from scripts.reference.markdown import code, table
from shortstop.app.gauges import register_gauges, register_under_way
from shortstop.server.gateway import UnderWay
from shortstop.telemetry.metrics import Metrics


def page() -> str:
    rows = sorted({*_counted(), *_watched()})
    return "# Metrics\n\n`GET /metrics`, in Prometheus' text format.\n\n" + table(
        ("name", "kind", "labels", "is"), rows
    )


def _counted() -> Iterator[tuple[str, str, str, str]]:
    for one in set(Metrics().registry._collector_to_names):
        metric: Any = one
        counter = not isinstance(metric, Histogram)
        name = f"{metric._name}_total" if counter else metric._name
        labels = ", ".join(map(code, metric._labelnames))
        yield code(name), "counter" if counter else "histogram", labels, metric._documentation


def _watched() -> Iterator[tuple[str, str, str, str]]:
    found: list[tuple[str, str, str, str]] = []

    def watch(name: str, help: str, read: Callable[[], float]) -> None:
        found.append((code(name), "gauge", "", help))

    resources: Any = SimpleNamespace(
        metrics=SimpleNamespace(watch=watch), traces=SimpleNamespace(health=None), audit=None
    )
    register_gauges(resources, list, list)
    register_under_way(resources.metrics, lambda: UnderWay(0, 0))
    yield from found
    yield code("shortstop_build_info"), "gauge", code("version"), "The version that runs: 1."
