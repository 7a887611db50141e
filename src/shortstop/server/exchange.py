"""One response in the making."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from decimal import Decimal

from starlette.types import Send

from shortstop.dialects import DescribedDialect
from shortstop.errors import ShortstopError
from shortstop.faults import contained
from shortstop.ports import StreamEncoder
from shortstop.server.headers import retry_headers
from shortstop.server.ping import Pinger
from shortstop.types import Answer, Party

JSON = (b"content-type", b"application/json")
UNBUFFERED = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
POINTLESS_TO_RETRY = frozenset(
    [
        "insufficient_quota",
        "run_budget_exceeded",
        "team_budget_exceeded",
        "organisation_budget_exceeded",
        "upstream_auth",
    ]
)
"""Error codes whose status alone would make an SDK try again."""

RawHeaders = list[tuple[bytes, bytes]]

Keep = Callable[[], Awaitable[None]]


class Exchange:
    """One response in the making: knows whether its head has left.

    `party` is for whom it is made. `keepable` becomes true once the whole response has been sent
    and may be written down for a later request of the same client.
    """

    def __init__(self, send: Send, dialect: DescribedDialect, id: str) -> None:
        self.send = send
        self.dialect = dialect
        self.id = id
        self.party = Party()
        self.limits: Mapping[str, str] = {}
        self.keepable = False
        self.conversation: str | None = None
        """What the answer is erased by; known when it has been sent."""
        self._encoder: StreamEncoder | None = None

    async def json(self, body: bytes, *, keepable: bool = False) -> None:
        await self._whole(200, self._encode_headers(self.limits), body)
        self.keepable = keepable

    async def whole(self, answer: Answer, body: bytes, keep: Keep | None = None) -> None:
        """Send `body`, the answer in the client's dialect. What may be kept is, by `keep`, before
        the client has all of it: the next request may build on it, and meet another process."""
        await self._note_ending(answer, keep)
        await self._whole(200, self._answer_headers(answer), body)

    async def stream(
        self,
        answer: Answer,
        encoder: StreamEncoder,
        ping_seconds: float,
        keep: Keep | None = None,
    ) -> None:
        """Send chunk by chunk. The head leaves with the first one, so no answer goes unwatched."""
        assert answer.chunks is not None
        async with aclosing(answer.chunks) as chunks:
            pinger = Pinger(self._body, ping_seconds, self.dialect.description.route.keepalive)
            try:
                async for chunk in chunks:
                    if self._encoder is None:
                        await self._begin_stream(answer, encoder)
                    pinger.touch()
                    await self._body(encoder.encode(chunk))
            finally:
                pinger.stop()
        if self._encoder is None:
            await self._begin_stream(answer, encoder)
        end = encoder.finish()
        await self._note_ending(answer, keep)
        await self._body(end, more=False)

    async def fail(self, error: ShortstopError) -> None:
        """The error as JSON with its status, or as an event once the stream has begun."""
        if self._encoder is not None:
            await self._body(self._encoder.error(error), more=False)
            return
        headers = self._encode_headers({**self.limits, **error.headers, **retry_headers(error)})
        if error.code in POINTLESS_TO_RETRY:
            headers.append((b"x-should-retry", b"false"))
        status = self.dialect.description.status_of(error)
        await self._whole(status, headers, self.dialect.encode_error(error, self.id))

    async def _begin_stream(self, answer: Answer, encoder: StreamEncoder) -> None:
        kind = (b"content-type", self.dialect.description.route.media_type.encode())
        await self._head(200, [kind, *UNBUFFERED, *self._answer_headers(answer)])
        self._encoder = encoder

    async def _note_ending(self, answer: Answer, keep: Keep | None) -> None:
        self.keepable = answer.ending is not None and answer.ending.keepable
        self.conversation = answer.clearance.conversation
        if keep is not None and self.keepable:
            await keep()

    def _answer_headers(self, answer: Answer) -> RawHeaders:
        with contained("explaining an answer"):
            return self._encode_headers({**self.limits, **explained(answer)})
        return self._encode_headers({})

    def _encode_headers(self, headers: Mapping[str, str]) -> RawHeaders:
        encoded = [(k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()]
        id = self.id.encode()
        return [(b"x-request-id", id), (b"request-id", id), *encoded]

    async def _whole(self, status: int, headers: RawHeaders, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        await self._head(status, [JSON, length, *headers])
        await self._body(body, more=False)

    def _head(self, status: int, headers: RawHeaders) -> Awaitable[None]:
        return self.send({"type": "http.response.start", "status": status, "headers": headers})

    def _body(self, data: bytes, *, more: bool = True) -> Awaitable[None]:
        return self.send({"type": "http.response.body", "body": data, "more_body": more})


def explained(answer: Answer) -> dict[str, str]:
    """The `x-shortstop-*` headers: who answered, why, and for a whole answer at what cost."""
    decision = answer.decision
    why = ",".join((*decision.reasons, *(("draft",) if answer.draft else ())))
    headers = {
        "x-shortstop-target": answer.target,
        "x-shortstop-task": decision.task,
        "x-shortstop-decision": (
            f"{why};score={decision.score:.3f};threshold={decision.threshold:.3f}"
            f";p={decision.propensity:.4f};router={decision.router}"
        ),
        "x-shortstop-tier": answer.clearance.tier.name,
    }
    if answer.run is not None:
        headers["x-shortstop-run"] = answer.run
    if answer.specialist is not None:
        headers["x-shortstop-specialist"] = answer.specialist
    if answer.dropped:
        headers["x-shortstop-dropped"] = ",".join(answer.dropped)
    if answer.bill is not None:
        headers["x-shortstop-cost"] = _usd(answer.bill.cost)
        if answer.bill.baseline is not None:
            headers["x-shortstop-saved"] = _usd(answer.bill.saved)
    return headers


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:.9f}"
