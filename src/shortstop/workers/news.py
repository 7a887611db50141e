"""What workers publish about the requests that they served: the messages of the bus.

The bus keeps a version for itself: `bus.VERSION` counts up whenever one of these changes.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from shortstop.routing import Feedback, Pair, PendingOutcome
from shortstop.types import Signals, Trace


class Decided(Struct, frozen=True, tag="decided"):
    """A request was decided, and its outcome will be learned from."""

    request_id: str
    pending: PendingOutcome


class Done(Struct, frozen=True, tag="done"):
    """A request was answered; `trace` has neither content nor the places of findings."""

    trace: Trace


class Compared(Struct, frozen=True, tag="compared"):
    """Two answers were compared; `signals` are the candidate's."""

    pair: Pair
    signals: Signals | None


class Lost(Struct, frozen=True, tag="lost"):
    """A drawn pair gave nothing to compare."""

    request_id: str
    candidate: str


class Judged(Struct, frozen=True, tag="judged"):
    """Feedback came in; it has a grade, and no words."""

    feedback: Feedback


News = Decided | Done | Compared | Lost | Judged


class NewsEvent(Struct, frozen=True):
    """A piece of news as its writer has numbered it: whoever learns it notes the number, and learns
    nothing up to it from that writer again."""

    writer: str
    number: int
    item: News


encode = msgspec.msgpack.Encoder(decimal_format="string").encode
decode = msgspec.msgpack.Decoder(News).decode
"""Raises msgspec.DecodeError when the bytes are not News."""
