"""What a model answers: whole replies, streamed chunks, token usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from shortstop.types.conversation import (
    DialectName,
    Json,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)

Finish = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error"]


BATCH = "batch"
"""How an answer was served, in the words of price sheets."""


class Usage(Struct, frozen=True):
    """Token counts in disjoint classes: their sum is what was processed.

    OpenAI counts cached tokens inside the prompt and reasoning inside the completion, Anthropic
    does not; dialects translate at the door. `estimated` marks counts that no one reported.
    `searches` are on the web, and billed by number. `served` says how it was served where that was
    not the standard way, in the vendor's words, sorted: it has a tariff of its own.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    output: int = 0
    reasoning: int = 0
    output_audio: int = 0
    estimated: bool = False
    searches: int = 0
    served: tuple[str, ...] = ()

    def __add__(self, other: Usage) -> Usage:
        """The tokens of two calls; an estimate if either is one."""
        return Usage(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            input_audio=self.input_audio + other.input_audio,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            output_audio=self.output_audio + other.output_audio,
            estimated=self.estimated or other.estimated,
            searches=self.searches + other.searches,
            served=tuple(sorted({*self.served, *other.served})),
        )

    @property
    def batched(self) -> bool:
        """Whether a batch of the vendor's held the answer: late, and at another price."""
        return BATCH in self.served

    def of_batch(self) -> Usage:
        """The same, served in a batch."""
        return replace(self, served=tuple(sorted({*self.served, BATCH})))

    @property
    def prompt(self) -> int:
        return (
            self.input + self.cache_read + self.cache_write + self.cache_write_1h + self.input_audio
        )

    @property
    def completion(self) -> int:
        return self.output + self.reasoning + self.output_audio


class TokenLogprob(Struct, frozen=True):
    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Choice(Struct, frozen=True):
    """One alternative answer (`n` > 1 gives several)."""

    index: int = 0
    parts: tuple[Part, ...] = ()
    finish: Finish | None = None
    stop_sequence: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()

    @property
    def text(self) -> str:
        return "".join(p.text for p in self.parts if isinstance(p, Text))


class Reply(Struct, frozen=True):
    """A whole answer. `body` is the target's own JSON in `dialect`, kept for a lossless return.
    `deployment` is the label of the deployment that gave it, where its upstream has several."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int = 0
    dialect: DialectName | None = None
    body: Json | None = None
    deployment: str | None = None

    @property
    def text(self) -> str:
        return self.choices[0].text if self.choices else ""

    def chunks(self) -> Iterator[Chunk]:
        """The same as a stream: a piece for each part, the end of each choice, then the usage."""
        for choice in self.choices:
            yield from _pieces(choice)
            end = choice.stop_sequence
            yield Chunk(choice.index, finish=choice.finish, stop_sequence=end)
        if self.usage is not None:
            yield Chunk(usage=self.usage)


class ToolDelta(Struct, frozen=True):
    """A piece of a tool call: id and name come once, arguments in fragments of JSON text.
    `namespace` is the group of tools that the name is of, where a client has groups."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    namespace: str | None = None


class Chunk(Struct, frozen=True):
    """A streamed piece of one choice. `wire` is the target's own frame in `dialect`."""

    index: int = 0
    text: str = ""
    thinking: str = ""
    signature: str | None = None
    redacted: str | None = None
    refusal: str = ""
    tools: tuple[ToolDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: Finish | None = None
    stop_sequence: str | None = None
    usage: Usage | None = None
    dialect: DialectName | None = None
    wire: Json | None = None


def _pieces(choice: Choice) -> Iterator[Chunk]:
    calls = 0
    for part in choice.parts:
        match part:
            case Text(text):
                yield Chunk(choice.index, text=text)
            case Refusal(text):
                yield Chunk(choice.index, refusal=text)
            case Thinking(text, signature, redacted):
                yield Chunk(choice.index, thinking=text, signature=signature, redacted=redacted)
            case ToolCall(id, name, arguments):
                delta = ToolDelta(calls, id, name, arguments)
                yield Chunk(choice.index, tools=(delta,))
                calls += 1
