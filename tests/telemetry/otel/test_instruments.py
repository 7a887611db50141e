"""OpenTelemetry's metrics: each row counted once, by the names that dashboards know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from shortstop.telemetry.otel.instruments import DURATIONS, MOST_SERIES, Distribution, Instruments
from shortstop.telemetry.otel.spans import Peer
from shortstop.types import Attempt, Trace, Usage
from tests.telemetry.otel.sink import told_of
from tests.traces.example import remote, trace

PEERS = {"small": Peer("local", "smollm"), "big": Peer("openai", "gpt-6.1", "api.openai.com", 443)}
BIG = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-6.1",
    "server.address": "api.openai.com",
    "server.port": 443,
}


def counted(*rows: Trace) -> dict[str, list[dict[str, Any]]]:
    instruments = Instruments(lambda name: PEERS[name], began=1000.0)
    for row in rows:
        instruments.record(row)
    metrics = [json.loads(data) for data in instruments.written(1060.5)]
    return {one["name"]: one["histogram"]["dataPoints"] for one in metrics}


def point(points: list[dict[str, Any]], **told: Any) -> dict[str, Any]:
    """The one with these attributes, dots written as underscores."""
    (found,) = (
        one
        for one in points
        if told.items() <= {k.replace(".", "_"): v for k, v in told_of(one).items()}.items()
    )
    return found


def test_nothing_is_told_before_there_is_something() -> None:
    assert counted() == {}


def test_each_call_of_a_model_is_counted() -> None:
    metrics = counted(remote("a"), remote("b"), trace("c"))
    calls = metrics["gen_ai.client.operation.duration"]
    assert len(calls) == 2
    big, small = point(calls, server_port=443), point(calls, gen_ai_provider_name="local")
    assert told_of(big) == BIG
    assert (big["count"], small["count"]) == ("2", "3")
    assert big["sum"] == pytest.approx(1.8)
    assert (big["min"], big["max"]) == (0.9, 0.9)
    assert big["startTimeUnixNano"] == "1000000000000"
    assert big["timeUnixNano"] == "1060500000000"


def test_tokens_by_kind_where_somebody_counted_them() -> None:
    tokens = counted(trace("a"))["gen_ai.client.token.usage"]
    assert point(tokens, gen_ai_token_type="input")["sum"] == 60
    assert point(tokens, gen_ai_token_type="output")["sum"] == 12
    guessed = Attempt("small", True, "ok", 0.1, usage=Usage(60, output=12, estimated=True))
    assert "gen_ai.client.token.usage" not in counted(trace("a", attempts=(guessed,)))


def test_requests_as_clients_see_them() -> None:
    late = trace("b", outcome="error", error="upstream_timeout", target=None, seconds=9.0)
    requests = counted(trace("a"), remote("c"), late)["gen_ai.server.request.duration"]
    good = point(requests, gen_ai_response_model="smollm")
    assert told_of(good)["gen_ai.provider.name"] == "shortstop"
    assert told_of(good)["gen_ai.request.model"] == "auto"
    bad = point(requests, error_type="upstream_timeout")
    assert bad["sum"] == 9.0
    assert sum(int(one["count"]) for one in requests) == 3


def test_the_first_token_of_streams_alone() -> None:
    attempt = Attempt("big", False, "ok", 0.5, first_byte=0.07)
    row = trace("a", stream=True, first_byte=0.09, target="big", attempts=(attempt,))
    metrics = counted(row, replace(row, stream=False))
    (server,) = metrics["gen_ai.server.time_to_first_token"]
    (client,) = metrics["gen_ai.client.operation.time_to_first_chunk"]
    assert (server["count"], server["sum"]) == ("1", 0.09)
    assert (client["count"], client["sum"]) == ("1", 0.07)
    assert server["bucketCounts"][server["explicitBounds"].index(0.1)] == "1"


def test_a_failed_call_is_named_and_a_skipped_one_is_none() -> None:
    failed = Attempt("big", False, "error", 0.3, error="upstream_error")
    skipped = Attempt("small", True, "skipped", 0.0)
    calls = counted(trace("a", attempts=(skipped, failed)))["gen_ai.client.operation.duration"]
    assert [told_of(one) for one in calls] == [{**BIG, "error.type": "upstream_error"}]


def test_a_shadow_run_is_a_call_and_no_request() -> None:
    metrics = counted(trace("a", outcome="shadow"))
    assert "gen_ai.client.operation.duration" in metrics
    assert "gen_ai.server.request.duration" not in metrics


def test_a_name_that_nobody_decided_by_is_no_label() -> None:
    row = trace("a", model="anything at all", decision=None, target=None, attempts=())
    (request,) = counted(row)["gen_ai.server.request.duration"]
    assert "gen_ai.request.model" not in told_of(request)


def test_a_value_is_in_the_bucket_whose_boundary_it_does_not_exceed() -> None:
    metric = Distribution("x", "s", "", (1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 3.0):
        metric.record(value, {})
    data = metric.written("0", "1")
    assert data is not None
    (one,) = json.loads(data)["histogram"]["dataPoints"]
    assert one["bucketCounts"] == ["2", "2", "1"]
    assert (one["count"], one["sum"], one["min"], one["max"]) == ("5", 8.0, 0.5, 3.0)


def test_boundaries_are_those_of_the_conventions() -> None:
    assert DURATIONS[:3] == (0.01, 0.02, 0.04)
    assert DURATIONS[-1] == 81.92


def test_labels_without_end_are_counted_together() -> None:
    metric = Distribution("x", "s", "", (1.0,))
    for number in range(MOST_SERIES + 50):
        metric.record(0.5, {"model": f"m{number}"})
    data = metric.written("0", "1")
    assert data is not None
    points = json.loads(data)["histogram"]["dataPoints"]
    assert len(points) == MOST_SERIES + 1
    assert told_of(points[-1]) == {"otel.metric.overflow": True}
    assert points[-1]["count"] == "50"
