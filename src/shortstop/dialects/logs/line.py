"""One call of a model as somebody logged it, and how loosely logs write what it holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.types import Choice, DialectName, Json, Usage

_MILLI, _MICRO = 1e11, 1e14
"""From these on a time is in milliseconds, in microseconds: seconds reach them in the year 5138."""
_LIST_MARKS = ("[", "{")


class NoModelCall(ValueError):
    """A row that is of something else: a span, an embedding, a failed call."""


class LogLine(Struct, frozen=True):
    """`body` is None where what was asked was not kept, `answer` where what was answered was not.

    `cost` is what the log says that it cost, in US dollars; `at` Unix time in seconds. `local`: the
    answer was not a vendor's. `join` is shared by the two halves of a call that are logged apart.
    """

    form: str
    dialect: DialectName
    body: Json | None
    answer: tuple[Choice, ...] | None = None
    model: str | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    at: float | None = None
    task: str | None = None
    user: str | None = None
    conversation: str | None = None
    tags: tuple[str, ...] = ()
    local: bool = False
    join: str | None = None


def tree_of(line: str | bytes) -> Json:
    """Raises ValueError for what is no JSON object."""
    try:
        tree = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ValueError(f"not JSON: {e}") from e
    if not isinstance(tree, dict):
        raise ValueError(f"a JSON {type(tree).__name__}, not an object")  # noqa: TRY004 - of the line
    return tree


def get(tree: Any, *names: str) -> Any:
    """The first of these fields that is there and holds something; None where none does."""
    if not isinstance(tree, dict):
        return None
    return next((tree[name] for name in names if tree.get(name) not in (None, "", {}, [])), None)


def value(told: Any) -> Any:
    """What a field holds, also where a log keeps JSON as a text."""
    if isinstance(told, str) and told.lstrip().startswith(_LIST_MARKS):
        try:
            return msgspec.json.decode(told)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return told
    return told


def table(told: Any) -> Json | None:
    """An object, also where a log holds it as a text; None for an empty one."""
    found = value(told)
    return found if isinstance(found, dict) and found else None


def text(told: Any) -> str | None:
    return told if isinstance(told, str) and told else None


def money(told: Any) -> Decimal | None:
    """US dollars; None for what is no amount."""
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return None
    try:
        amount = Decimal(str(told).strip().lstrip("$"))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def moment(told: Any) -> float | None:
    """Unix time in seconds of a number or of a date and time, which is UTC unless it says."""
    if isinstance(told, str):
        number = _number(told)
        if number is None:
            return _date(told)
        told = number
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        return None
    if told <= 0:
        return None
    return told / (1e6 if told >= _MICRO else 1e3 if told >= _MILLI else 1.0)


def _number(told: str) -> float | None:
    try:
        return float(told)
    except ValueError:
        return None


def _date(told: str) -> float | None:
    try:
        when = datetime.fromisoformat(told.strip().removesuffix(" UTC"))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def names(told: Any) -> tuple[str, ...]:
    """A list of tags, or the fields of a table as `name:value`."""
    found = value(told)
    if isinstance(found, Mapping):
        pairs = ((k, v) for k, v in found.items() if isinstance(v, str | int | float))
        return tuple(f"{k}:{v}" for k, v in pairs)
    return tuple(str(one) for one in found if one) if isinstance(found, list) else ()
