"""A call to a target knows when it began, when its answer was checked, and its place in a trace."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.serving.call import Call
from shortstop.types import Request, Target, TraceContext, Verified
from tests.conftest import FakeClock

SMALL = Target("small", "small", local=True, provider="url", context=1000)
REQUEST = Request("r", "openai.chat", {}, "auto", ())


def test_a_call_is_counted_from_the_requests_beginning() -> None:
    clock = FakeClock(100.0)
    call = Call(SMALL, clock, asked=98.5)
    clock.advance(0.25)
    call.note_first_byte()
    clock.advance(0.25)
    call.note_first_byte()
    call.verified = Verified(0.25, 0.5)
    attempt = call.end("ok")
    assert (attempt.began, attempt.first_byte, attempt.seconds) == (1.5, 0.25, 0.5)
    assert attempt.verified == Verified(0.25, 0.5)


def test_a_beginning_that_nobody_knows_stays_unknown() -> None:
    assert Call(SMALL, FakeClock()).end("ok").began is None


def test_a_target_is_asked_from_inside_the_calls_own_span() -> None:
    context = TraceContext("4" * 32, "5" * 16)
    asked = Call(SMALL, FakeClock()).sent(replace(REQUEST, trace_context=context))
    assert asked.trace_context == context.within("small")
    assert asked.trace_context.parent == context.span


def test_a_request_in_no_trace_is_asked_as_it_is() -> None:
    assert Call(SMALL, FakeClock()).sent(REQUEST) is REQUEST


def test_a_call_with_a_limit_asks_for_no_longer_answer() -> None:
    asked = Call(SMALL, FakeClock(), limit=40).sent(REQUEST)
    assert asked == replace(REQUEST, sampling=replace(REQUEST.sampling, max_tokens=40))
