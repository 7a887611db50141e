"""Whose request and answer a logged body is, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from shortstop.dialects.logs import line
from shortstop.dialects.table import every, read_usage
from shortstop.dialects.table import get as dialect_named
from shortstop.dialects.usage import usage_of
from shortstop.errors import ShortstopError
from shortstop.types import Choice, DialectName, Json, Text, Usage

CHAT, MESSAGES = "openai.chat", "anthropic.messages"
RESPONSES, COMPLETIONS = "openai.responses", "openai.completions"
_ANSWERS = {
    "chat.completion": CHAT,
    "response": RESPONSES,
    "text_completion": COMPLETIONS,
    "message": MESSAGES,
}
"""Whose answer it is, by its `object` or `type`."""
_BLOCKS = frozenset(["tool_use", "tool_result", "thinking"])
"""Kinds of parts of messages that only one vendor has."""
ROLES = frozenset(["user", "assistant", "system", "developer", "tool"])


def asks(tree: Any) -> bool:
    """Whether it is the body of a request for an answer."""
    if not isinstance(tree, dict):
        return False
    return isinstance(tree.get("messages"), list) or (
        "model" in tree and ("input" in tree or isinstance(tree.get("prompt"), str))
    )


def dialect_of(body: Json | None, answer: Any = None, url: Any = None) -> DialectName:
    """By the path, by the answer's own word, else by what only one vendor writes.

    Raises NoModelCall for a path of something else.
    """
    if isinstance(url, str):
        return _at(url)
    kind = line.get(answer, "object") or line.get(answer, "type")
    if isinstance(kind, str) and kind in _ANSWERS:
        return _ANSWERS[kind]
    if body is None or isinstance(body.get("messages"), list):
        return MESSAGES if body is not None and _is_messages(body) else CHAT
    return RESPONSES if "input" in body else COMPLETIONS


def _at(url: str) -> DialectName:
    for dialect in every():
        if url.partition("?")[0].endswith(dialect.description.route.path):
            return dialect.description.name
    raise line.NoModelCall(f"url {url!r} is not a chat completion")


def _is_messages(body: Json) -> bool:
    if "system" in body or any("input_schema" in tool for tool in _tables(body.get("tools"))):
        return True
    parts = (
        part.get("type")
        for message in _tables(body["messages"])
        for part in _tables(message.get("content"))
    )
    return any(kind in _BLOCKS for kind in parts)


def _tables(told: Any) -> Iterator[Json]:
    return (one for one in told if isinstance(one, dict)) if isinstance(told, list) else iter(())


def answer_of(dialect: DialectName, told: Any) -> tuple[Choice, ...] | None:
    """The choices of a logged answer: a vendor's, our own, a message, or the bare text. None where
    there is none that can be read."""
    told = line.value(told)
    if isinstance(told, str):
        streamed = told.startswith(("data:", "event:"))
        return None if streamed or not told else (Choice(parts=(Text(told),), finish="stop"),)
    if isinstance(told, list) and told and all(isinstance(one, dict) for one in told):
        told = {"choices": told} if "parts" in told[0] else told[-1]
    if not isinstance(told, dict) or not told:
        return None
    try:
        choices = told.get("choices")
        if isinstance(choices, list) and choices and "parts" in choices[0]:
            return msgspec.convert(choices, tuple[Choice, ...])
        if told.get("role") == "assistant" and "type" not in told:
            dialect, told = CHAT, {"choices": [{"message": told, "finish_reason": "stop"}]}
        elif isinstance(line.get(told, "completion", "content", "text", "output"), str):
            return answer_of(dialect, line.get(told, "completion", "content", "text", "output"))
        kind = line.get(told, "object") or line.get(told, "type")
        dialect = _ANSWERS.get(kind, dialect) if isinstance(kind, str) else dialect
        return dialect_named(dialect).decode_reply(msgspec.json.encode(told)).choices
    except (ShortstopError, msgspec.MsgspecError, TypeError, KeyError, AttributeError, ValueError):
        return None


def spoken(body: Json) -> tuple[Json, Json | None]:
    """A request without the answer that stands as its last message, and that answer: how lines for
    fine-tuning and logs of whole conversations are written."""
    messages = body.get("messages")
    if not isinstance(messages, list) or len(messages) < 2:
        return body, None
    last = messages[-1]
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return body, None
    return {**body, "messages": messages[:-1]}, last


def usage_in(*places: Any) -> Usage | None:
    """The first usage that one of these tells, in any dialect, as disjoint classes."""
    for place in places:
        told = line.get(place, "usage", "usage_object")
        usage = read_usage(told, place) or usage_of(told, answer=place)
        if usage is not None:
            return usage
    return None
