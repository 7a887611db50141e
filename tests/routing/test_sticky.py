"""Conversations keep their model: where they must, and where leaving it would not pay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.routing import State
from shortstop.routing.sticky import (
    MAX_RETURN_MARGIN,
    Bound,
    Stickiness,
    dialogue,
    in_tool_loop,
    run_thread,
    signed,
)
from shortstop.types import (
    Caller,
    Message,
    Part,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from tests.routing.test_constraints import BIG, MID, SMALL, ask

TARGETS = {t.name: t for t in (SMALL, MID, BIG)}
SERVING = tuple(TARGETS.values())
CALLER = Caller(tenant="acme", conversation="c1")
RESULT = Message("tool", (ToolResult("c", (Text("done"),)),))
USER = Message("user", (Text("go on"),))


def assistant(*parts: Part) -> Message:
    return Message("assistant", parts)


def sticky(maker: str | None = None) -> Stickiness:
    """After the conversation's last request was answered by `maker`."""
    state = State()
    if maker is not None:
        state.record_turn("acme/c1", maker, "r0")
    return Stickiness(state, TARGETS)


def talk(*turns: Message) -> Request:
    return ask(messages=turns)


# ------------------------------------------------------------ what is bound


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((), False),
        ((USER,), False),
        ((USER, assistant(ToolCall("c", "f", "{}")), RESULT), True),
        ((USER, Message("user", (ToolResult("c"),))), True),
        ((USER, RESULT, assistant(Text("ok")), USER), False),
    ],
)
def test_a_tool_loop_is_open_while_a_result_comes_last(
    turns: tuple[Message, ...], expected: bool
) -> None:
    assert in_tool_loop(turns) is expected


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        (Thinking("hm", signature="s"), True),
        (Thinking(redacted="x"), True),
        (Thinking("hm"), False),
        (Text("hm"), False),
    ],
)
def test_reasoning_is_bound_where_only_its_maker_can_read_it(
    thinking: Part, expected: bool
) -> None:
    assert signed((USER, assistant(thinking, Text("ok")), USER)) is expected


@pytest.mark.parametrize("maker", ["small", "mid", "big"])
@pytest.mark.parametrize(
    "turns",
    [
        (USER, assistant(ToolCall("c", "f", "{}")), RESULT),
        (USER, assistant(Thinking("hm", signature="s")), USER),
    ],
)
def test_what_a_model_began_goes_back_to_it(maker: str, turns: tuple[Message, ...]) -> None:
    assert sticky(maker).bound(talk(*turns), CALLER, SERVING) == Bound(TARGETS[maker])


def test_a_signature_of_an_unknown_maker_is_some_remote_one_s() -> None:
    request = talk(USER, assistant(Thinking("hm", signature="s")), USER)
    assert sticky().bound(request, CALLER, SERVING) == Bound(None)


def test_a_tool_loop_of_an_unknown_maker_is_anybody_s() -> None:
    assert sticky().bound(talk(USER, RESULT), CALLER, SERVING) is None


def test_a_maker_that_serves_no_more_does_not_bind() -> None:
    loop = talk(USER, RESULT)
    assert sticky("small").bound(loop, CALLER, (BIG,)) is None
    thought = talk(USER, assistant(Thinking("hm", signature="s")), USER)
    assert sticky("small").bound(thought, CALLER, (BIG,)) == Bound(None)


def test_another_tenant_s_conversation_of_the_same_name_is_another() -> None:
    rival = Caller(tenant="rival", conversation="c1")
    assert dialogue(talk(USER), CALLER) != dialogue(talk(USER), rival)
    assert sticky("small").bound(talk(USER, RESULT), rival, SERVING) is None


def test_plain_chat_is_bound_to_nobody() -> None:
    assert sticky("small").bound(talk(USER, assistant(Text("ok")), USER), CALLER, SERVING) is None


# ------------------------------------------------------------ what stays


def long(chars: int) -> Request:
    return talk(Message("user", (Text("x" * chars),)), assistant(Text("ok")), USER)


def test_a_first_question_is_free() -> None:
    assert sticky("small").stays(talk(USER), CALLER, 1.0) is None
    assert sticky("big").stays(talk(USER), CALLER, 1.0) is None


def test_a_conversation_of_nobody_known_is_free() -> None:
    assert sticky().stays(long(10), CALLER, 1.0) is None
    assert sticky("gone").stays(long(10), CALLER, 1.0) is None


@pytest.mark.parametrize(("margin", "expected"), [(0.2, True), (0.0, True), (-0.01, None)])
def test_a_local_one_stays_while_it_is_good_enough(margin: float, expected: bool | None) -> None:
    assert sticky("small").stays(long(10), CALLER, margin) is expected


def test_back_from_the_frontier_only_for_a_clear_gain() -> None:
    assert sticky("big").stays(long(10), CALLER, -0.1) is False
    assert sticky("big").stays(long(10), CALLER, 0.05) is None, "a short one has little to lose"
    assert sticky("big").stays(long(20_000), CALLER, 0.25) is False
    assert sticky("big").stays(long(400_000), CALLER, MAX_RETURN_MARGIN) is None, "but not for ever"


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.floats(-1, 1))
def test_a_longer_conversation_is_never_easier_to_bring_back(
    one: int, other: int, margin: float
) -> None:
    short, more = sorted((one, other))
    if sticky("big").stays(long(short), CALLER, margin) is False:
        assert sticky("big").stays(long(more), CALLER, margin) is False


# ------------------------------------------------------------ runs


RUN = replace(CALLER, run="~r")
TOOLS = (Tool("look"),)


def in_its_run(maker: str) -> Stickiness:
    state = State()
    state.record_turn(run_thread("acme", "~r"), maker, "r0")
    return Stickiness(state, TARGETS)


def step(*turns: Message) -> Request:
    return replace(talk(*turns), tools=TOOLS)


@pytest.mark.parametrize("chars", [10, 100_000])
@pytest.mark.parametrize("margin", [-1.0, 0.0, 0.5, 1.0])
def test_a_run_is_escalated_once_and_as_a_whole(chars: int, margin: float) -> None:
    request = step(*long(chars).messages)
    assert in_its_run("big").stays(request, RUN, margin) is False
    assert in_its_run("small").stays(request, RUN, margin) is (True if margin >= 0 else None)


def test_it_is_decided_at_the_first_step_whatever_the_conversation_had() -> None:
    assert sticky("big").stays(step(*long(10).messages), RUN, 1.0) is None
    assert in_its_run("big").stays(step(USER), RUN, 1.0) is False, "also with a short history"


def test_talk_that_goes_on_without_tools_is_no_run_unless_its_client_says_so() -> None:
    assert sticky("big").stays(long(10), RUN, 0.05) is None
    named = replace(CALLER, run="job")
    assert dialogue(long(10), named) == run_thread("acme", "job")
    assert dialogue(long(10), RUN) == dialogue(long(10), CALLER)
