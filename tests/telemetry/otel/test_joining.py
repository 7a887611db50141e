"""A request joins its caller's trace, or begins one; the caller says whether it is kept."""

from __future__ import annotations

import pytest

from shortstop.telemetry.otel.joining import Joining
from shortstop.types import Caller, TraceContext

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def drawn(size: int) -> bytes:
    return bytes(range(1, size + 1))


def joined(traceparent: str | None, ratio: float = 1.0, state: str | None = None) -> TraceContext:
    caller = Caller(traceparent=traceparent, tracestate=state)
    return Joining(ratio, "local", drawn)(caller)


def test_a_request_without_a_trace_begins_one() -> None:
    context = joined(None)
    assert context.trace == "0102030405060708090a0b0c0d0e0f10"
    assert context.span == "1112131415161718"
    assert (context.parent, context.sampled, context.state) == (None, True, "")


def test_two_traces_are_two() -> None:
    join = Joining(1.0, "local")
    first, second = join(Caller()), join(Caller())
    assert first.trace != second.trace
    assert first.span != second.span


@pytest.mark.parametrize("flags", ["01", "03", "ff"])
def test_a_caller_that_keeps_its_trace_has_it_kept_here(flags: str) -> None:
    context = joined(f"00-{TRACE}-{SPAN}-{flags}", ratio=0.0, state="vendor=abc")
    assert (context.trace, context.parent, context.sampled) == (TRACE, SPAN, True)
    assert context.span == "1112131415161718"
    assert context.state == "vendor=abc"


@pytest.mark.parametrize("flags", ["00", "02"])
def test_a_caller_that_does_not_keep_its_trace_is_followed_too(flags: str) -> None:
    assert joined(f"00-{TRACE}-{SPAN}-{flags}", ratio=1.0).sampled is False


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "garbage",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_what_is_no_traceparent_begins_a_new_trace(broken: str) -> None:
    context = joined(broken, state="vendor=abc")
    assert (context.parent, context.state) == (None, "")
    assert context.trace != TRACE


def test_a_later_version_may_say_more() -> None:
    assert joined(f"cc-{TRACE}-{SPAN}-01-what-the-future-brings").trace == TRACE


@pytest.mark.parametrize("state", ["a=\x7f", "a=\u00e9", "a=\r\nx: y"])
def test_a_state_that_cannot_be_sent_on_is_left_out(state: str) -> None:
    assert joined(f"00-{TRACE}-{SPAN}-01", state=state).state == ""


def test_a_share_of_new_traces_is_kept() -> None:
    join = Joining(0.25, "local")
    kept = sum(join(Caller()).sampled for _ in range(4000))
    assert 850 < kept < 1150
    assert not Joining(0.0, "local", lambda size: b"\xff" * size)(Caller()).sampled
    assert Joining(1.0, "local", lambda size: b"\xff" * size)(Caller()).sampled


class TestWhoIsTold:
    def test_a_models_server_learns_the_span_that_asks_it(self) -> None:
        context = joined(f"00-{TRACE}-{SPAN}-01", state="vendor=abc")
        inner = context.within("small")
        assert inner.span == context.inner("small") != context.span
        assert inner.parent == context.span
        assert inner.headers(local=True) == {
            "traceparent": f"00-{TRACE}-{inner.span}-01",
            "tracestate": "vendor=abc",
        }

    def test_that_nothing_is_kept_is_told_as_well(self) -> None:
        headers = joined(f"00-{TRACE}-{SPAN}-00").headers(local=True)
        assert headers["traceparent"].endswith("-00")
        assert "tracestate" not in headers

    def test_only_whom_the_operator_lets(self) -> None:
        told = {
            name: tuple(
                bool(Joining(1.0, name)(Caller()).headers(local=local)) for local in (True, False)
            )
            for name in ("off", "local", "all")
        }
        assert told == {"off": (False, False), "local": (True, False), "all": (True, True)}
