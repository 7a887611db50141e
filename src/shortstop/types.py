"""The vocabulary: every noun that crosses a room's door. Imports nothing of the house.

All types are frozen and small. Where a type travels to disk or to another process its
fields are plain, so that `msgspec` encodes it without help.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, Literal

from msgspec import Struct

Json = dict[str, Any]

# ---------------------------------------------------------------- the conversation

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
    """A part of a kind that Shortstop does not know. Never leaves the machine, never guessed at."""

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
    thinking_budget: int | None = None


DialectName = Literal["openai.chat", "openai.responses", "openai.completions", "anthropic.messages"]


class Request(Struct, frozen=True):
    """One chat request, neutral in its fields and lossless in `body`.

    `body` is the client's JSON as parsed, in its own `dialect`; everything else is derived
    from it by that dialect's decoder. A target of the same dialect is sent `body`, so unknown
    fields and key order survive; any other target, and a request whose `body` is empty, is sent
    an encoding of the neutral fields. `betas` names what a client of Anthropic's dialect wants
    switched on (header `anthropic-beta`): the vendor refuses the fields of a beta without it.
    `continues` is the stored response whose conversation `body` already holds.
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


UNNAMED = "~"
"""How the name of a conversation begins that the client did not name: known by its first words,
which other dialogues may begin with as well."""


class Caller(Struct, frozen=True):
    """Who asks: the tenant and key that pay, and what the caller may do.

    `conversation` groups the requests of one dialogue; `task` is the caller's own hint
    (header `x-shortstop-task`); `targets` limits the choice, empty means all.
    """

    tenant: str = "default"
    key: str | None = None
    conversation: str | None = None
    task: str | None = None
    targets: frozenset[str] = frozenset()
    deadline_s: float | None = None


# ---------------------------------------------------------------- privacy


class Tier(IntEnum):
    """How sensitive: S0 nothing found, S1 weak alone, S2 identifies, S3 never leaves."""

    S0 = 0
    S1 = 1
    S2 = 2
    S3 = 3


class Reach(IntEnum):
    """How far a request may travel; higher is more restrictive, so `max` combines verdicts."""

    ANYWHERE = 0
    PSEUDONYMISED = 1
    LOCAL_ONLY = 2
    REFUSED = 3


class Finding(Struct, frozen=True):
    """Where a detector fired. Never carries the value itself.

    `path` is a JSON path in the request's body; `start` and `end` are character offsets
    in that string leaf, end exclusive.
    """

    label: str
    tier: Tier
    rule: str
    path: str
    start: int = 0
    end: int = 0


class Clearance(Struct, frozen=True):
    """The privacy verdict over a whole request."""

    tier: Tier
    reach: Reach
    labels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    policy: str = "builtin-1"
    findings: tuple[Finding, ...] = ()


class Cleared(Struct, frozen=True):
    """A request that may be sent to the remote target `target`, and only there.

    Made by `privacy` alone (a test over the syntax tree holds it); the only thing an upstream
    accepts. `request` is what may leave: pseudonymised already where the clearance says so.
    """

    request: Request
    clearance: Clearance
    target: str


# ---------------------------------------------------------------- targets and decisions


class Target(Struct, frozen=True):
    """A named model that can answer."""

    name: str
    model: str
    local: bool
    provider: str
    context: int
    abilities: frozenset[str] = frozenset()
    max_output: int | None = None
    price: str | None = None
    region: str | None = None


class Decision(Struct, frozen=True):
    """What to do with a request, and with which probability this was chosen.

    `plan` lists targets in the order to try. `verify` says whether the first answer is
    examined before it is believed. `score` is the estimated probability that the first
    target's answer is good enough, `threshold` what it had to reach. `propensity` is the
    probability (0, 1] with which this very plan was drawn, given everything seen so far.
    """

    plan: tuple[str, ...]
    task: str
    score: float
    threshold: float
    propensity: float
    router: str
    reasons: tuple[str, ...] = ()
    verify: bool = True
    explored: bool = False
    shadow: str | None = None


class Signals(Struct, frozen=True):
    """What an answer says about itself. None where it was not seen.

    Log-probabilities are natural logs of the chosen tokens; `entropy` is the mean over
    tokens of the entropy of the shown alternatives, in nats.
    """

    tokens: int = 0
    chars: int = 0
    logprob_min: float | None = None
    logprob_p10: float | None = None
    logprob_p50: float | None = None
    logprob_mean: float | None = None
    entropy: float | None = None
    repetition: float = 0.0
    finish: str | None = None
    agreement: float | None = None


class Check(Struct, frozen=True):
    """One examination of an answer, by name, with its outcome and why."""

    name: str
    passed: bool
    detail: str = ""


Outcome = Literal["ok", "rejected", "error", "timeout", "cancelled", "skipped"]


class Attempt(Struct, frozen=True):
    """One call to one target. Times in seconds."""

    target: str
    local: bool
    outcome: Outcome
    seconds: float = 0.0
    first_byte: float | None = None
    status: int | None = None
    error: str | None = None
    usage: Usage | None = None
    signals: Signals | None = None
    checks: tuple[Check, ...] = ()


# ---------------------------------------------------------------- answers

Finish = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error"]


class Usage(Struct, frozen=True):
    """Token counts in disjoint classes: their sum is what was processed.

    OpenAI counts cached tokens inside the prompt and reasoning inside the completion, Anthropic
    does not; dialects translate at the door. `estimated` marks counts that no one reported.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    output: int = 0
    reasoning: int = 0
    output_audio: int = 0
    estimated: bool = False

    @property
    def prompt(self) -> int:
        return (
            self.input + self.cache_read + self.cache_write + self.cache_write_1h + self.input_audio
        )

    @property
    def completion(self) -> int:
        return self.output + self.reasoning + self.output_audio


class TokenLogprob(Struct, frozen=True):
    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Choice(Struct, frozen=True):
    """One alternative answer (`n` > 1 gives several)."""

    index: int = 0
    parts: tuple[Part, ...] = ()
    finish: Finish | None = None
    stop_sequence: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()

    @property
    def text(self) -> str:
        return "".join(p.text for p in self.parts if isinstance(p, Text))


class Reply(Struct, frozen=True):
    """A whole answer. `body` is the target's own JSON in `dialect`, kept for a lossless return."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int = 0
    dialect: DialectName | None = None
    body: Json | None = None

    @property
    def text(self) -> str:
        return self.choices[0].text if self.choices else ""


class ToolDelta(Struct, frozen=True):
    """A piece of a tool call: id and name come once, arguments in fragments of JSON text."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Chunk(Struct, frozen=True):
    """A streamed piece of one choice. `wire` is the target's own frame in `dialect`."""

    index: int = 0
    text: str = ""
    thinking: str = ""
    signature: str | None = None
    redacted: str | None = None
    refusal: str = ""
    tools: tuple[ToolDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: Finish | None = None
    stop_sequence: str | None = None
    usage: Usage | None = None
    dialect: DialectName | None = None
    wire: Json | None = None


# ---------------------------------------------------------------- the books

Basis = Literal["measured", "modelled", "vendor", "none"]


class Span(Struct, frozen=True):
    """A figure with its error bars: low <= value <= high, same unit."""

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    basis: Basis = "none"


class Bill(Struct, frozen=True):
    """What a request cost and what it would have cost. Money in US dollars.

    `cost` is None when a price was unknown (`unpriced` names the model): never silently zero.
    `counterfactual` is the same request answered by `baseline` alone.
    """

    cost: Decimal | None
    cost_local: Decimal
    cost_remote: Decimal | None
    counterfactual: Decimal | None
    baseline: str | None
    joules: Span = Span()
    counterfactual_joules: Span = Span()
    gco2: Span = Span()
    unpriced: tuple[str, ...] = ()
    prices: str = ""

    @property
    def saved(self) -> Decimal | None:
        if self.cost is None or self.counterfactual is None:
            return None
        return self.counterfactual - self.cost


TraceOutcome = Literal["ok", "error", "cancelled", "interrupted", "refused", "shadow"]
"""`shadow`: the other side of a request answered too, unseen, to be compared. Costs, no request."""


class Trace(Struct, frozen=True):
    """The one recorded row about a request. Reports and training sets are queries over Traces.

    `at` is Unix time in seconds. `request` and `response` hold what the retention policy
    allows: everything, a redacted form, or nothing beside the digests.
    """

    id: str
    at: float
    tenant: str
    dialect: str
    model: str
    outcome: TraceOutcome
    status: int
    stream: bool
    seconds: float
    clearance: Clearance
    decision: Decision | None = None
    target: str | None = None
    local: bool = False
    attempts: tuple[Attempt, ...] = ()
    first_byte: float | None = None
    usage: Usage | None = None
    bill: Bill | None = None
    key: str | None = None
    conversation: str | None = None
    template: str = ""
    digest: str = ""
    request: Json | None = None
    response: Json | None = None
    error: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pipeline hands back to the door: a whole reply or a committed stream.

    `target` answered at Unix time `created`; `headers` explain the decision (`x-shortstop-*`),
    already text. Exactly one of `reply` and `chunks` is set.
    """

    target: str
    created: int
    headers: dict[str, str]
    reply: Reply | None = None
    chunks: AsyncGenerator[Chunk, None] | None = None


# ---------------------------------------------------------------- specialists and contracts


class SpecialistState(StrEnum):
    CANDIDATE = "candidate"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"
    RETIRED = "retired"


class Contract(Struct, frozen=True):
    """The quality promise: at most `max_quality_loss` lost against the frontier, at `confidence`.

    `audit_rate` is the share of locally answered requests that the frontier answers too.
    """

    max_quality_loss: float = 0.02
    confidence: float = 0.95
    audit_rate: float = 0.05
