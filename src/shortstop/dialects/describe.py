"""What a dialect is, as data: everything that the other rooms need to know of a vendor's API.

Each dialect has a folder with one `Description` in its `describe.py`; `table.py` holds them all. A
dialect that is new touches its folder and the list in `dialects/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import msgspec

from shortstop import bounded
from shortstop.dialects.batching import BatchApi
from shortstop.dialects.sse import PING
from shortstop.errors import ShortstopError, UpstreamFailed
from shortstop.ports import Dialect, StreamEncoder
from shortstop.types import DialectName, Json, Reply, Request, Usage, WireWords

NONE: frozenset[str] = frozenset()
USUAL = frozenset(["tools", "json", "vision", "thinking", "audio", "file"])
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""How hard to think, in all vendors' words, from least to most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How tokens of a prompt are counted over HTTP: at the vendor under `path`, for our clients
    under `route`, without `/v1`. The vendor is sent the `fields` of a request's body; `result` is
    the field of the answer that holds the count."""

    path: str
    result: str
    fields: frozenset[str] = NONE
    route: str | None = None

    def question(self, body: Json) -> bytes:
        """The part of a request's body that is counted."""
        return msgspec.json.encode({k: v for k, v in body.items() if k in self.fields})

    def decode(self, body: bytes) -> int:
        """The number of tokens. Raises UpstreamFailed when the bytes hold none."""
        try:
            return int(bounded.decode(body)[self.result])
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise UpstreamFailed("The server did not count the tokens.") from error

    def encode(self, tokens: int) -> bytes:
        """The answer to a client that asked for a count."""
        return msgspec.json.encode({self.result: tokens})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How clients of a dialect are served, under `path` without `/v1`.

    `media_type` is that of a stream. `keepalive` is sent on an idle one: bytes that every client
    of the dialect skips.
    """

    path: str
    media_type: str = "text/event-stream; charset=utf-8"
    keepalive: bytes = PING


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """How a vendor that speaks a dialect is reached: a data row, not a class each.

    `alias` is what `dialect = ` calls it in the configuration of an upstream. Clients present
    their keys to us in `key_header`, too. `abilities`: what the dialect itself gives, whatever
    the model, such as "n" for several answers to one request. `usual` is what a model is taken to
    be able to of which nothing is known. Its models are listed under `models`. `batching` is how it
    takes many requests at once for a lower price, None: it does not.
    """

    alias: str
    path: str
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict)
    abilities: frozenset[str] = NONE
    usual: frozenset[str] = USUAL
    models: str = "/models"
    batching: BatchApi | None = None

    def key(self, secret: str) -> Mapping[str, str]:
        """The header that presents an API key."""
        return {self.key_header: self.key_prefix + secret}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a dialect takes, as far as its vendor documents or enforces it; None: no limit
    is known.

    `tool_name`, `call_id` and `user` are lengths in characters. Names of tools are letters, digits,
    `_` and `-` everywhere; `plain_call_ids` holds the ids of calls to the same alphabet.
    `blank_stops`: whether stop sequences may be white space. `failed_results`: whether the result
    of a tool can say that it failed; `media_in_results`: whether it can hold pictures and files.
    `asks_user`: some message must be a user's. `temperature_or_top_p`: it takes only one of them.
    `efforts` are its words for how hard to think, from least to most.
    """

    stop_sequences: int | None = None
    blank_stops: bool = True
    tool_name: int | None = None
    call_id: int | None = None
    plain_call_ids: bool = False
    user: int | None = None
    failed_results: bool = False
    media_in_results: bool = True
    asks_user: bool = False
    temperature_or_top_p: bool = False
    efforts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageFormat:
    """How a dialect writes token usage: the fields by which it is recognised, and its reader,
    which raises TypeError for what is not a count."""

    marks: frozenset[str]
    read: Callable[[Any], Usage | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One dialect. Only the name, the route, the usage format and the words are compulsory."""

    name: DialectName
    route: Route
    usage: UsageFormat
    words: WireWords
    """The vocabulary of its requests and answers, for privacy."""
    vendor: Vendor | None = None
    """None: no upstream is asked in this dialect, it is for clients alone."""
    fields: frozenset[str] = NONE
    """Top-level fields that its vendor documents and no neutral field of `Request` holds."""
    kin: frozenset[DialectName] = NONE
    """Dialects in which `fields` of the same name mean the same."""
    shared_tools: frozenset[str] = NONE
    """Types of tools, other than functions, that its kin can offer, too."""
    says: frozenset[str] = NONE
    """What it has words for besides messages: fields of `Sampling`, kinds of `Format`, "tools",
    "metadata"."""
    pinning: tuple[str, ...] = ()
    """Fields that refer to state at the vendor, about which no other dialect can ask."""
    batch: bool = False
    """Whether its messages are separate prompts, not a dialogue."""
    stream_fields: frozenset[str] = frozenset(["stream"])
    """Top-level fields that are about streaming alone."""
    temperature: str = "temperature"
    """The top-level field of the temperature."""
    counting: Counting | None = None
    betas: str | None = None
    """The header that names features which are not open to everyone."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """HTTP statuses that its clients know under another number."""
    optional_tools: frozenset[str] = NONE
    """Types of tools that run at its vendor and that a client offers by default: an answer without
    them is still one to the question."""
    marks_caches: bool = False
    """Whether its vendor caches prompts only up to where a request says so."""
    users_are_accounts: bool = False
    """Whether its clients name an account at its vendor as their user."""
    limits: Limits = Limits()

    def effort(self, effort: str | None) -> str | None:
        """How hard to think in this dialect's words: the nearest that it has."""
        own = self.limits.efforts
        if effort is None or not own or effort in own or effort not in EFFORTS:
            return effort
        rank = EFFORTS.index(effort)
        return min(own, key=lambda word: abs(EFFORTS.index(word) - rank))

    def status_of(self, error: ShortstopError) -> int:
        """The HTTP status under which clients of this dialect know the error."""
        return self.statuses.get(error.status, error.status)

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


class StatefulEncoder(StreamEncoder, Protocol):
    """Encodes a stream whose whole answer may be stored."""

    @property
    def response(self) -> Json | None:
        """The object that was streamed, as the client knows it; None until it has ended well."""


@runtime_checkable
class StatefulDialect(DescribedDialect, Protocol):
    """A dialect whose clients may continue a conversation that the server has stored."""

    def response(self, reply: Reply, request: Request) -> Json:
        """A whole answer as an object: what `encode_reply` writes."""

    def stream_encoder(self, request: Request, created: int) -> StatefulEncoder: ...
