"""A row as spans: what is in which, when it began, and what is never told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from shortstop.telemetry.otel.spans import Peer, count, written
from shortstop.types import (
    Attempt,
    Check,
    Choice,
    Clearance,
    Finding,
    Reach,
    Text,
    Tier,
    Trace,
    TraceContext,
    Usage,
    Verified,
)
from tests.telemetry.otel.sink import told_of
from tests.traces.example import remote, trace

CONTEXT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "1" * 16)
PEERS = {
    "small": Peer("local", "smollm", "127.0.0.1", 8080),
    "big": Peer("openai", "gpt-6.1", "api.openai.com", 443),
}
AT = 1_795_000_000


def escalated(**changes: Any) -> Trace:
    attempts = (
        Attempt(
            "small",
            True,
            "rejected",
            0.25,
            usage=Usage(60, output=12),
            checks=(Check("complete", True), Check("schema", False, "a secret detail")),
            began=0.5,
            verified=Verified(0.125, 0.25),
        ),
        Attempt("big", False, "ok", 0.5, usage=Usage(50, 10, output=9, reasoning=3), began=0.75),
    )
    row = remote("req_1", attempts=attempts, seconds=1.5, cleared=0.25, decided=0.375)
    return replace(row, trace_context=CONTEXT, **changes)


def spans_of(row: Trace) -> list[dict[str, Any]]:
    return list(json.loads(b"[%b]" % written(row, lambda name: PEERS[name])))


def by_name(row: Trace) -> dict[str, dict[str, Any]]:
    return {span["name"]: span for span in spans_of(row)}


def times(span: dict[str, Any]) -> tuple[float, float]:
    """Seconds after the row's beginning."""
    first, last = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    return round(first / 1e9 - AT, 5), round(last / 1e9 - AT, 5)


def test_a_request_holds_what_was_done_for_it() -> None:
    spans = by_name(escalated())
    assert list(spans) == [
        "chat auto", "clearance", "decision", "chat smollm", "verify", "chat gpt-6.1",
    ]  # fmt: skip
    assert {one["traceId"] for one in spans.values()} == {CONTEXT.trace}
    request, small = spans["chat auto"], spans["chat smollm"]
    assert (request["spanId"], request["parentSpanId"]) == (CONTEXT.span, CONTEXT.parent)
    parents = {name: one["parentSpanId"] for name, one in spans.items() if name != "chat auto"}
    assert parents.pop("verify") == small["spanId"] == CONTEXT.inner("small")
    assert set(parents.values()) == {CONTEXT.span}
    assert len({one["spanId"] for one in spans.values()}) == 6
    kinds = {name: one["kind"] for name, one in spans.items()}
    assert kinds == {
        "chat auto": 2, "clearance": 1, "decision": 1, "verify": 1,
        "chat smollm": 3, "chat gpt-6.1": 3,
    }  # fmt: skip


def test_each_span_lies_where_its_work_was_done() -> None:
    assert {name: times(span) for name, span in by_name(escalated()).items()} == {
        "chat auto": (0, 1.5),
        "clearance": (0, 0.25),
        "decision": (0.25, 0.375),
        "chat smollm": (0.5, 0.75),
        "verify": (0.625, 0.75),
        "chat gpt-6.1": (0.75, 1.25),
    }


def test_an_attempt_whose_beginning_is_unknown_follows_the_one_before() -> None:
    row = escalated()
    row = replace(row, attempts=tuple(replace(one, began=None) for one in row.attempts))
    spans = by_name(row)
    assert times(spans["chat smollm"]) == (0.375, 0.625)
    assert times(spans["chat gpt-6.1"]) == (0.625, 1.125)


def test_a_request_by_the_conventions_names() -> None:
    told = told_of(by_name(escalated())["chat auto"])
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "shortstop"
    assert told["gen_ai.request.model"] == "auto"
    assert told["gen_ai.response.model"] == "gpt-6.1"
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert told["http.response.status_code"] == 200
    assert told["shortstop.target"] == "big"
    assert told["shortstop.task"] == "intent"
    assert told["shortstop.cost.usd"] == pytest.approx(0.0005)
    assert told["shortstop.saved.usd"] == pytest.approx(-0.00002)
    assert "error.type" not in told
    assert not any(name.startswith("gen_ai.usage") for name in told), "the attempts tell them"


def test_an_attempt_by_the_conventions_names() -> None:
    assert told_of(by_name(escalated())["chat gpt-6.1"]) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-6.1",
        "server.address": "api.openai.com",
        "server.port": 443,
        "shortstop.target": "big",
        "shortstop.outcome": "ok",
        "shortstop.local": False,
        "gen_ai.usage.input_tokens": 60,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 3,
    }


def test_what_privacy_the_router_and_the_checks_said() -> None:
    clearance = Clearance(Tier.S2, Reach.PSEUDONYMISED, ("EMAIL",), ("S2-found",))
    spans = by_name(escalated(clearance=clearance))
    assert told_of(spans["clearance"]) == {
        "shortstop.privacy.tier": "S2",
        "shortstop.privacy.reach": "pseudonymised",
        "shortstop.privacy.labels": ["EMAIL"],
        "shortstop.privacy.reasons": ["S2-found"],
        "shortstop.privacy.policy": "builtin-1",
    }
    decision = told_of(spans["decision"])
    assert decision["shortstop.decision.plan"] == ["small", "big"]
    assert (decision["shortstop.decision.score"], decision["shortstop.task"]) == (0.8, "intent")
    assert told_of(spans["verify"]) == {
        "shortstop.verify.checks": ["complete", "schema"],
        "shortstop.verify.failed": ["schema"],
        "shortstop.verify.accepted": False,
    }


def test_a_stream_says_when_it_began() -> None:
    row = escalated(stream=True, first_byte=0.125)
    attempts = (replace(row.attempts[1], first_byte=0.125),)
    spans = by_name(replace(row, attempts=attempts))
    for name in ("chat auto", "chat gpt-6.1"):
        told = told_of(spans[name])
        assert told["gen_ai.request.stream"] is True
        assert told["gen_ai.response.time_to_first_chunk"] == 0.125


def test_a_failure_is_named() -> None:
    attempt = Attempt("big", False, "timeout", 0.5, error="upstream_timeout", began=0.0)
    row = escalated(outcome="error", status=504, error="upstream_timeout", target=None)
    spans = by_name(replace(row, attempts=(attempt,), response=None))
    for name in ("chat auto", "chat gpt-6.1"):
        assert spans[name]["status"] == {"code": 2}
        assert told_of(spans[name])["error.type"] == "upstream_timeout"
    assert "gen_ai.response.model" not in told_of(spans["chat auto"])


@pytest.mark.parametrize("outcome", ["refused", "cancelled"])
def test_what_the_client_did_is_no_fault_of_ours(outcome: Any) -> None:
    row = escalated(outcome=outcome, status=400, error="invalid_request")
    request = by_name(row)["chat auto"]
    assert "status" not in request
    assert told_of(request)["error.type"] == "invalid_request"


def test_a_target_that_is_asked_twice_has_two_spans() -> None:
    row = escalated()
    small, big = row.attempts
    spans = spans_of(replace(row, attempts=(big, small, big)))
    assert len({span["spanId"] for span in spans}) == len(spans) == 7


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        ("openai.chat", "chat"),
        ("openai.responses", "chat"),
        ("anthropic", "chat"),
        ("openai.completions", "text_completion"),
        ("openai.embeddings", "embeddings"),
    ],
)
def test_operations(dialect: str, name: str) -> None:
    assert f"{name} auto" in by_name(escalated(dialect=dialect))


def test_no_text_of_a_request_is_told() -> None:
    secret = "CANARY-4711"
    row = escalated(
        request={"messages": [{"role": "user", "content": secret}], secret: 1},
        response=(Choice(parts=(Text(secret),), finish="stop"),),
        clearance=Clearance(
            Tier.S2, Reach.ANYWHERE, findings=(Finding("X", Tier.S2, "r", f"$.{secret}"),)
        ),
        user=secret,
        tag=secret,
        conversation=f"~{secret}",
        digest=secret,
    )
    checks = (Check("schema", False, secret),)
    row = replace(row, attempts=tuple(replace(one, checks=checks) for one in row.attempts))
    assert secret.encode() not in written(row, lambda name: PEERS[name])


def test_a_conversation_that_its_client_named_is_told_by_its_digest() -> None:
    told = told_of(by_name(escalated(conversation="c0ffee"))["chat auto"])
    assert told["gen_ai.conversation.id"] == "c0ffee"


@pytest.mark.parametrize(
    "row",
    [
        trace("a"),
        escalated(outcome="shadow"),
        replace(escalated(), trace_context=replace(CONTEXT, sampled=False)),
    ],
    ids=["without a trace", "a shadow run", "not sampled"],
)
def test_what_is_not_traced_makes_no_span(row: Trace) -> None:
    assert count(row) == 0
    assert written(row, lambda name: PEERS[name]) == b""


def test_spans_are_counted_before_they_are_written() -> None:
    for row in (escalated(), escalated(cleared=None), escalated(decided=None, attempts=())):
        assert count(row) == len(spans_of(row))
