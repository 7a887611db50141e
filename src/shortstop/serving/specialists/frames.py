"""What the gateway and its specialists' process say to each other: length, then MessagePack."""

from __future__ import annotations

from typing import BinaryIO

import msgspec
from msgspec import Struct

from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query

LENGTH_BYTES = 4
MAX_FRAME = 64 << 20


class Question(Struct, array_like=True):
    """Asks `specialist`, by the name of its folder, about a request."""

    number: int
    specialist: str
    query: Query


class Told(Struct, array_like=True):
    """The opinion that question `number` got; `error` says why a specialist cannot be asked."""

    number: int
    opinion: Opinion | None = None
    error: str | None = None


def framed(messages: list[Question] | list[Told]) -> bytes:
    data = msgspec.msgpack.encode(messages)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def length(head: bytes) -> int:
    """Raises ValueError where the other side is out of step."""
    size = int.from_bytes(head, "big")
    if size > MAX_FRAME:
        raise ValueError(f"a frame of {size} bytes")
    return size


def questions(stream: BinaryIO) -> list[Question] | None:
    """The next frame; None at the end."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return msgspec.msgpack.decode(stream.read(length(head)), type=list[Question])


def told(data: bytes) -> list[Told]:
    return msgspec.msgpack.decode(data, type=list[Told])
