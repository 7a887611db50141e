"""Chunks into blocks, one after the other: the shape of Anthropic's and Responses' streams.

Chat streams may interleave tool calls; block streams may not. The block that is open is sent as it
comes; pieces of another one wait until it is closed, so that nothing sent is ever contradicted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from shortstop.types import Chunk, ToolDelta

Kind = Literal["text", "thinking", "redacted", "refusal", "tool"]


@dataclass(slots=True)
class Block:
    """`index` is its position in the answer, `text` what has been sent of it so far."""

    kind: Kind
    index: int = 0
    id: str = ""
    name: str = ""
    text: str = ""
    signature: str = ""
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One event to send. `piece` belongs to "delta" and "sign"."""

    verb: Literal["open", "delta", "sign", "close"]
    block: Block
    piece: str = ""


@dataclass(slots=True)
class _UnsentCall:
    """A tool call that has not been sent yet, or is being sent."""

    block: Block
    pieces: list[str] = field(default_factory=list)


class Blocks:
    """One choice as a sequence of blocks."""

    def __init__(self, request_id: str, prefix: str) -> None:
        self._prefix = f"{prefix}_{request_id}"
        self._count = 0
        self._head: Block | None = None
        self._tools: dict[int, _UnsentCall] = {}
        self._live: int | None = None
        self._late: list[Chunk] = []
        self.called = False

    def feed(self, chunk: Chunk) -> list[Step]:
        """The events to send now. All chunks must belong to one choice."""
        if self._live is not None or self._tools:
            return self._after_tools(chunk)
        steps = self._prose(chunk)
        for delta in chunk.tools:
            steps += self._tool(delta)
        return steps

    def close(self) -> list[Step]:
        """The events for everything that still waits, and the end of the last block."""
        steps = self._close_head()
        for key in sorted(self._tools):
            waiting = self._tools[key]
            if key != self._live:
                steps += self._open(waiting.block)
                steps += [Step("delta", waiting.block, p) for p in waiting.pieces if p]
                steps += self._close_head()
        self._tools, self._live = {}, None
        for chunk in self._late:
            steps += self._prose(chunk)
        self._late = []
        return steps + self._close_head()

    def _after_tools(self, chunk: Chunk) -> list[Step]:
        if chunk.text or chunk.thinking or chunk.refusal or chunk.signature or chunk.redacted:
            self._late.append(chunk)
        steps: list[Step] = []
        for delta in chunk.tools:
            steps += self._tool(delta)
        return steps

    def _prose(self, chunk: Chunk) -> list[Step]:
        steps: list[Step] = []
        if chunk.thinking:
            steps += self._say("thinking", chunk.thinking)
        if chunk.signature:
            steps += self._sign(chunk.signature)
        if chunk.redacted:
            steps += self._open(Block("redacted", text=chunk.redacted)) + self._close_head()
        if chunk.text:
            steps += self._say("text", chunk.text)
        if chunk.refusal:
            steps += self._say("refusal", chunk.refusal)
        return steps

    def _say(self, kind: Kind, piece: str) -> list[Step]:
        steps: list[Step] = []
        if self._head is None or self._head.kind != kind or self._head.signature:
            steps = self._open(Block(kind))
        assert self._head is not None
        return [*steps, Step("delta", self._head, piece)]

    def _sign(self, signature: str) -> list[Step]:
        steps = []
        if self._head is None or self._head.kind != "thinking":
            steps = self._open(Block("thinking"))
        assert self._head is not None
        self._head.signature += signature
        return [*steps, Step("sign", self._head, signature)]

    def _tool(self, delta: ToolDelta) -> list[Step]:
        self.called = True
        waiting = self._tools.get(delta.index)
        if waiting is None:
            block = Block("tool", id=f"{self._prefix}_{len(self._tools)}")
            waiting = self._tools[delta.index] = _UnsentCall(block)
        if self._live != delta.index:
            waiting.block.id = delta.id or waiting.block.id
            waiting.block.name = delta.name or waiting.block.name
            waiting.block.namespace = delta.namespace or waiting.block.namespace
            waiting.pieces.append(delta.arguments)
            if self._live is not None or not waiting.block.name:
                return []
            self._live = delta.index
            pieces = [p for p in waiting.pieces if p]
            return [*self._open(waiting.block), *(Step("delta", waiting.block, p) for p in pieces)]
        return [Step("delta", waiting.block, delta.arguments)] if delta.arguments else []

    def _open(self, block: Block) -> list[Step]:
        steps = self._close_head()
        block.index, self._count = self._count, self._count + 1
        self._head = block
        return [*steps, Step("open", block)]

    def _close_head(self) -> list[Step]:
        head, self._head = self._head, None
        return [] if head is None else [Step("close", head)]
