"""The doors between rooms, as Protocols. What a door promises is in its docstring.

Rooms fit these shapes without inheriting from them; `app` joins the two sides.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Protocol

from shortstop.errors import FailureClass, ShortstopError, TargetError
from shortstop.types import (
    Admission,
    Attempt,
    Bill,
    Caller,
    Chunk,
    Clearance,
    Cleared,
    Decision,
    Grade,
    Json,
    Look,
    Reply,
    Request,
    Target,
    Tier,
    Trace,
)
from shortstop.types.batches import LinePlace


class Clock(Protocol):
    """Time, injected so that tests need not sleep."""

    def time(self) -> float:
        """Unix time in seconds."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""


class Locker(Protocol):
    """Encrypts for one place, which `about` names."""

    def lock(self, data: bytes, about: str) -> bytes: ...

    def unlock(self, sealed: bytes, about: str) -> bytes:
        """Raises StoreError when it was sealed with another key or for another place."""

    def digest(self, data: bytes, size: int = 16) -> bytes:
        """`size` bytes that tell nothing of `data` to who lacks the key."""


class Identity(Protocol):
    """Turns a credential into a caller."""

    def identify(self, secret: str | None) -> Caller:
        """Who holds `secret`, with the role and the targets that were granted.

        Raises Unauthenticated where credentials are required and this is none.
        """


class Observer(Protocol):
    """Sees every finished row: metrics, learning, accounts."""

    def __call__(self, trace: Trace, /) -> None:
        """Never raises and waits for nothing."""


class Guard(Protocol):
    """Privacy as the pipeline sees it."""

    def clear(self, request: Request, caller: Caller) -> Clearance:
        """Judge every string of the request. Never raises: a detector's failure pins to local."""

    def look(self, request: Request, caller: Caller) -> Clearance:
        """The verdict that `clear` would give; nothing of it is kept. Never raises."""

    def give_up(self, request: Request, caller: Caller) -> Clearance:
        """Pin a request whose judgement nobody waits for any longer."""

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        """What may take its time, before something leaves. Raises PrivacyRefused: it stays."""

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """Make what may be sent to `target`. Raises PrivacyRefused when nothing may."""

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        """Put the real values back where the answer holds surrogates."""

    def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        """The same for a stream, over any chunking."""


class ReplyGuard(Protocol):
    """What answers may tell the client."""

    def tier(self, reply: Reply, caller: Caller) -> Tier:
        """The highest tier of what an answer holds; S3 when it cannot be read. Never raises."""

    def reads(self, caller: Caller) -> bool:
        """Whether this caller's answers are read at all."""

    def whole(self, reply: Reply, caller: Caller) -> Reply:
        """Raises PrivacyRefused."""

    def stream(
        self, chunks: AsyncGenerator[Chunk, None], caller: Caller
    ) -> AsyncGenerator[Chunk, None]:
        """Raises PrivacyRefused before the first chunk."""


class AnswerCheck(Protocol):
    """Whether a local answer is believed, by what it shows of itself."""

    def accept(self, look: Look) -> bool:
        """Whether a local answer is good enough to be kept."""

    def doubts(self, look: Look) -> bool:
        """Whether a second local answer, to compare the first with, is worth its price."""


class Router(AnswerCheck, Protocol):
    """The decision before generation, and the check of local answers after it."""

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        """Choose. Raises a RequestError when no configured target can serve the request."""


class Backend(Protocol):
    """Something local that answers: the embedded engine or a server on this machine or network."""

    async def answer(self, request: Request) -> Reply:
        """Answer whole. Raises TargetError. Cancelling the call frees the engine's slot."""

    def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Answer in pieces. Closing the iterator frees the engine's slot."""


class Via(list[str]):
    """The labels of the upstream's deployments that were asked, as they are: the last one answers.
    `place`: which line of a batch is asked, None: of none. `waits`: for a vendor's batch, now."""

    place: LinePlace | None = None
    waits: bool = False


Instead = Mapping[tuple[str, FailureClass], tuple[str, ...]]
"""Who may answer in place of a target that could not, by its name and why, in order."""


class Upstream(Protocol):
    """A remote model. It takes nothing but what privacy cleared. What goes by one of several
    deployments is noted in `via`."""

    async def answer(self, cleared: Cleared, via: Via | None = None) -> Reply:
        """Answer whole. Raises TargetError."""

    def stream(self, cleared: Cleared, via: Via | None = None) -> AsyncGenerator[Chunk, None]:
        """Answer in pieces. Closing the iterator closes the connection."""


class Accountant(Protocol):
    """Turns attempts into money, joules and carbon."""

    def bill(
        self, request: Request, attempts: Iterable[Attempt], answered: Attempt | None = None
    ) -> Bill:
        """What all `attempts` cost, and what the baseline would have cost for the one that
        `answered` (None: nothing answered, so nothing was saved).

        Pure arithmetic over what happened; an unknown price leaves `cost` None and says so.
        """


class Purser(Protocol):
    """Holds callers to their budgets."""

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        """Set aside what the targets of a plan can cost. Raises QuotaExceeded.

        Whoever is cancelled meanwhile settles all the same: it may be set aside by then.
        """

    def settle(self, trace: Trace, admission: Admission) -> None:
        """The request is over: book what it really took. Never raises."""


class Recorder(Protocol):
    """Where the street puts its rows. Neither call waits for a database."""

    def open(self, trace: Trace) -> None:
        """Note that an answer begins to leave; if the process dies now, the row is kept."""

    def append(self, trace: Trace) -> None:
        """Keep the finished row. On return it survives the death of this process."""


class Grades(Protocol):
    """Where judgements of answers are kept. Does not wait for a database."""

    def grade(self, grade: Grade) -> None:
        """Keep a judgement for as long as the trace that it is about; a later one of the same
        trace, source, target and grader takes its place. On return it survives the death of this
        process. Never raises: an unknown trace keeps its grade, but no correction."""


class Dialect(Protocol):
    """Vendor bytes <-> types, both ways, pure."""

    def decode_request(self, body: Json, id: str) -> Request:
        """Parsed JSON -> Request. Raises InvalidRequest with `param`."""

    def encode_request(self, request: Request, model: str) -> bytes:
        """The request as this dialect's JSON, addressed to `model`."""

    def decode_reply(self, body: bytes, salt: object = "") -> Reply:
        """Calls without an id get one that is made from `salt`. Raises UpstreamFailed when the
        bytes are not an answer, and the TargetError that they tell instead of one."""

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        """What an upstream's non-2xx answer means. Never raises, whatever the bytes are."""

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        """The answer as the client expects it: `model` is what `request` asked for."""

    def stream_decoder(self, salt: object = "") -> StreamDecoder: ...

    def stream_encoder(self, request: Request, created: int) -> StreamEncoder: ...

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        """The error body of this dialect."""


class StreamDecoder(Protocol):
    """Bytes of an event stream, in any chunking, to Chunks."""

    def feed(self, data: bytes) -> list[Chunk]:
        """Raises TargetError on garbage or on an error event."""

    def close(self) -> list[Chunk]:
        """Nothing more is read: what was held back. Raises UpstreamFailed where the answer has not
        ended."""

    @property
    def done(self) -> bool:
        """Whether the stream said that it is complete: nothing more need be read."""

    @property
    def finished(self) -> bool:
        """Whether every choice has ended: only usage and the like may follow."""


class StreamEncoder(Protocol):
    """Chunks to the bytes of an event stream."""

    def encode(self, chunk: Chunk) -> bytes: ...

    def finish(self) -> bytes:
        """The closing events."""

    def error(self, error: ShortstopError) -> bytes:
        """An error after the stream began."""
