"""A specialist behind the `Backend` port: it answers what it is sure of and declines the rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from shortstop.errors import Declined
from shortstop.serving.specialists.process import SpecialistProcess
from shortstop.specialists.opinion import Gate
from shortstop.specialists.query import query_of
from shortstop.tokens import estimated_usage
from shortstop.types import Choice, Chunk, Reply, Request, Text


class SpecialistBackend:
    """`name` is the specialist's folder, `gate` says which opinions are served."""

    def __init__(self, name: str, gate: Gate, process: SpecialistProcess) -> None:
        self._name = name
        self._gate = gate
        self._process = process

    async def answer(self, request: Request) -> Reply:
        """Raises Declined, EngineDown or UpstreamTimeout."""
        query = query_of(request)
        if query is None:
            raise Declined("This specialist reads text alone.")
        opinion = await self._process.ask(self._name, query)
        if opinion is None or not self._gate.serves(opinion):
            raise Declined("This specialist is not sure enough.")
        choice = Choice(parts=(Text(opinion.answer),), finish="stop")
        reply = Reply(f"{request.id}-answer", self._name, (choice,))
        return Reply(reply.id, reply.model, reply.choices, estimated_usage(request, reply))

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """The same in one piece; nothing is generated bit by bit."""
        reply = await self.answer(request)
        yield Chunk(text=reply.text)
        yield Chunk(finish="stop", usage=reply.usage)
