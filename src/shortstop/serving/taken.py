"""An answer as the cascade takes it: at once, or held up to the commit point."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from shortstop.serving.call import Call
from shortstop.serving.gather import Gathering
from shortstop.serving.spent import usage_of_stream
from shortstop.types import Choice, Chunk, Reply, Request, Usage


@dataclass(slots=True)
class WholeAnswer:
    """An answer that is all there."""

    reply: Reply
    usage: Usage
    complete: bool = True

    @property
    def choice(self) -> Choice:
        return self.reply.choices[0]


async def streamed(reply: Reply) -> AsyncGenerator[Chunk, None]:
    """A whole answer as a stream."""
    for chunk in reply.chunks():
        yield chunk


@dataclass(slots=True)
class HeldStream:
    """A stream read up to the commit point: `held` chunks wait, `source` has the rest."""

    request: Request
    source: AsyncGenerator[Chunk, None]
    held: list[Chunk] = field(default_factory=list)
    prefix: Gathering = field(default_factory=Gathering)

    @property
    def choice(self) -> Choice:
        return self.prefix.choice

    @property
    def complete(self) -> bool:
        return self.prefix.finished

    @property
    def usage(self) -> Usage:
        return usage_of_stream(self.request, self.prefix)

    async def hold(self, call: Call, commit_tokens: float, *, says: bool = False) -> None:
        """Read that many tokens; `says`: and until the answer says something, or has ended."""
        async for chunk in self.source:
            call.note_first_byte()
            self.held.append(chunk)
            self.prefix.add(chunk)
            if self.prefix.finished:
                break
            if self.prefix.tokens >= commit_tokens and not (says and _is_silent(chunk)):
                break


TakenAnswer = WholeAnswer | HeldStream


def is_filtered(answer: TakenAnswer) -> bool:
    """Whether a vendor's filter has ended the answer before it was whole."""
    return answer.complete and answer.choice.finish in ("content_filter", "refusal")


def _is_silent(chunk: Chunk) -> bool:
    """A frame that says who speaks, and nothing yet."""
    return not (chunk.text or chunk.tools or chunk.thinking or chunk.refusal or chunk.redacted)
