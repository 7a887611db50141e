"""Ids of tool calls that no vendor gave."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from shortstop.types import Choice, Request, ToolCall


class Salt:
    """What ids in the answer to `request` are made from: the conversation, so that the same
    question has the same ids, whole and streamed, and the next turn has others. It is worked out
    for who asks for its text: most answers bring all of their ids."""

    __slots__ = ("_request", "_text")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._text = ""

    def __str__(self) -> str:
        if not self._text:
            asked = msgspec.json.encode((self._request.model, self._request.messages))
            self._text = hashlib.blake2b(asked, digest_size=12).hexdigest()
        return self._text


def made_id(salt: object, choice: int, number: int) -> str:
    """The id of the call with that number in an answer's alternative `choice`; of the salt, its
    text counts."""
    place = f"{salt} {choice} {number}".encode()
    return f"call_{hashlib.blake2b(place, digest_size=12).hexdigest()}"


class GivenIds:
    """The ids of one alternative's calls: a missing or repeated one is replaced."""

    def __init__(self, salt: object, choice: int = 0) -> None:
        self._salt, self._choice = salt, choice
        self._taken: set[str] = set()
        self._count = 0

    def next(self, id: str | None) -> str:
        """The id of the next call, for which the vendor gave `id`."""
        if not id or id in self._taken:
            id = made_id(self._salt, self._choice, self._count)
        self._count += 1
        self._taken.add(id)
        return id


def identified(choice: Choice, salt: object) -> Choice:
    """The alternative, each of its calls with an id of its own."""
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    if len({call.id for call in calls} - {""}) == len(calls):
        return choice
    ids = GivenIds(salt, choice.index)
    parts = [
        replace(part, id=ids.next(part.id)) if isinstance(part, ToolCall) else part
        for part in choice.parts
    ]
    return replace(choice, parts=tuple(parts))
