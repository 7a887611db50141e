"""What a dialect is, as data: everything that the other rooms need to know of a vendor's API.

Each dialect has a folder with one `Description` in its `describe.py`; `table.py` holds them all. A
dialect that is new touches its folder and the list in `dialects/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from shortstop.errors import UpstreamFailed
from shortstop.ports import Dialect
from shortstop.types import DialectName, Json, Usage, WireWords

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """A way to have a prompt's tokens counted. `path` is that of the server that counts, `fields`
    are what it reads of a request's body, `result` is the field of its answer that holds the
    count."""

    path: str
    result: str
    fields: frozenset[str] = NONE

    def question(self, body: Json) -> bytes:
        """The part of a request's body that is counted."""
        return msgspec.json.encode({k: v for k, v in body.items() if k in self.fields})

    def decode(self, body: bytes) -> int:
        """The number of tokens. Raises UpstreamFailed when the bytes hold none."""
        try:
            return int(msgspec.json.decode(body)[self.result])
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise UpstreamFailed("The server did not count the tokens.") from error

    def encode(self, tokens: int) -> bytes:
        """The answer to a client that asked for a count."""
        return msgspec.json.encode({self.result: tokens})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How clients of a dialect are served. Paths are without `/v1`.

    `keepalive` is sent on an idle stream: bytes that every client of this dialect skips, or none.
    `stateful`: clients may continue a conversation that the server has stored.
    """

    path: str
    counting: str | None = None
    media_type: str = "text/event-stream; charset=utf-8"
    keepalive: bytes = b": ping\n\n"
    stateful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """How a vendor that speaks a dialect is reached: a data row, not a class each.

    `alias` is what `dialect = ` calls it in the configuration of an upstream. Clients present
    their keys to us in `key_header`, too. `abilities`: what the dialect itself gives, whatever
    the model, such as "n" for several answers to one request.
    """

    alias: str
    path: str
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict)
    counting: Counting | None = None
    abilities: frozenset[str] = NONE

    def key(self, secret: str) -> Mapping[str, str]:
        """The header that presents an API key."""
        return {self.key_header: self.key_prefix + secret}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a dialect takes, as far as its vendor documents or enforces it; None: no limit
    is known.

    `tool_name` and `call_id` are lengths in characters. Names of tools are letters, digits, `_`
    and `-` everywhere; `plain_call_ids` holds the ids of calls to the same alphabet.
    """

    stop_sequences: int | None = None
    tool_name: int | None = None
    call_id: int | None = None
    plain_call_ids: bool = False


@dataclass(frozen=True, slots=True)
class UsageFormat:
    """How a dialect writes token usage: the fields by which it is recognised, and its reader,
    which raises TypeError for what is not a count."""

    marks: frozenset[str]
    read: Callable[[Any], Usage | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One dialect.

    `fields` are the top-level fields that its vendor documents and that no neutral field of
    `Request` holds; dialects that are `kin` give fields of the same name the same meaning, and
    share the tools of the types in `shared_tools`. `unsayable` names what it has no words for:
    fields of `Sampling`, kinds of `Format`, "tools", "metadata". `pinning` are fields that refer
    to state at the vendor, which no other dialect can ask about. `batch`: messages are separate
    prompts, not a dialogue. `stream_fields` are about streaming alone, `temperature` is where the
    temperature is. `betas` is the header that names features not open to everyone.
    """

    name: DialectName
    route: Route
    usage: UsageFormat
    words: WireWords
    vendor: Vendor | None = None
    fields: frozenset[str] = NONE
    kin: frozenset[DialectName] = NONE
    shared_tools: frozenset[str] = NONE
    unsayable: frozenset[str] = NONE
    pinning: tuple[str, ...] = ()
    batch: bool = False
    stream_fields: frozenset[str] = frozenset(["stream"])
    temperature: str = "temperature"
    betas: str | None = None
    limits: Limits = Limits()

    def unstreamed(self, body: Json) -> Json:
        """A request's body, for a whole answer."""
        return {k: v for k, v in body.items() if k not in self.stream_fields}

    def heated(self, body: Json, temperature: float) -> Json:
        """A request's body, for a whole answer at another temperature. A request without a body
        keeps having none: its neutral fields speak for it."""
        return {**self.unstreamed(body), self.temperature: temperature} if body else body


class DescribedDialect(Dialect, Protocol):
    """A dialect with its description: what `table.py` lists."""

    @property
    def description(self) -> Description: ...
