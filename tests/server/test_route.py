"""A hot route takes a place when there is something to answer, and holds bytes until it has."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shortstop.config import LimitsConfig, ServerConfig
from shortstop.errors import InvalidRequest
from shortstop.server.capacity import Capacity
from shortstop.server.inflight import InFlight
from shortstop.server.route import HotRoute, Incoming
from shortstop.types import UNMETERED, Admission, Caller, Request

SERVER = ServerConfig(max_in_flight=1, limits=LimitsConfig())


class Quiet:
    """The parts of a gateway that a route asks before its work."""

    def __init__(self) -> None:
        self.server = SERVER
        self.refusals: list[int] = []
        self.accounts = self
        self.answers = None

    def identify(self, secret: str | None) -> Caller:
        return Caller(key=secret)

    async def admit(self, request: Request, caller: Caller) -> Admission:
        return UNMETERED

    def refused(self, status: int) -> None:
        self.refusals.append(status)


class Client:
    """Sends a body when it is told to; keeps what it is sent."""

    def __init__(self, body: bytes = b"{}") -> None:
        self.ready = asyncio.Event()
        self.leave = asyncio.Event()
        self.body = body
        self.sent: list[dict[str, Any]] = []
        self._done = False

    async def receive(self) -> dict[str, Any]:
        if self._done:
            await self.leave.wait()
            return {"type": "http.disconnect"}
        await self.ready.wait()
        self._done = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status


SCOPE = {
    "path": "/chat/completions",
    "headers": [],
    "query_string": b"",
    "client": ("10.0.0.1", 1),
}


class Hall:
    """A route whose work waits for `go`."""

    def __init__(self) -> None:
        self.gateway = Quiet()
        self.capacity = Capacity(lambda: SERVER)
        self.working = asyncio.Event()
        self.go = asyncio.Event()
        self.error: Exception | None = None
        gateway: Any = self.gateway
        self.in_flight = InFlight(gateway)
        self.route = HotRoute(gateway, self.capacity, self.in_flight, "openai.chat", self._work)

    async def _work(self, body: Any, caller: Caller, headers: Any, exchange: Any) -> Incoming:
        async def answer(admission: Admission) -> None:
            self.working.set()
            await self.go.wait()
            if self.error:
                raise self.error
            await exchange.json(b"{}")

        return Incoming(Request(exchange.id, "openai.chat", body, "auto", ()), caller, answer)

    def serve(self, client: Client) -> asyncio.Task[None]:
        return asyncio.create_task(self.route(dict(SCOPE), client.receive, client.send))


async def test_who_sends_nothing_takes_no_place() -> None:
    hall = Hall()
    idle = [Client() for _ in range(5)]
    waiting = [hall.serve(client) for client in idle]
    busy = Client()
    busy.ready.set()
    hall.go.set()
    await hall.serve(busy)
    assert busy.status == 200
    assert hall.in_flight.held.total == 0
    for task in waiting:
        task.cancel()


async def test_who_comes_with_a_body_when_all_places_are_taken_is_refused() -> None:
    hall = Hall()
    first, second = Client(), Client()
    first.ready.set()
    second.ready.set()
    task = hall.serve(first)
    await hall.working.wait()
    await hall.serve(second)
    assert (second.status, hall.gateway.refusals) == (503, [503])
    hall.go.set()
    await task
    assert first.status == 200


@pytest.mark.parametrize("ending", ["answered", "refused", "broken", "cancelled", "left"])
async def test_bytes_and_places_are_free_however_it_ends(ending: str) -> None:
    hall = Hall()
    client = Client(b'{"a": "' + b"x" * 1000 + b'"}')
    client.ready.set()
    hall.error = {"refused": InvalidRequest("no"), "broken": KeyError("x")}.get(ending)
    task = hall.serve(client)
    await hall.working.wait()
    assert (hall.capacity.held, hall.in_flight.held.total) == (len(client.body), 1)
    if ending == "cancelled":
        task.cancel()
    elif ending == "left":
        client.leave.set()
    else:
        hall.go.set()
    await asyncio.wait([task])
    assert (hall.capacity.held, hall.capacity.owners, hall.in_flight.held.total) == (0, {}, 0)
