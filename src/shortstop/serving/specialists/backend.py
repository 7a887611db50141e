"""A specialist behind the `Backend` port: it answers what it is sure of and declines the rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from shortstop.errors import Declined, PartlyAnswered
from shortstop.ports import Backend
from shortstop.serving.engines.calls import call_id
from shortstop.serving.specialists.process import SpecialistProcess
from shortstop.specialists.opinion import Gate, Opinion
from shortstop.specialists.prompt.book import with_shots
from shortstop.specialists.query import query_of
from shortstop.tokens import estimated_usage
from shortstop.types import Choice, Chunk, Reply, Request, Text, ToolCall


class SpecialistBackend:
    """`name` is the specialist's folder, `gate` says which opinions are served. `local` answers
    where an opinion is a prompt; without it such an opinion is declined."""

    def __init__(
        self, name: str, gate: Gate, process: SpecialistProcess, local: Backend | None = None
    ) -> None:
        self._name = name
        self._gate = gate
        self._process = process
        self._local = local

    async def answer(self, request: Request) -> Reply:
        """Raises Declined (PartlyAnswered where only some fields are missing), EngineDown or
        UpstreamTimeout, and what `local` raises."""
        opinion = await self._opinion(request)
        if self._local is not None and opinion.shots:
            return await self._local.answer(with_shots(request, opinion.shots))
        return self._reply(request, opinion)

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """The same in one piece; what a model answers to a prompt comes bit by bit."""
        opinion = await self._opinion(request)
        if self._local is None or not opinion.shots:
            for chunk in self._reply(request, opinion).chunks():
                yield chunk
            return
        chunks = self._local.stream(with_shots(request, opinion.shots))
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def _opinion(self, request: Request) -> Opinion:
        """One that is served. Raises Declined."""
        query = query_of(request)
        if query is None:
            raise Declined("This specialist reads text alone.")
        opinion = await self._process.ask(self._name, query)
        if opinion is None or not self._gate.serves(opinion):
            raise Declined("This specialist is not sure enough.")
        if query.must_call and not opinion.calls:
            raise Declined("This specialist has words where a call is wanted.")
        if opinion.shots and self._local is None:
            raise Declined("This specialist is a prompt, and there is no local model to ask.")
        return opinion

    def _reply(self, request: Request, opinion: Opinion) -> Reply:
        """Raises PartlyAnswered."""
        reply = Reply(f"{request.id}-answer", self._name, (_choice(opinion),))
        if opinion.unsure:
            raise PartlyAnswered(reply, opinion.unsure)
        return Reply(reply.id, reply.model, reply.choices, estimated_usage(request, reply))


def _choice(opinion: Opinion) -> Choice:
    if not opinion.calls:
        return Choice(parts=(Text(opinion.answer),), finish="stop")
    calls = tuple(ToolCall(call_id(), one.name, one.arguments) for one in opinion.calls)
    return Choice(parts=calls, finish="tool_calls")
