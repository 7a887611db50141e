"""A hot route counts a request between reading and answering it, and answers none it refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Message

from shortstop.config import ServerConfig
from shortstop.errors import InvalidRequest, RateLimited
from shortstop.server.body import Headers
from shortstop.server.capacity import Capacity
from shortstop.server.exchange import Exchange
from shortstop.server.inflight import InFlight
from shortstop.server.route import HotRoute, Incoming
from shortstop.types import Admission, Caller, Json, Request

JSON = [(b"content-type", b"application/json")]


class Street:
    """A gateway and a kind of work that note, in order, what is done."""

    def __init__(self, *, full: bool = False, unreadable: bool = False) -> None:
        self.steps: list[str] = []
        self.refusals: list[int] = []
        self._full, self._unreadable = full, unreadable
        self.server = ServerConfig()
        self.accounts = SimpleNamespace(answers=None)
        self.route = HotRoute(
            self, Capacity(lambda: self.server), InFlight(self), "openai.chat", self.work
        )  # type: ignore[arg-type]

    def identify(self, secret: str | None) -> Caller:
        self.steps.append("identify")
        return Caller(key="key_1")

    async def admit(self, request: Request, caller: Caller) -> Admission:
        self.steps.append(f"admit {caller.tenant}")
        if self._full:
            raise RateLimited("No more.", retry_after=3.0, headers={"x-ratelimit-limit-x": "5"})
        return Admission({"x-ratelimit-remaining-requests": "4"})

    def refused(self, status: int) -> None:
        self.refusals.append(status)

    async def work(
        self, body: Json, caller: Caller, headers: Headers, exchange: Exchange
    ) -> Incoming:
        self.steps.append("read")
        if self._unreadable:
            raise InvalidRequest("What is this?")
        request = Request(exchange.id, "openai.chat", body, "auto", ())

        async def answer(admission: Admission) -> None:
            self.steps.append("answer")
            await exchange.json(b"{}")

        return Incoming(request, Caller(tenant="of the request"), answer)

    async def ask(self, headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "path": "/chat/completions",
            "headers": headers or JSON,
            "query_string": b"",
            "client": ("127.0.0.1", 1),
        }
        await self.route(scope, receive, send)
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return {"status": sent[0]["status"], **head}


async def test_reading_counting_answering_in_this_order() -> None:
    street = Street()
    head = await street.ask()
    assert street.steps == ["identify", "read", "admit of the request", "answer"]
    assert head["status"] == 200
    assert head["x-ratelimit-remaining-requests"] == "4"


async def test_over_its_limit_nothing_is_answered() -> None:
    street = Street(full=True)
    head = await street.ask()
    assert street.steps[-1] == "admit of the request"
    assert head["status"] == 429
    assert (head["retry-after"], head["retry-after-ms"]) == ("3", "3000")
    assert head["x-ratelimit-limit-x"] == "5"
    assert street.refusals == [429]


async def test_what_cannot_be_read_is_not_counted() -> None:
    street = Street(unreadable=True)
    assert (await street.ask())["status"] == 400
    assert street.steps == ["identify", "read"]


@pytest.mark.parametrize("second", [b"Bearer sk-2", b"bearer sk-2"])
async def test_two_keys_are_refused_before_the_body_is_read(second: bytes) -> None:
    street = Street()
    credentials = [(b"authorization", b"Bearer sk-1"), (b"authorization", second)]
    assert (await street.ask([*JSON, *credentials]))["status"] == 400
    assert street.steps == []
