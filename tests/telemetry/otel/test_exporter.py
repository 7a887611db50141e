"""The way to a collector over real HTTP: whatever state that is in, nothing is sent twice that was
refused, nothing waits without a limit, and what is lost is counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shortstop.config import OtelConfig
from shortstop.serving.http import TelemetryClient
from shortstop.telemetry.otel.exporter import BATCH, Account, Exporter
from shortstop.telemetry.otel.spans import Content, Peer
from shortstop.telemetry.otel.wire import Envelope, Value
from shortstop.types import Trace, TraceContext
from tests.conftest import FakeClock
from tests.telemetry.otel.sink import HANG, HANG_UP, ScriptedAnswer, Sink, told_of
from tests.traces.example import trace

SPANS = 2
"""Of each row here: the request and its attempt."""


def row(id: str = "req_1", **changes: Any) -> Trace:
    return trace(id, trace_context=TraceContext("4" * 32, "5" * 16), **changes)


def peer(name: str) -> Peer:
    return Peer("local", name)


class Street:
    """An exporter, its collector, and the clock that both live by."""

    def __init__(self, sink: Sink, content: Content | None = None, **settings: Any) -> None:
        self.sink = sink
        self.clock = FakeClock()
        client = TelemetryClient(sink.url, {"x-team": "a"}, settings.pop("timeout", 5.0))
        config = OtelConfig(enabled=True, **{"signals": ("traces",), **settings})
        envelope = Envelope({"service.name": "street"}, "shortstop", "1.0")
        self.exporter = Exporter(config, client, envelope, self.clock, peer, content)

    async def deliver(self, *rows: Trace) -> Account:
        for one in rows:
            self.exporter.observe(one)
        await self.exporter.deliver()
        return self.exporter.account


@asynccontextmanager
async def street(content: Content | None = None, **settings: Any) -> AsyncIterator[Street]:
    async with Sink().running() as sink:
        made = Street(sink, content, **settings)
        try:
            yield made
        finally:
            await made.exporter.close()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


async def test_rows_arrive_in_one_delivery() -> None:
    async with street() as one:
        assert await one.deliver(row("a"), row("b")) == Account(0, 2 * SPANS, 0)
        (delivery,) = one.sink.deliveries
        assert delivery.path == "/v1/traces"
        assert delivery.headers["content-type"] == "application/json"
        assert delivery.headers["x-team"] == "a"
        (resource,) = delivery.body["resourceSpans"]
        assert told_of(resource["resource"]) == {"service.name": "street"}
        assert resource["scopeSpans"][0]["scope"] == {"name": "shortstop", "version": "1.0"}
        ids = [told_of(span).get("shortstop.request.id") for span in one.sink.spans()]
        assert ids == ["a", None, "b", None]


async def test_nothing_new_is_no_delivery() -> None:
    async with street() as one:
        await one.deliver()
        await one.deliver(trace("a", outcome="shadow"))
        assert one.sink.deliveries == []


async def test_many_rows_are_several_deliveries() -> None:
    async with street() as one:
        account = await one.deliver(*(row(str(number)) for number in range(BATCH + 3)))
        assert account == Account(0, (BATCH + 3) * SPANS, 0)
        assert len(one.sink.deliveries) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_collector_that_is_busy_gets_the_same_again(status: int) -> None:
    async with street() as one:
        one.sink.answers.append(ScriptedAnswer(status))
        assert await one.deliver(row()) == Account(SPANS, 0, 0)
        assert await one.deliver() == Account(SPANS, 0, 0)
        assert len(one.sink.deliveries) == 1, "not before its time"
        one.clock.advance(1)
        assert await one.deliver() == Account(0, SPANS, 0)
        first, second = one.sink.deliveries
        assert first.body == second.body


async def test_it_says_itself_how_long_to_wait() -> None:
    async with street() as one:
        one.sink.answers.append(ScriptedAnswer(429, headers="retry-after: 30\r\n"))
        await one.deliver(row())
        one.clock.advance(29)
        assert (await one.deliver()).pending == SPANS
        one.clock.advance(1)
        assert await one.deliver() == Account(0, SPANS, 0)


async def test_pauses_grow_while_it_is_down() -> None:
    async with Sink().running() as sink:
        down = Street(sink)
    for pause in (1, 2, 4, 8):
        account = await down.deliver(row())
        assert account.pending > 0
        failures = down.exporter._failures
        down.clock.advance(pause * 0.49)
        await down.exporter.deliver()
        assert down.exporter._failures == failures, "half of the pause at least"
        down.clock.advance(pause)
    async with sink.running():
        down.clock.advance(60)
        assert await down.deliver() == Account(0, 4 * SPANS, 0)
        await down.exporter.close()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
async def test_what_it_refuses_is_dropped_and_counted(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with street() as one:
        one.sink.answers.extend([ScriptedAnswer(status), ScriptedAnswer(status)])
        assert await one.deliver(row()) == Account(0, 0, SPANS)
        assert await one.deliver(row()) == Account(0, 0, 2 * SPANS)
        assert await one.deliver(row()) == Account(0, SPANS, 2 * SPANS)
        assert len(one.sink.deliveries) == 3
        assert warnings(caplog) == [
            "telemetry: the collector does not take /v1/traces: "
            f"{SPANS} of {SPANS} refused, status {status}"
        ]


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}', 1),
        (b'{"partialSuccess":{"rejectedSpans":1}}', 1),
        (b'{"partialSuccess":{"rejectedSpans":"99"}}', SPANS),
        (b'{"partialSuccess":{"rejectedSpans":"-3"}}', 0),
        (b'{"partialSuccess":{"rejectedSpans":"many"}}', 0),
        (b'{"partialSuccess":{"errorMessage":"a word of advice"}}', 0),
        (b'{"partialSuccess":null}', 0),
        (b"{}", 0),
        (b"", 0),
        (b"\x0a\x02\x08\x01", 0),
    ],
)
async def test_a_partial_success_is_never_sent_again(said: bytes, refused: int) -> None:
    async with street() as one:
        one.sink.answers.append(ScriptedAnswer(200, said))
        assert await one.deliver(row()) == Account(0, SPANS - refused, refused)
        await one.deliver()
        assert len(one.sink.deliveries) == 1


@pytest.mark.parametrize("how", [HANG, HANG_UP])
async def test_one_that_hangs_or_hangs_up_gets_the_same_again(how: ScriptedAnswer) -> None:
    async with street(timeout=0.1) as one:
        one.sink.answers.extend([how, how])
        assert (await one.deliver(row())).pending == SPANS
        one.sink.answers.clear()
        one.clock.advance(1)
        assert await one.deliver() == Account(0, SPANS, 0)


async def test_trouble_and_its_end_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with street() as one:
        one.sink.answers.extend([ScriptedAnswer(503), ScriptedAnswer(503)])
        for _ in range(4):
            await one.deliver(row())
            one.clock.advance(60)
    assert [r.getMessage() for r in caplog.records if "telemetry" in r.getMessage()] == [
        "telemetry: the collector does not take /v1/traces: status 503; what waits is sent again",
        "telemetry: the collector takes /v1/traces again",
    ]


async def test_rows_that_wait_are_bounded_by_their_number() -> None:
    async with street(queue=3) as one:
        for number in range(10):
            one.exporter.observe(row(str(number)))
        assert one.exporter.account == Account(3 * SPANS, 0, 7 * SPANS)
        await one.exporter.deliver()
        assert one.exporter.account == Account(0, 3 * SPANS, 7 * SPANS)


async def test_spans_that_wait_are_bounded_by_their_bytes() -> None:
    async with street(queue_mb=0.01) as one:
        one.sink.answers.append(ScriptedAnswer(503))
        lost = 0
        for _ in range(20):
            account = await one.deliver(row())
            assert account.dropped >= lost
            lost = account.dropped
        assert account.pending + account.dropped == 20 * SPANS
        assert 0 < account.pending < 10 * SPANS
        one.clock.advance(60)
        assert (await one.deliver(row())).pending == 0, "there is room again"


async def test_content_does_not_wait_with_a_row() -> None:
    async with street() as one:
        one.exporter.observe(row(request={"messages": ["x" * 1000]}))
        (waiting,) = one.exporter._fresh
        assert waiting.request is None
        assert [choice.parts for choice in waiting.response or ()] == [()]
        await one.exporter.deliver()
        assert told_of(one.sink.spans()[0])["gen_ai.response.finish_reasons"] == ["stop"]


async def test_content_is_what_the_policy_gives() -> None:
    def content(trace: Trace) -> Mapping[str, Value]:
        return {"gen_ai.input.messages": str(trace.request)}

    async with street(content) as one:
        await one.deliver(row(request={"a": 1}))
        assert told_of(one.sink.spans()[0])["gen_ai.input.messages"] == "{'a': 1}"


async def test_a_row_that_cannot_be_written_is_lost_alone() -> None:
    async with street() as one:
        account = await one.deliver(row("a"), row(tenant="\ud800"), row("b"))
        assert account == Account(0, 2 * SPANS, SPANS)


async def test_metrics_have_their_own_time() -> None:
    async with street(signals=("metrics",), metrics_seconds=60) as one:
        assert await one.deliver(row()) == Account(0, 0, 0), "no traces are wanted"
        one.clock.advance(59)
        await one.deliver(row())
        assert len(one.sink.deliveries) == 1
        one.clock.advance(1)
        await one.deliver()
        assert [delivery.path for delivery in one.sink.deliveries] == ["/v1/metrics"] * 2
        (requests,) = one.sink.metrics()["gen_ai.server.request.duration"]
        assert requests["count"] == "2", "since the start"


async def test_a_collector_of_traces_alone_is_no_trouble_to_them() -> None:
    async with street(signals=("traces", "metrics")) as one:
        one.sink.answers.extend([ScriptedAnswer(200), ScriptedAnswer(404)])
        assert await one.deliver(row()) == Account(0, SPANS, 0)
        assert [delivery.path for delivery in one.sink.deliveries] == ["/v1/traces", "/v1/metrics"]
        assert await one.deliver(row()) == Account(0, 2 * SPANS, 0)


async def test_enough_new_rows_are_sent_at_once() -> None:
    async with street(interval_seconds=3600) as one:
        task = asyncio.create_task(one.exporter.keep_exporting())
        for number in range(BATCH):
            one.exporter.observe(row(str(number)))
        await one.sink.delivered(1)
        task.cancel()


async def test_what_waits_at_the_end_is_sent_once_more() -> None:
    async with street() as one:
        one.exporter.observe(row())
        await one.exporter.close()
        assert len(one.sink.spans()) == SPANS


async def test_an_end_that_nobody_takes_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with street() as one:
        one.sink.answers.append(ScriptedAnswer(503))
        one.exporter.observe(row())
        await one.exporter.close()
        assert warnings(caplog)[-1] == f"telemetry: {SPANS} spans did not reach the collector"
