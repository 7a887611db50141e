"""A request's place in a trace that several programs write together (W3C Trace Context)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

SPAN_BYTES = 8
NOTHING: Mapping[str, str] = {}

Told = Literal["off", "local", "all"]
"""Which of the models that are asked learn of the trace: none, those on this machine or network,
all."""


class TraceContext(Struct, frozen=True):
    """The trace that a request is part of, and its own span in it; ids are lower-case hex.

    `trace` has 32 digits, `span` and the caller's span `parent` 16 each. `sampled` says whether
    spans are to be written down, `state` is what other tracers pass along (`tracestate`), `told`
    who else learns of it.
    """

    trace: str
    span: str
    parent: str | None = None
    sampled: bool = True
    state: str = ""
    told: Told = "local"

    def inner(self, name: str) -> str:
        """The id of the span `name` inside this request: the same whenever it is asked for."""
        seed = f"{self.span}/{name}".encode()
        return hashlib.blake2b(seed, digest_size=SPAN_BYTES).hexdigest()

    def within(self, name: str) -> TraceContext:
        """The context of what is asked of others from inside the span `name`."""
        return replace(self, span=self.inner(name), parent=self.span)

    def headers(self, *, local: bool) -> Mapping[str, str]:
        """`traceparent` and, where there is one, `tracestate`; nothing for whom it does not
        concern. `local`: for a model on this machine or network."""
        if self.told == "off" or not (local or self.told == "all"):
            return NOTHING
        told = {"traceparent": f"00-{self.trace}-{self.span}-{self.sampled:02x}"}
        if self.state:
            told["tracestate"] = self.state
        return told


class Verified(Struct, frozen=True):
    """When the check of an answer began and ended, in seconds after its call began."""

    began: float
    ended: float
