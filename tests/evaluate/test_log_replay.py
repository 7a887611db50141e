"""Replay: every shape of line, bad ones counted, and the arithmetic of what would have been."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from shortstop.dialects.logs import unwrap
from shortstop.errors import ContextTooLong, InvalidRequest
from shortstop.evaluate.log_replay import Assumed, ReplaySummary, replay
from shortstop.types import (
    Attempt,
    Bill,
    Caller,
    Clearance,
    Decision,
    Json,
    Message,
    Reach,
    Request,
    Target,
    Text,
    Tier,
    Usage,
)

TARGETS = {
    "small": Target("small", "small", True, "embedded", 4096),
    "big": Target("big", "big", False, "openai", 128_000),
}


def decode(dialect: str, body: Json, id: str) -> Request:
    if not body["messages"]:
        raise InvalidRequest("messages is empty.")
    text = body["messages"][0]["content"]
    return Request(id, "openai.chat", body, "auto", (Message("user", (Text(text),)),))


class Guard:
    def clear(self, request: Request, caller: Caller) -> Clearance:
        if "secret" in request.messages[0].text:
            return Clearance(Tier.S3, Reach.LOCAL_ONLY)
        return Clearance(Tier.S0, Reach.ANYWHERE)


class Router:
    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        text = request.messages[0].text
        if "huge" in text:
            raise ContextTooLong("too long")
        plan = ("big",) if "hard" in text else ("small", "big")
        if clearance.reach >= Reach.LOCAL_ONLY:
            plan = ("small",)
        return Decision(plan, "hard" if "hard" in text else "easy", 0.75, 0.5, 1.0, "test")


class Books:
    """A local answer costs $1, a remote one $10; an answer of 666 tokens has no price."""

    def bill(
        self, request: Request, attempts: Iterable[Attempt], answered: Attempt | None = None
    ) -> Bill:
        attempts = tuple(attempts)
        cost = sum((Decimal(1 if a.local else 10) for a in attempts), Decimal(0))
        usage = attempts[-1].usage
        unknown = usage is not None and usage.output == 666
        return Bill(None if unknown else cost, cost, cost, Decimal(10), "big", prices="test")


def run(*lines: Any) -> ReplaySummary:
    encoded = [line if isinstance(line, bytes) else msgspec.json.encode(line) for line in lines]
    return replay(encoded, decode, Guard(), Router(), Books(), TARGETS)  # type: ignore[arg-type]


def ask(text: str) -> Json:
    return {"model": "gpt", "messages": [{"role": "user", "content": text}]}


USAGE = {"prompt_tokens": 10, "completion_tokens": 5}


@pytest.mark.parametrize(
    "line",
    [
        ask("hello"),
        {"request": ask("hello"), "response": {"usage": USAGE}},
        {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": ask("hello")},
        {"request": {"method": "POST", "body": ask("hello")}, "usage": USAGE},
    ],
)
def test_every_shape_of_line(line: Json) -> None:
    found = run(line)
    assert (found.lines, found.requests, found.local, found.bad) == (1, 1, 1, [])


def test_shares_and_tasks() -> None:
    found = run(ask("a"), ask("hard b"), ask("secret c"), ask("huge d"), ask("e"))
    assert (found.requests, found.local, found.remote) == (5, 3, 1)
    assert (found.pinned, found.refused) == (1, 1)
    assert found.refusals == {"context_length_exceeded": 1}
    assert found.tasks == {"easy": 3, "hard": 1}
    assert found.local_tasks == {"easy": 3}
    assert found.targets == {"small": 3, "big": 1}


def test_money_is_expected_over_the_routers_own_score() -> None:
    """Kept with 0.75 for $1; escalated with 0.25 for $1 + $10."""
    found = run(ask("easy"))
    assert found.cost == Decimal("0.75") * 1 + Decimal("0.25") * 11
    assert found.escalations == 0.25
    assert found.all_llm == 10
    assert found.saved == Decimal("6.5")


def test_what_is_pinned_never_escalates() -> None:
    found = run(ask("secret"))
    assert (found.cost, found.escalations) == (1, 0)


def test_an_unknown_price_is_counted_and_left_out() -> None:
    line = {"request": ask("x"), "usage": {"prompt_tokens": 1, "completion_tokens": 666}}
    found = run(line, ask("y"))
    assert found.unpriced == 1
    assert found.all_llm == 10


def test_bad_lines_are_numbered_and_not_fatal() -> None:
    found = run(
        ask("fine"),
        b"",
        b"{not json",
        b"[1, 2]",
        {"hello": "world"},
        ask("") | {"messages": []},
        {"url": "/v1/embeddings", "body": {"input": "x"}},
        b"\xff\xfe",
        ask("fine too"),
    )
    assert (found.lines, found.requests) == (8, 2)
    assert [number for number, _ in found.bad] == [3, 4, 5, 6, 7, 8]
    assert "not JSON" in found.bad[0][1]
    assert "messages is empty" in found.bad[3][1]
    assert "not a chat completion" in found.bad[4][1]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 60},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(40, cache_read=60, output=30, reasoning=20),
        ),
        (
            {"input_tokens": 7, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 9,
             "output_tokens": 3},
            Usage(7, cache_read=8, cache_write=9, output=3),
        ),
        ({"prompt_tokens": 1, "completion_tokens": None}, Usage(1, estimated=True)),
        ({}, None),
        ("nonsense", None),
    ],
)  # fmt: skip
def test_logged_usage_becomes_disjoint(usage: Any, expected: Usage | None) -> None:
    for response in ({"usage": usage}, {"body": {"usage": usage}}):
        line = msgspec.json.encode({"request": ask("x"), "response": response})
        assert unwrap(line)[1] == expected


def test_without_usage_tokens_are_estimated_and_said_to_be() -> None:
    found = run(ask("x" * 400))
    assert found.estimated == 1


def test_the_logged_model_does_not_bind() -> None:
    seen: list[str] = []

    def note(dialect: str, body: Json, id: str) -> Request:
        seen.append(body["model"])
        return decode(dialect, body, id)

    line = msgspec.json.encode(ask("x"))
    replay([line], note, Guard(), Router(), Books(), TARGETS)  # type: ignore[arg-type]
    assert seen == ["auto"]


def test_assumed_speed_becomes_seconds() -> None:
    assumed = Assumed(prefill_per_second=100, decode_per_second=10)
    assert assumed.seconds(Usage(200, output=30)) == 5.0
