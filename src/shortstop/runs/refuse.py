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
    Part,
    Reply,
    Text,
    ToolCall,
)


def without_calls(reply: Reply, used_up: Set[CallKey], times: int) -> Reply:
    """`reply` without the calls in `used_up`, each of which was made `times` times; the same object
    where it has none."""
    choices = tuple([_spared(choice, used_up, times) for choice in reply.choices])
    if choices == reply.choices:
        return reply
    return replace(reply, choices=choices, dialect=None, body=None)


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
