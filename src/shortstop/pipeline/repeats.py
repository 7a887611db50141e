"""A stream without the tool calls that its run has made too often."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from shortstop.faults import contained
from shortstop.runs import RunStep
from shortstop.serving.gather import Gathering
from shortstop.types import Chunk


async def without_repeats(
    chunks: AsyncGenerator[Chunk, None], step: RunStep
) -> AsyncGenerator[Chunk, None]:
    """The same chunks where no call is refused. All are held until the end, for a client that has
    read half a call cannot be told to forget it."""
    gathering = Gathering()
    async with aclosing(chunks):
        held = [chunk async for chunk in chunks]
    with contained("the look for repeated calls"):
        for chunk in held:
            gathering.add(chunk)
        reply = gathering.reply("", "")
        spared = step.spared(reply)
        if spared is not reply:
            held = list(spared.chunks())
    for chunk in held:
        yield chunk
