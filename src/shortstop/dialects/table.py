"""The one table of dialects, filled by `shortstop.dialects`, and what is derived from all of it.

It knows no dialect itself, so that each may ask what the others are like.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.dialects.describe import DescribedDialect, Description
from shortstop.dialects.usage import beyond_tokens
from shortstop.types import DialectName, Json, Request, Usage, WireWords

TABLE: dict[DialectName, DescribedDialect] = {}

NEUTRAL_WORDS = WireWords(names=frozenset(["parts"]))
"""Of `Request` itself, for requests that have no vendor's body."""


def register(*dialects: DescribedDialect) -> None:
    """List dialects. Raises ValueError when a name, path or alias is taken."""
    for dialect in dialects:
        taken = {mark for other in TABLE.values() for mark in _marks(other.description)}
        if clash := taken & {*_marks(dialect.description)}:
            raise ValueError(f"taken by another dialect: {', '.join(sorted(clash))}")
        TABLE[dialect.description.name] = dialect


def _marks(description: Description) -> list[str]:
    """What must differ between dialects."""
    marks = [f"name {description.name}", f"path {description.route.path}"]
    return marks + ([f"alias {description.vendor.alias}"] if description.vendor else [])


def get(name: DialectName) -> DescribedDialect:
    """The dialect of that name. Raises KeyError."""
    return TABLE[name]


def redecoded(request: Request, body: Json) -> Request:
    """`request` with a rewritten body, decoded again in its own dialect. Raises InvalidRequest."""
    again = get(request.dialect).decode_request(body, request.id)
    return replace(again, betas=request.betas, headers=request.headers, party=request.party)


def description_of(name: DialectName) -> Description:
    """The description of the dialect of that name. Raises KeyError."""
    return TABLE[name].description


def with_body(request: Request) -> Request:
    """A request of our own making as a client would have sent it, so that privacy can rewrite its
    body. Raises UpstreamRejected for what its dialect cannot say."""
    dialect = get(request.dialect)
    body = msgspec.json.decode(dialect.encode_request(request, request.model))
    return dialect.decode_request(body, request.id)


def every() -> tuple[DescribedDialect, ...]:
    """All dialects, in the order of the table."""
    return tuple(TABLE.values())


def upstream_dialects() -> Mapping[str, DescribedDialect]:
    """By alias: the dialects in which an upstream may be asked."""
    return {d.description.vendor.alias: d for d in every() if d.description.vendor}


def key_headers() -> tuple[str, ...]:
    """The headers in which clients of some dialect present a bare API key."""
    vendors = [d.description.vendor for d in every()]
    return tuple(dict.fromkeys(v.key_header for v in vendors if v and not v.key_prefix))


def wire_words() -> WireWords:
    """The vocabulary of all dialects together."""
    return reduce(WireWords.__or__, (d.description.words for d in every()), NEUTRAL_WORDS)


def read_usage(value: Any, answer: Any = None) -> Usage | None:
    """Token usage in the format of any dialect, as it stands in `answer`; None when it is in none,
    or malformed."""
    if not isinstance(value, dict):
        return None
    formats = [d.description.usage for d in every() if d.description.usage.marks <= value.keys()]
    if not formats:
        return None
    closest = max(formats, key=lambda usage: len(usage.marks))
    try:
        return beyond_tokens(closest.read(value), value, answer)
    except (TypeError, AttributeError):
        return None
