"""What a request says, as digests: by them a later one is known to continue it.

Only what the model reads counts, in a form that clients hand back as they got it: roles, texts,
tool calls by name and canonical arguments, tool results. Ids, cache marks and reasoning, which
clients drop or move, do not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from shortstop.runs.calls import canonical
from shortstop.types import (
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
)

SIZE = 16
"""Bytes of a digest."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model said once: digests of everything `before` it, and of the `answer` itself."""

    before: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class Trail:
    """A request as digests: all of it, and the model's `turns` in it, oldest first."""

    whole: bytes
    turns: tuple[Turn, ...]


def trail(request: Request, scope: bytes) -> Trail:
    """Two requests have digests in common only within one `scope`, with the same tools offered."""
    names = sorted(tool.name for tool in request.tools)
    state = hashlib.blake2b(digest_size=SIZE, key=scope)
    _feed(state, names)
    turns = []
    for role, messages in groupby(request.messages, _speaker):
        if role == "assistant":
            answer = answer_digest(scope, [part for one in messages for part in one.parts])
            turns.append(Turn(state.copy().digest(), answer))
            state.update(answer)
        else:
            for message in messages:
                _feed(state, (role, *_texts(message.parts)))
    return Trail(state.digest(), tuple(turns))


def answer_digest(scope: bytes, parts: Iterable[Part]) -> bytes:
    """Of what the model said, whether it is one message or several."""
    said = [part for part in parts if isinstance(part, Text | Refusal)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    state = hashlib.blake2b(digest_size=SIZE, key=scope)
    _feed(state, ("assistant", "".join(part.text for part in said).strip(), *_texts(calls)))
    return state.digest()


def _speaker(message: Message) -> str:
    return message.role


def _texts(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text(text) | Refusal(text):
                yield "text"
                yield text.strip()
            case ToolCall():
                yield "call"
                yield part.name
                yield canonical(part.arguments)
            case ToolResult():
                yield "error" if part.is_error else "result"
                yield from _texts(part.parts)
            case Media():
                yield part.data or part.url or part.file_id or ""
            case Opaque():
                yield part.kind


def _feed(state: hashlib.blake2b, texts: Iterable[str]) -> None:
    """Each with its length, so that no two sequences look the same."""
    data = [text.encode("utf-8", "surrogatepass") for text in texts]
    state.update(len(data).to_bytes(4, "big"))
    for one in data:
        state.update(len(one).to_bytes(8, "big"))
        state.update(one)
