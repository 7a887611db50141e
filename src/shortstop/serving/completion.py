"""Single fields that a specialist is not sure of: another model is asked for these alone.

What is asked is a request of its own: the same text, a short instruction, the fields as a JSON
Schema. Privacy judges it like any other before it leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from shortstop.dialects import with_body
from shortstop.errors import PartlyAnswered, UpstreamFailed
from shortstop.types import (
    Caller,
    Clearance,
    Format,
    Json,
    Message,
    Reply,
    Request,
    Sampling,
    Text,
)

DIALECT = "openai.chat"
INSTRUCTION = (
    "Read these fields out of the text of the user's message and answer with a JSON object that has"
    " them and nothing else: {fields}. Copy values as they are written; null where one is absent."
)
TOKENS_PER_FIELD = 120
SCALAR: Json = {"type": ["string", "number", "boolean", "null"]}

Ask = Callable[[str, Request, Clearance], Awaitable[Reply]]
Clear = Callable[[Request, Caller], Awaitable[Clearance]]
Complete = Callable[[Request, Caller, tuple[str, ...], str], Awaitable[Reply]]
"""What a `Completion` does: (request, caller, missing fields, target) -> the target's answer."""


class Completion:
    """`clear` judges what is asked, `ask` asks a target by name."""

    def __init__(self, clear: Clear, ask: Ask) -> None:
        self._clear = clear
        self._ask = ask

    async def __call__(
        self, request: Request, caller: Caller, missing: tuple[str, ...], target: str
    ) -> Reply:
        """What `target` says of the missing fields. Raises TargetError or PrivacyRefused."""
        asked = with_body(short_request(request, missing))
        return await self._ask(target, asked, await self._clear(asked, caller))


def filled_in(part: PartlyAnswered, said: Reply) -> Reply:
    """The whole answer. Raises UpstreamFailed where `said` does not have the fields."""
    text = merged(part.reply.text, part.missing, said.text)
    choice = msgspec.structs.replace(part.reply.choices[0], parts=(Text(text),))
    whole: Reply = msgspec.structs.replace(part.reply, choices=(choice,))
    return whole


def short_request(request: Request, missing: tuple[str, ...]) -> Request:
    """For the `missing` fields of the answer to `request`."""
    wanted = {name: _schema_of(request.format.schema, name) for name in missing}
    schema = {
        "type": "object",
        "properties": wanted,
        "required": list(missing),
        "additionalProperties": False,
    }
    instruction = INSTRUCTION.format(fields=", ".join(missing))
    messages = Message("system", (Text(instruction),)), Message("user", request.messages[-1].parts)
    return Request(
        f"{request.id}-fields",
        DIALECT,
        {},
        request.model,
        messages,
        sampling=Sampling(max_tokens=TOKENS_PER_FIELD * len(missing), temperature=0),
        format=Format("json_schema", schema, "fields"),
        party=request.party,
        trace_context=request.trace_context,
    )


def _schema_of(schema: Json, name: str) -> Json:
    """What the client's own schema says of a field `a.b`; any scalar where it says nothing."""
    found: Any = schema
    for part in name.split("."):
        inner = found.get("properties") if isinstance(found, dict) else None
        found = inner.get(part) if isinstance(inner, dict) else None
    return found if isinstance(found, dict) and "$ref" not in found else SCALAR


def merged(answer: str, missing: tuple[str, ...], said: str) -> str:
    """`answer` with the fields of `said` in the places that are left. Raises UpstreamFailed where
    they are not all there."""
    try:
        tree, fields = msgspec.json.decode(answer), msgspec.json.decode(said)
        for name in missing:
            *path, last = name.split(".")
            place = tree
            for part in path:
                place = place[part]
            place[last] = fields[name]
    except (msgspec.DecodeError, KeyError, TypeError, UnicodeError, RecursionError) as error:
        raise UpstreamFailed("The fields that were asked for are not in the answer.") from error
    return msgspec.json.encode(tree).decode()
