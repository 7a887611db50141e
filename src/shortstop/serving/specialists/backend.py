"""A specialist behind the `Backend` port: it answers what it is sure of and declines the rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from shortstop.errors import Declined, PartlyAnswered
from shortstop.ports import Backend
from shortstop.serving.engines.calls import call_id
from shortstop.serving.specialists.process import SpecialistProcess
from shortstop.specialists.adapter.asking import adapted, confidence
from shortstop.specialists.adapter.specialist import told
from shortstop.specialists.opinion import Gate, Opinion
from shortstop.specialists.prompt.book import with_shots
from shortstop.specialists.query import Query, query_of
from shortstop.tokens import estimated_usage
from shortstop.types import Choice, Chunk, Reply, Request, Text, ToolCall


class SpecialistBackend:
    """`name` is the specialist's folder, `gate` says which opinions are served. `local` answers
    where an opinion is a prompt, or writes where it is an adapter's; without it such an opinion is
    declined."""

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
        query, opinion = await self._opinion(request)
        if self._local is not None and opinion.shots:
            return await self._local.answer(with_shots(request, opinion.shots))
        return await self._whole(request, query, opinion)

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """The same in one piece; what a model answers to a prompt comes bit by bit."""
        query, opinion = await self._opinion(request)
        if self._local is None or not opinion.shots:
            for chunk in (await self._whole(request, query, opinion)).chunks():
                yield chunk
            return
        chunks = self._local.stream(with_shots(request, opinion.shots))
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def _opinion(self, request: Request) -> tuple[Query, Opinion]:
        """One that is served, and what it is about. Raises Declined."""
        query = query_of(request)
        if query is None:
            raise Declined("This specialist reads text alone.")
        opinion = await self._process.ask(self._name, query)
        if opinion is None or not self._gate.serves(opinion):
            raise Declined("This specialist is not sure enough.")
        if query.must_call and not opinion.calls:
            raise Declined("This specialist has words where a call is wanted.")
        if self._local is None and (opinion.shots or opinion.writes):
            raise Declined("There is no local model to ask for this specialist.")
        return query, opinion

    async def _whole(self, request: Request, query: Query, opinion: Opinion) -> Reply:
        """What is there in one piece: the opinion, or what the model writes under an adapter."""
        if self._local is not None and opinion.writes:
            return await self._written(self._local, request, query, opinion)
        return self._reply(request, opinion)

    async def _written(
        self, local: Backend, request: Request, query: Query, opinion: Opinion
    ) -> Reply:
        """What the model writes under the adapter. Nobody sees what it is not sure of: raises
        Declined, and what the model raises."""
        reply = await local.answer(adapted(request, query, opinion.writes))
        choice = reply.choices[0]
        written = told(opinion, choice.text.strip(), confidence(choice))
        if not written.answer or not self._gate.serves(written):
            raise Declined("This specialist is not sure enough of what it wrote.")
        return replace(reply, model=self._name, choices=(_choice(written),))

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
