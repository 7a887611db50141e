"""How a request joins its caller's trace (W3C Trace Context), and which traces are kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from shortstop.types import Caller, TraceContext
from shortstop.types.tracing import Told

_PARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_HALF = 1 << 64


class Joining:
    """`ratio` of the traces that begin here are kept, of others what their caller says. `draw`
    gives so many random bytes."""

    def __init__(self, ratio: float, told: Told, draw: Callable[[int], bytes] = os.urandom) -> None:
        self._below = int(ratio * _HALF)
        self._told = told
        self._draw = draw

    def __call__(self, caller: Caller) -> TraceContext:
        """The request's place: in the caller's trace where `traceparent` names one, else in a new
        one."""
        drawn = self._draw(24).hex()
        span, told = drawn[32:], self._told
        parent = _PARENT.fullmatch(caller.traceparent or "")
        if parent is None or (parent["version"] == "00" and parent["more"]):
            sampled = int(drawn[16:32], 16) < self._below
            return TraceContext(drawn[:32], span, None, sampled, told=told)
        sampled = bool(int(parent["flags"], 16) & 1)
        state = caller.tracestate or ""
        if not (state.isascii() and state.isprintable()):
            state = ""
        return TraceContext(parent["trace"], span, parent["span"], sampled, state, told)
