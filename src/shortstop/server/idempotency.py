"""`Idempotency-Key`: one answer, however often the client asks for it."""

from __future__ import annotations

from functools import partial

from starlette.types import Message, Send

from shortstop.accounts import AnswerStore, KeptAnswer
from shortstop.server.body import Headers
from shortstop.server.caller import conversation_in
from shortstop.types import Caller


class IdempotentRequest:
    """One request with an idempotency key. Used as its ASGI `send`, it listens to the answer.

    `kept` is the answer that was given before, if there is one.
    """

    def __init__(
        self,
        answers: AnswerStore,
        caller: Caller,
        token: str,
        named: str | None = None,
    ) -> None:
        """`named` is the conversation that the client names."""
        self._answers = answers
        self._owner = caller.key or caller.tenant
        self._tenant = caller.tenant
        self._named = named
        self._token = token
        self.kept: KeptAnswer | None = None
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._complete = False

    async def claim(self, asked: bytes) -> None:
        """`asked` tells requests apart: path and body. Raises Conflict, InvalidRequest or
        StoreError."""
        claim = partial(self._answers.claim, self._owner, self._token, asked)
        self.kept = await self._answers.calls.need(claim)

    def listening(self, send: Send) -> Send:
        async def listen(message: Message) -> None:
            self._hear(message)
            await send(message)

        return listen

    def _hear(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        else:
            self._body.append(message.get("body", b""))
            self._complete = not message.get("more_body", False)

    async def close(self, *, keepable: bool, conversation: str | None = None) -> None:
        """Keep a complete answer that is `keepable`, to be erased with its conversation; anything
        else may be tried again."""
        if self.kept is not None:
            return
        if keepable and self._complete and self._status == 200:
            answer = KeptAnswer(self._status, self._headers, b"".join(self._body))
            subject = (self._tenant, self._named or conversation or "")
            end = partial(self._answers.keep, self._owner, self._token, answer, subject)
        else:
            end = partial(self._answers.drop, self._owner, self._token)
        await self._answers.calls.need(end)


async def replay_of(
    headers: Headers, caller: Caller, path: str, body: bytes, answers: AnswerStore
) -> IdempotentRequest | None:
    """None without the header. Raises Conflict or InvalidRequest."""
    token = headers.get(b"idempotency-key", b"").decode("latin-1").strip()
    if not token:
        return None
    named = conversation_in(headers)
    replay = IdempotentRequest(answers, caller, token, named)
    await replay.claim(path.encode() + body)
    return replay


async def send_again(kept: KeptAnswer, send: Send) -> None:
    headers = [*kept.headers, (b"idempotency-replayed", b"true")]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body, "more_body": False})
