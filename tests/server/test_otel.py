"""OpenTelemetry end to end: a real gateway, a real collector, whatever state that is in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.server.conftest import Gateway, running_gateway
from tests.telemetry.otel.sink import HANG, HANG_UP, ScriptedAnswer, Sink, told_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLED = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=abc"}
OTEL = """
[telemetry.otel]
enabled = true
endpoint = "{url}"
interval_seconds = 0.05
metrics_seconds = 3600
timeout_seconds = 0.5
service_name = "gateway-of-a-test"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sink() -> AsyncIterator[Sink]:
    async with Sink().running() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home = tmp_path_factory.mktemp("otel")
    async with running_gateway(home, more=OTEL.format(url=sink.url)) as running:
        yield running


async def ask(gateway: Gateway, text: str, model: str = "small", **more: Any) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    headers = more.pop("headers", {})
    async with gateway.http.post(
        "/v1/chat/completions", json={**body, **more}, headers=headers
    ) as answer:
        await answer.read()
        return answer.status


async def scraped(gateway: Gateway, name: str) -> float:
    async with gateway.http.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


async def test_a_request_is_spans_in_its_callers_trace(gateway: Gateway, sink: Sink) -> None:
    assert await ask(gateway, "!say CANARY", headers=CALLED) == 200
    await sink.told("shortstop.verify.accepted", True)
    request, clearance, decision, attempt, verify = sink.spans()
    assert {span["traceId"] for span in sink.spans()} == {TRACE}
    assert (request["name"], request["parentSpanId"]) == ("chat small", SPAN)
    assert (clearance["name"], decision["name"]) == ("clearance", "decision")
    assert (attempt["name"], attempt["parentSpanId"]) == ("chat small", request["spanId"])
    assert (verify["name"], verify["parentSpanId"]) == ("verify", attempt["spanId"])
    for earlier, later in ((clearance, decision), (decision, attempt), (attempt, verify)):
        assert int(earlier["startTimeUnixNano"]) <= int(later["startTimeUnixNano"])
    for inner in (clearance, decision, attempt, verify):
        assert int(request["startTimeUnixNano"]) <= int(inner["startTimeUnixNano"])
        assert int(inner["endTimeUnixNano"]) <= int(request["endTimeUnixNano"]) + 1000
    told = told_of(attempt)
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (10, 5)
    assert told["server.port"] == int(gateway.local.url.rpartition(":")[2])
    assert "CANARY" not in str(sink.deliveries), "content only where the operator says so"
    head = gateway.local.received[-1].split(b"\r\n\r\n")[0].decode()
    assert f"traceparent: 00-{TRACE}-{attempt['spanId']}-01" in head
    assert "tracestate: vendor=abc" in head


async def test_a_stream_begins_a_trace_of_its_own(gateway: Gateway, sink: Sink) -> None:
    assert await ask(gateway, "!say Hello", "big", stream=True) == 200
    await sink.told("shortstop.target", "big")
    (request,) = (s for s in sink.spans() if told_of(s).get("gen_ai.response.model") == "big")
    assert request["traceId"] != TRACE
    assert "parentSpanId" not in request
    told = told_of(request)
    assert told["gen_ai.request.stream"] is True
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert told["gen_ai.response.time_to_first_chunk"] > 0


async def test_a_trace_that_its_caller_does_not_keep_is_not_kept(
    gateway: Gateway, sink: Sink
) -> None:
    other = "a" * 32
    headers = {"traceparent": f"00-{other}-{SPAN}-00"}
    assert await ask(gateway, "!say one", headers=headers) == 200
    assert (
        await ask(gateway, "!say two", headers={"traceparent": f"00-{'b' * 32}-{SPAN}-01"}) == 200
    )
    async with asyncio.timeout(20):
        while "b" * 32 not in {span["traceId"] for span in sink.spans()}:
            await sink.delivered(len(sink.deliveries) + 1)
    assert other not in {span["traceId"] for span in sink.spans()}
    assert f"traceparent: 00-{other}".encode() in gateway.local.received[-2]


async def test_the_street_serves_whatever_state_the_collector_is_in(
    gateway: Gateway, sink: Sink
) -> None:
    """Refused, asked to wait, taken in part, hung, hung up: what can be sent arrives."""
    before = await scraped(gateway, "shortstop_otel_dropped")
    for number, answer in enumerate(
        (
            ScriptedAnswer(400),
            ScriptedAnswer(429, headers="retry-after: 0\r\n"),
            ScriptedAnswer(200, b'{"partialSuccess":{"rejectedSpans":"1"}}'),
            HANG,
            HANG_UP,
        )
    ):
        sink.answers.append(answer)
        arrived = len(sink.deliveries)
        assert await ask(gateway, f"!say {number}") == 200
        await sink.delivered(arrived + 1)
    assert (
        await ask(gateway, "!say last", headers={"traceparent": f"00-{'c' * 32}-{SPAN}-01"}) == 200
    )
    async with asyncio.timeout(20):
        while "c" * 32 not in {span["traceId"] for span in sink.spans()}:
            await sink.delivered(len(sink.deliveries) + 1)
    assert await scraped(gateway, "shortstop_otel_dropped") > before
    assert b"telemetry: the collector does not take" in gateway.log


async def test_metrics_arrive_beside_the_spans(gateway: Gateway, sink: Sink) -> None:
    async with asyncio.timeout(20):
        while not any("resourceMetrics" in delivery.body for delivery in sink.deliveries):
            await sink.delivered(len(sink.deliveries) + 1)
    metrics = sink.metrics()
    assert {"gen_ai.client.operation.duration", "gen_ai.server.request.duration"} <= set(metrics)
    resources = [
        d.body["resourceMetrics"][0]["resource"]
        for d in sink.deliveries
        if "resourceMetrics" in d.body
    ]
    assert told_of(resources[-1])["service.name"] == "gateway-of-a-test"
