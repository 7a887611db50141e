"""Tool calls that a run makes again and again without anything new coming of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from shortstop import bounded
from shortstop.types import Message, Part, Text, ToolCall, ToolResult

_ENCODE = msgspec.json.Encoder(order="deterministic").encode


class CallKey(NamedTuple):
    """A call by what it asks for: two with the same tool and canonical arguments are the same."""

    name: str
    arguments: str

    @classmethod
    def of(cls, call: ToolCall) -> CallKey:
        return cls(call.name, canonical(call.arguments))


class _Streak(NamedTuple):
    """How often a call has had the same result in a row, and which."""

    times: int
    result: object


def canonical(arguments: str) -> str:
    """JSON without its spelling: keys in order, no spaces, whole numbers as such. Any other text
    as it is, without the space around it."""
    try:
        return _ENCODE(_plain(bounded.decode(arguments or "{}"))).decode()
    except (ValueError, TypeError, RecursionError, OverflowError):
        return arguments.strip()


def used_up(
    messages: Iterable[Message], most: int, *, unchanged: bool, polls: Sequence[str] = ()
) -> frozenset[CallKey]:
    """The calls that were made `most` times; with `unchanged`, with the same result each time
    since. Tools that match one of `polls` never are among them."""
    streaks: dict[CallKey, _Streak] = {}
    asked: dict[str, CallKey] = {}
    for part in _calls_and_results(messages):
        if isinstance(part, ToolCall):
            asked[part.id] = CallKey.of(part)
        elif part.call_id in asked:
            _count(streaks, asked.pop(part.call_id), _result(part), unchanged=unchanged)
    for key in asked.values():  # no result has come yet
        _count(streaks, key, None, unchanged=False)
    return frozenset(
        key
        for key, streak in streaks.items()
        if streak.times >= most and not any(fnmatchcase(key.name, poll) for poll in polls)
    )


def _count(
    streaks: dict[CallKey, _Streak], key: CallKey, result: object, *, unchanged: bool
) -> None:
    before = streaks.get(key)
    news = before is None or (unchanged and before.result != result)
    streaks[key] = _Streak(1 if news or before is None else before.times + 1, result)


def _calls_and_results(messages: Iterable[Message]) -> Iterable[ToolCall | ToolResult]:
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall | ToolResult):
                yield part


def _result(result: ToolResult) -> object:
    """What two results are compared by."""
    return result.is_error, tuple([_shown(part) for part in result.parts])


def _shown(part: Part) -> object:
    return part.text.strip() if isinstance(part, Text) else part


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value
