"""Gauges are read off the running gateway when Prometheus asks."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from shortstop.app.engines import Engine, local_target
from shortstop.app.gauges import register_gauges, register_under_way
from shortstop.app.resources import Resources
from shortstop.config import ModelConfig, OtelConfig, PrivacyConfig, TelemetryConfig
from shortstop.server.gateway import UnderWay
from shortstop.serving.engines.slots import Slots
from shortstop.types import Caller, Party, Target
from tests.app.parts import Home, turns
from tests.traces.example import LOCAL

CONFIG = ModelConfig(url="http://127.0.0.1:9/v1")


def engine(name: str) -> Engine:
    return Engine(CONFIG, local_target(name, CONFIG, name, None), Slots(1, 8))


@pytest.fixture
async def resources(home: Home) -> AsyncIterator[Resources]:
    home.env["SHORTSTOP_PRIVACY_KEY"] = "a long random text"
    resources = Resources(home.config, home.env, None, lambda body, tenant: body)
    yield resources
    resources.close()


def gauges(resources: Resources) -> dict[str, float]:
    text = resources.metrics.text().decode()
    families = text_string_to_metric_families(text)
    return {f.name: f.samples[0].value for f in families if f.type == "gauge"}


async def test_what_runs_and_waits_in_all_engines_together(resources: Resources) -> None:
    first, second = engine("a"), engine("b")
    register_gauges(resources, lambda: (first, second), tuple)
    release = asyncio.Event()

    async def hold(one: Engine) -> None:
        async with one.slots.take(Party()):
            await release.wait()

    holding = [asyncio.create_task(hold(one)) for one in (first, first, first, second)]
    await turns()
    values = gauges(resources)
    assert (values["shortstop_engine_running"], values["shortstop_engine_waiting"]) == (2, 2)
    release.set()
    await asyncio.gather(*holding)
    values = gauges(resources)
    assert (values["shortstop_engine_running"], values["shortstop_engine_waiting"]) == (0, 0)


async def test_the_engines_are_those_of_the_configuration_in_force(resources: Resources) -> None:
    engines = [engine("a")]
    register_gauges(resources, lambda: engines, tuple)
    async with engines[0].slots.take(Party()):
        assert gauges(resources)["shortstop_engine_running"] == 1
        engines[:] = [engine("b")]
        assert gauges(resources)["shortstop_engine_running"] == 0


async def test_rows_that_wait_and_rows_that_are_lost(resources: Resources) -> None:
    register_gauges(resources, list, tuple)
    assert resources.traces.flush()
    assert rows(resources) == (0, 0)
    with sqlite3.connect(resources.paths.traces) as other:
        other.execute("BEGIN IMMEDIATE")  # a backup, say
        for _ in range(2):
            resources.traces.append(LOCAL)
        assert rows(resources) == (2, 0)
    other.close()
    assert resources.traces.flush()
    assert rows(resources) == (0, 1), "of two rows with one id the second is dropped"


def rows(resources: Resources) -> tuple[float, float]:
    values = gauges(resources)
    return values["shortstop_traces_pending"], values["shortstop_traces_dropped"]


async def test_how_old_the_audit_logs_head_is(resources: Resources, home: Home) -> None:
    register_gauges(resources, list, tuple)
    assert gauges(resources)["shortstop_audit_head_age_seconds"] == 0, "there is no audit log"
    resources.audits.use(PrivacyConfig(audit=str(home.folder / "audit.log")))
    head = home.folder / "audit.log.head"
    os.utime(head, (1_000, 1_000))
    assert gauges(resources)["shortstop_audit_head_age_seconds"] > 1e9
    os.utime(head, (1e11, 1e11))
    assert gauges(resources)["shortstop_audit_head_age_seconds"] == 0, "a clock that was set back"


async def test_the_specialists_that_answer_are_counted(resources: Resources) -> None:
    one = Target("a", "a", True, "shortstop", 1, specialist="copy")
    unseen, general = replace(one, name="b", state="shadow"), replace(one, specialist=None)
    register_gauges(resources, tuple, lambda: (one, unseen, general))
    assert gauges(resources)["shortstop_specialists"] == 1


async def test_spans_that_wait_for_a_collector_and_that_are_lost(home: Home) -> None:
    otel = OtelConfig(enabled=True, endpoint="http://127.0.0.1:9", queue=1)
    config = replace(home.config, telemetry=TelemetryConfig(otel))
    resources = Resources(config, home.env, None, lambda body, tenant: body)
    register_gauges(resources, tuple, tuple)
    assert resources.telemetry.otel is not None
    row = replace(LOCAL, trace_context=resources.telemetry.otel.join(Caller()))
    for observe in (resources.telemetry.observers[-1],) * 3:
        observe(row)
    values = gauges(resources)
    assert (values["shortstop_otel_pending"], values["shortstop_otel_dropped"]) == (2, 4)
    resources.close()


async def test_without_a_collector_none_wait(resources: Resources) -> None:
    register_gauges(resources, tuple, tuple)
    assert resources.telemetry.observers == (resources.metrics.observe,)
    values = gauges(resources)
    assert (values["shortstop_otel_pending"], values["shortstop_otel_dropped"]) == (0, 0)


async def test_what_is_under_way_is_read_at_each_scrape(resources: Resources) -> None:
    loads = [UnderWay(3, 1)]
    register_under_way(resources.metrics, lambda: loads[-1])
    values = gauges(resources)
    assert values["shortstop_requests_in_flight"] == 3
    assert values["shortstop_requests_waiting"] == 1
    loads.append(UnderWay(0, 0))
    assert gauges(resources)["shortstop_requests_in_flight"] == 0
