"""Replies and streams with the real values put back.

Thinking is left as the model wrote it. Vendors sign it, and its surrogates are the same when the
conversation is sent again, so the signature stays valid.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from shortstop.privacy.replace.restore import Buffer, Restorer
from shortstop.types import (
    Choice,
    Chunk,
    Part,
    Refusal,
    Reply,
    Text,
    ToolCall,
    ToolDelta,
    WireWords,
)

Missed = Callable[[], None]


def whole(
    reply: Reply, restorer: Restorer, words: WireWords, missed: Missed = lambda: None
) -> Reply:
    """A whole reply, whose body is in these words. `missed` is called when a surrogate is left
    that the model respelled."""
    choices = tuple(_choice(c, restorer) for c in reply.choices)
    if any(restorer.is_left(_text(choice)) for choice in choices):
        missed()
    return msgspec.structs.replace(
        reply,
        choices=choices,
        body=None if reply.body is None else restorer.json(reply.body, words),
    )


def _text(choice: Choice) -> str:
    """Text and arguments of tool calls together."""
    calls = (p.arguments for p in choice.parts if isinstance(p, ToolCall))
    return "\n".join((choice.text, *calls))


def _choice(choice: Choice, restorer: Restorer) -> Choice:
    parts = tuple(_part(p, restorer) for p in choice.parts)
    return msgspec.structs.replace(choice, parts=parts)


def _part(part: Part, restorer: Restorer) -> Part:
    if isinstance(part, Text | Refusal):
        return msgspec.structs.replace(part, text=restorer.text(part.text))
    if isinstance(part, ToolCall):
        arguments = restorer.text(part.arguments, escaped=True)
        return msgspec.structs.replace(part, arguments=arguments)
    return part


class _ChoiceRestorer:
    """Restores one choice of a stream: each of its blocks has a buffer while it is open."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._text, self._refusal = Buffer(restorer), Buffer(restorer)
        self._tools: dict[int, Buffer] = {}
        self._passed: list[str] = []

    @property
    def passed(self) -> str:
        """What has been passed on, text and arguments of tool calls together."""
        return "".join(self._passed)

    def push(self, chunk: Chunk) -> Chunk:
        """The chunk with the text that can no longer change. A block ends where one of another
        kind begins, and at a finish."""
        settled = self._settled(chunk)
        self._passed += (settled.text, *(d.arguments for d in settled.tools))
        return settled

    def _settled(self, chunk: Chunk) -> Chunk:
        end = chunk.finish is not None
        starts_tool = any(d.id is not None for d in chunk.tools)
        return msgspec.structs.replace(
            chunk,
            text=self._text.push(chunk.text, final=end or starts_tool),
            refusal=self._refusal.push(chunk.refusal, final=end),
            tools=self._deltas(chunk, end),
            dialect=None,
            wire=None,  # the target's own frame still contains surrogates
        )

    def _deltas(self, chunk: Chunk, end: bool) -> tuple[ToolDelta, ...]:
        deltas = []
        for delta in chunk.tools:
            buffer = self._tools.setdefault(delta.index, Buffer(self._restorer, escaped=True))
            arguments = buffer.push(delta.arguments, final=end)
            deltas.append(msgspec.structs.replace(delta, arguments=arguments))
        open_now = {d.index for d in chunk.tools}
        for index, buffer in self._tools.items():
            if index not in open_now and (end or open_now):
                rest = buffer.push("", final=True)
                if rest:
                    deltas.append(ToolDelta(index, arguments=rest))
        return tuple(sorted(deltas, key=lambda d: d.index))

    def flush(self, index: int) -> Chunk | None:
        """What is still held back when the stream ends without a finish."""
        chunk = self.push(Chunk(index=index, finish="stop"))
        if not (chunk.text or chunk.refusal or chunk.tools):
            return None
        return msgspec.structs.replace(chunk, finish=None)


async def stream(
    chunks: AsyncGenerator[Chunk, None], restorer: Restorer, missed: Missed = lambda: None
) -> AsyncGenerator[Chunk, None]:
    """The same for a stream. Holds back at most one surrogate's length per block."""
    open_choices: dict[int, _ChoiceRestorer] = {}
    async with aclosing(chunks):
        async for chunk in chunks:
            state = open_choices.setdefault(chunk.index, _ChoiceRestorer(restorer))
            yield state.push(chunk)
    for index, state in open_choices.items():
        rest = state.flush(index)
        if rest is not None:
            yield rest
    if any(restorer.is_left(state.passed) for state in open_choices.values()):
        missed()
