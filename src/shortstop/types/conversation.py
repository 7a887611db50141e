"""What a client asks: messages, tools, sampling, and who asks."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import Struct

from shortstop.types.batches import LinePlace
from shortstop.types.runs import RunLimits
from shortstop.types.tracing import TraceContext

Json = dict[str, Any]

Role = Literal["system", "developer", "user", "assistant", "tool"]
MediaKind = Literal["image", "audio", "video", "file"]


class Text(Struct, frozen=True, tag="text"):
    """Plain text of a message."""

    text: str
    extra: Json = {}


class Media(Struct, frozen=True, tag="media"):
    """An image, a sound or a file: inline (`data`, base64) or by reference (`url` or `file_id`)."""

    kind: MediaKind
    mime: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    name: str | None = None
    extra: Json = {}


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """A call that the model asks for. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str
    extra: Json = {}


class ToolResult(Struct, frozen=True, tag="tool_result"):
    """What the tool answered to the call `call_id`."""

    call_id: str
    parts: tuple[Text | Media | Opaque, ...] = ()
    is_error: bool = False
    extra: Json = {}


class Thinking(Struct, frozen=True, tag="thinking"):
    """Reasoning: readable text with the vendor's signature, or only opaque `redacted` data."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    extra: Json = {}


class Refusal(Struct, frozen=True, tag="refusal"):
    """The model declined, in its own words."""

    text: str


class Opaque(Struct, frozen=True, tag="opaque"):
    """A part that only its vendor knows: it goes back to it as it came, and is told to others in
    words where its strings can be read."""

    kind: str
    raw: Json


Part = Text | Media | ToolCall | ToolResult | Thinking | Refusal | Opaque


class Message(Struct, frozen=True):
    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    extra: Json = {}

    @property
    def text(self) -> str:
        """All plain text of the message, parts joined by a newline."""
        return "\n".join(p.text for p in self.parts if isinstance(p, Text))


class Tool(Struct, frozen=True):
    """A function that the model may call. `schema` is the JSON Schema of its arguments."""

    name: str
    description: str = ""
    schema: Json = {}
    strict: bool | None = None
    extra: Json = {}


class ToolChoice(Struct, frozen=True):
    """Which calls are allowed: `mode` for all tools, or only the named ones in `names`."""

    mode: Literal["none", "auto", "required"] = "auto"
    names: tuple[str, ...] = ()


class Format(Struct, frozen=True):
    """The promised shape of the answer."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    schema: Json = {}
    name: str = "answer"
    strict: bool = False


class Sampling(Struct, frozen=True):
    """How to generate. None means: not said, the target's default holds."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Json | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    n: int = 1
    reasoning_effort: str | None = None
    verbosity: str | None = None
    thinking_budget: int | None = None


class Party(NamedTuple):
    """For whom something waits: between tenants, then between the keys of one, turns are taken.

    A client without a key is its own tenant, by its address. `background` is work that no client
    waits for: it gets what clients leave.
    """

    tenant: str = ""
    key: str = ""
    background: bool = False


DialectName = str
"""The name of a dialect in the table of `shortstop.dialects`, such as "openai.chat"."""


class Request(Struct, frozen=True):
    """One chat request, neutral in its fields and lossless in `body`.

    `body` is the client's JSON as parsed, in its own `dialect`; everything else is derived
    from it by that dialect's decoder. A target of the same dialect is sent `body`, so unknown
    fields and key order survive; any other target, and a request whose `body` is empty, is sent
    an encoding of the neutral fields. `betas` names features that are not open to everyone, as
    the client lists them in a header of its dialect: without it the vendor refuses their fields.
    `continues` is the stored response whose conversation `body` already holds; `stored`: its answer
    is to be one, so it waits for stores rather than be pinned. `party` is for whom it waits where
    requests queue. `tariff` says how it asks to be served where that is not the
    standard way, as `Usage.served` does, and `searches` how many on the web it allows its vendor.
    `cache_scope`: a dialect that must be told what its vendor is to cache is told, for hits of this
    scope ("": of the whole account); None: it is not. `headers` are those of the client's, by name
    in small letters, that the operator lets some vendor be told. `trace_context` is its place in a
    distributed trace, where the gateway takes part in one.
    """

    id: str
    dialect: DialectName
    body: Json
    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool | None = None
    sampling: Sampling = Sampling()
    format: Format = Format()
    stream: bool = False
    stream_usage: bool = False
    user: str | None = None
    metadata: Json = {}
    extra: Json = {}
    betas: tuple[str, ...] = ()
    continues: str | None = None
    stored: bool = False
    party: Party = Party()
    tariff: tuple[str, ...] = ()
    searches: int = 0
    cache_scope: str | None = None
    trace_context: TraceContext | None = None
    headers: dict[str, str] = {}


UNNAMED = "~"
"""How the name of a conversation begins that the client did not name: known by its first words,
which other dialogues may begin with as well."""


CallerRole = Literal["user", "reviewer", "judge"]
"""As whom a caller's feedback counts: an end user, a person whom the operator trusts to review
answers, or a model that judges them."""


CacheUse = Literal["", "use", "bypass"]
"""What a client says of answers that were given before, in its header `x-shortstop-cache`."""


class Caller(Struct, frozen=True):
    """Who asks: the tenant and key that pay, and what the caller may do.

    `conversation` groups the requests of one dialogue; `task` is the caller's own hint
    (header `x-shortstop-task`); `targets` limits the choice, empty means all. `run` is the run
    that a request is a step of, as the client calls it or, once it is recognised, as the gateway
    does. `user` is the end user whom the client names, `tag` what it groups its requests by (header
    `x-shortstop-tag`), both as rows may keep them. `run_limits` are the key's own for each of its
    runs, `run_caps` what the client lowers them to. `traceparent` and `tracestate` are the headers
    of that name, as they came. `line`: which line of a batch the request is, None: of none.
    """

    tenant: str = "default"
    key: str | None = None
    conversation: str | None = None
    task: str | None = None
    targets: frozenset[str] = frozenset()
    role: CallerRole = "user"
    run: str | None = None
    user: str | None = None
    tag: str | None = None
    run_limits: RunLimits = RunLimits()
    run_caps: RunLimits = RunLimits()
    cache: CacheUse = ""
    traceparent: str | None = None
    tracestate: str | None = None
    line: LinePlace | None = None

    def may_use(self, target: str) -> bool:
        return not self.targets or target in self.targets
