from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.serving import verify
from shortstop.types import (
    Choice,
    Finish,
    Format,
    Message,
    Request,
    Sampling,
    Text,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
)
from tests.odd import ODD

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number"}},
    "required": ["total"],
    "additionalProperties": False,
}


def asked(**changes: Any) -> Request:
    base = Request(
        id="req_1",
        dialect="openai.chat",
        body={},
        model="auto",
        messages=(Message("user", (Text("What is the total?"),)),),
    )
    return msgspec.structs.replace(base, **changes)


def said(text: str, finish: Finish = "stop", logprobs: tuple[float, ...] = ()) -> Choice:
    tokens = tuple(TokenLogprob("x", value, (("x", value), ("y", -3.0))) for value in logprobs)
    return Choice(parts=(Text(text),), finish=finish, logprobs=tokens)


def failed(request: Request, choice: Choice) -> set[str]:
    return {check.name for check in verify.checks(request, choice) if not check.passed}


def test_a_plain_answer_passes() -> None:
    assert failed(asked(), said("The total is 12.40.")) == set()


def test_an_empty_answer_fails() -> None:
    assert failed(asked(), said("  \n")) == {"not_empty"}


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I am very sorry, I am unable to answer this.",
        "I cannot assist with that request.",
        "As an AI language model, I do not know.",
        "I don't have access to your account.",
        "I apologize, but this is not possible.",
    ],
)
def test_a_refusal_fails(text: str) -> None:
    assert "not_refused" in failed(asked(), said(text))


@pytest.mark.parametrize(
    "text",
    [
        "Sorry to hear that your card was lost. Freeze it in the app.",
        'The reply "I cannot help" is a refusal.',
        "I can help: the total is 3.",
    ],
)
def test_an_answer_that_only_sounds_like_a_refusal_passes(text: str) -> None:
    assert failed(asked(), said(text)) == set()


def test_a_loop_fails() -> None:
    assert failed(asked(), said("the city of the city of " * 12)) == {"not_repeating"}


def test_our_own_cut_fails_and_the_clients_cut_passes() -> None:
    assert failed(asked(), said("The tot", "length")) == {"complete"}
    limited = asked(sampling=Sampling(max_tokens=4))
    assert failed(limited, said("The tot", "length")) == set()


@pytest.mark.parametrize(
    ("text", "good"),
    [('{"total": 3}', True), ('{"total": "3"}', False), ("{}", False), ("total: 3", False)],
)
def test_structured_answers_obey_their_schema(text: str, good: bool) -> None:
    request = asked(format=Format("json_schema", SCHEMA))
    assert ("format" not in failed(request, said(text))) is good


def test_json_object_must_be_an_object() -> None:
    request = asked(format=Format("json_object"))
    assert failed(request, said("[1]")) == {"format"}
    assert failed(request, said('{"a": 1}')) == set()


def test_a_schema_never_makes_the_gateway_open_a_connection() -> None:
    """The reference points at a port where nobody listens: fetching it would be told apart."""
    request = asked(format=Format("json_schema", {"$ref": "http://127.0.0.1:9/schema.json"}))
    assert failed(request, said("{}")) == {"format"}


def called(name: str, arguments: str) -> Choice:
    return Choice(parts=(ToolCall("call_1", name, arguments),), finish="tool_calls")


@pytest.mark.parametrize(
    ("name", "arguments", "good"),
    [
        ("pay", '{"total": 3}', True),
        ("pay", '{"total": "three"}', False),
        ("pay", "{total: 3", False),
        ("steal", '{"total": 3}', False),
    ],
)
def test_tool_calls_are_to_offered_tools_with_valid_arguments(
    name: str, arguments: str, good: bool
) -> None:
    request = asked(tools=(Tool("pay", schema=SCHEMA),))
    assert ("tool_calls" not in failed(request, called(name, arguments))) is good


def test_a_required_call_must_be_made() -> None:
    request = asked(tools=(Tool("pay", schema=SCHEMA),), tool_choice=ToolChoice("required"))
    assert "tool_calls" in failed(request, said("No."))


def test_signals_are_quantiles_of_the_logprobs() -> None:
    values = tuple(-i / 10 for i in range(11))
    seen = verify.signals(said("hello", logprobs=values))
    assert seen.tokens == 11
    assert seen.logprob_min == -1.0
    assert seen.logprob_p10 == pytest.approx(-0.9)
    assert seen.logprob_p50 == pytest.approx(-0.5)
    assert seen.logprob_mean == pytest.approx(-0.5)
    assert seen.entropy is not None
    assert 0 < seen.entropy < math.log(2) + 0.1


def test_signals_without_logprobs_are_unknown_not_zero() -> None:
    seen = verify.signals(said("hello"))
    assert (seen.logprob_min, seen.entropy) == (None, None)


@given(st.text(max_size=400))
def test_repetition_is_a_share(text: str) -> None:
    assert 0.0 <= verify.repetition(text) < 1.0


FORMATS = [
    Format("json_schema", SCHEMA, "x"),
    Format("json_schema", {"type": "array", "items": {"type": "array"}}, "x"),
    Format("json_schema", {"minimum": 10**400, "multipleOf": 1e-320, "maximum": 1e308}, "x"),
    Format("json_schema", {"pattern": "(a+)+$", "enum": ["9" * 400, 10**30]}, "x"),
    Format("json_schema", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "x"),
    Format("json_object"),
    Format(),
]


@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text[:12]))
def test_odd_answers_are_looked_at(text: str) -> None:
    assert verify.signals(said(text)).chars == len(text)
    verify.prefix_checks(said(text))
    for wanted in FORMATS:
        checks = verify.checks(asked(format=wanted), said(text))
        assert "format" in {c.name for c in checks} or wanted.kind == "text"
    request = asked(tools=(Tool("pay", schema=SCHEMA),))
    assert "tool_calls" in failed(request, called("pay", text))
