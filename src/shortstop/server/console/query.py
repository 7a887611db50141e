"""What an address of a page asks for. Whatever cannot be meant is an InvalidRequest."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import cast, get_args

from shortstop.console.durations import moment
from shortstop.errors import ConfigError, InvalidRequest
from shortstop.types import Tier
from shortstop.types.console import Kept, RowCursor, RowFilter, Side
from shortstop.types.report import BooksBy

LONGEST = 200
"""Characters of a name that are looked for."""

Query = Mapping[str, str]


def filter_in(query: Query, tenant: str | None, now: float) -> RowFilter:
    """Rows of `tenant`, which is the only one that may be seen, or was chosen; None: of all."""
    return RowFilter(
        tenant=tenant,
        task=text_in(query, "task"),
        target=text_in(query, "target"),
        side=cast(Side | None, one_of(query, "side", get_args(Side))),
        kept=cast(Kept | None, one_of(query, "kept", get_args(Kept))),
        tier=None if (tier := one_of(query, "tier", Tier.__members__)) is None else Tier[tier],
        search=text_in(query, "search"),
        since=moment_in(query, "since", now),
        until=moment_in(query, "until", now),
    )


def days_in(query: Query, known: Iterable[int]) -> int:
    """One of the `known` numbers of days, the first where nothing is said."""
    choices = {str(days): days for days in known}
    return choices[one_of(query, "days", choices) or next(iter(choices))]


def by_in(query: Query) -> BooksBy:
    return cast(BooksBy, one_of(query, "by", get_args(BooksBy)) or "day")


def cursor_in(query: Query) -> RowCursor | None:
    """The place from which a list goes on."""
    at, seq = query.get("at"), query.get("seq")
    if at is None and seq is None:
        return None
    try:
        return RowCursor(float(at or ""), int((seq or "")[:18]))
    except ValueError as error:
        raise InvalidRequest("This is no place in the list of rows.") from error


def text_in(query: Query, name: str) -> str | None:
    """None where nothing is said."""
    return query.get(name, "").strip()[:LONGEST] or None


def one_of(query: Query, name: str, known: Container[str]) -> str | None:
    """One of the words that are `known`."""
    value = text_in(query, name)
    if value is not None and value not in known:
        raise InvalidRequest(f"{value!r} is nothing that `{name}` can be.")
    return value


def moment_in(query: Query, name: str, now: float) -> float | None:
    """Unix time in seconds."""
    value = text_in(query, name)
    try:
        return None if value is None else moment(value, now)
    except ConfigError as error:
        raise InvalidRequest(error.message, hint=error.hint) from error
