"""An answer without the calls that its run may not make once more.

What is left of it says so in words: the client ends its turn or makes the other calls, and the
model reads in the next request why the call never happened.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from msgspec.structs import replace

from shortstop.runs.calls import CallKey
from shortstop.types import (
    Choice,
    Chunk,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    ToolDelta,
)


def without_calls(reply: Reply, used_up: Set[CallKey], times: int) -> Reply:
    """`reply` without the calls in `used_up`, each of which was made `times` times; the same object
    where it has none."""
    choices = tuple([_spared(choice, used_up, times) for choice in reply.choices])
    if choices == reply.choices:
        return reply
    return replace(reply, choices=choices, dialect=None, body=None)


def chunks_of(reply: Reply) -> list[Chunk]:
    """The reply as a stream of its parts."""
    chunks = [
        chunk
        for choice in reply.choices
        for chunk in (
            *_pieces(choice),
            Chunk(choice.index, finish=choice.finish, stop_sequence=choice.stop_sequence),
        )
    ]
    return [*chunks, Chunk(usage=reply.usage)] if reply.usage else chunks


def _spared(choice: Choice, used_up: Set[CallKey], times: int) -> Choice:
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    refused = [call for call in calls if CallKey.of(call) in used_up]
    if not refused:
        return choice
    kept: list[Part] = [part for part in choice.parts if part not in refused]
    first = next((i for i, part in enumerate(kept) if isinstance(part, ToolCall)), len(kept))
    kept.insert(first, Text(_words(refused, times)))
    finish = choice.finish if len(refused) < len(calls) else "stop"
    return replace(choice, parts=tuple(kept), finish=finish)


def _words(refused: Sequence[ToolCall], times: int) -> str:
    names = ", ".join(dict.fromkeys(f"`{call.name}`" for call in refused))
    return (
        f"[shortstop] The call of {names} was refused: this run has made it {times} times with the"
        " same arguments, and nothing new came of it. Change the arguments, take another way, or"
        " say what is in the way."
    )


def _pieces(choice: Choice) -> list[Chunk]:
    pieces, calls = [], 0
    for part in choice.parts:
        match part:
            case Text(text):
                pieces.append(Chunk(choice.index, text=text))
            case Refusal(text):
                pieces.append(Chunk(choice.index, refusal=text))
            case Thinking():
                pieces.append(
                    Chunk(
                        choice.index,
                        thinking=part.text,
                        signature=part.signature,
                        redacted=part.redacted,
                    )
                )
            case ToolCall():
                delta = ToolDelta(calls, part.id, part.name, part.arguments)
                pieces.append(Chunk(choice.index, tools=(delta,)))
                calls += 1
    return pieces
