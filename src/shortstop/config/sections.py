"""The tables of shortstop.toml, as frozen structs. Every key states how long its value holds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeVar

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(gt=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]
NonNegative = Annotated[float, Meta(ge=0)]

BUILTIN_MODEL = "smollm2-135m"

Lifetime = Literal["process", "runtime", "state"]
"""How long the value of a setting holds.

"process": read once at the start, for something that is made once; a change needs a restart.
"runtime": a reload applies a change.
"state": fixed when the router's saved state was first made, and stored in it; neither applies it.
"""


class Lasts(Struct, frozen=True):
    """Marks the type of one key with its lifetime."""

    lifetime: Lifetime


T = TypeVar("T")
Process = Annotated[T, Lasts("process")]
Runtime = Annotated[T, Lasts("runtime")]
Stored = Annotated[T, Lasts("state")]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every table in the file.

    `lifetime` holds for all keys of the table. It is None where they differ: each key then states
    its own, as `Process[...]`, `Runtime[...]` or `Stored[...]`.
    """

    lifetime: ClassVar[Lifetime | None] = None


class ServerConfig(Section, frozen=True):
    """Where and how the gateway listens, and who may use it.

    `workers` processes share the socket, the engines, limits, budgets and what is learned.
    `auth`: "auto" requires a key as soon as one has ever been created, and until then listens on
    this machine only; "required" always requires one; "off" never does, for a trusted network.
    """

    host: Process[str] = "127.0.0.1"
    port: Process[Annotated[int, Meta(ge=0, le=65535)]] = 8484
    workers: Process[Annotated[int, Meta(ge=1, le=128)]] = 1
    max_body_mb: Runtime[Annotated[float, Meta(gt=0, le=1024)]] = 32
    max_in_flight: Runtime[Positive] = 256
    ping_seconds: Runtime[Seconds] = 15
    drain_seconds: Process[Seconds] = 20
    cors_origins: Process[tuple[str, ...]] = ()
    auth: Runtime[Literal["auto", "required", "off"]] = "auto"
    admin_token_env: Runtime[str] = "SHORTSTOP_ADMIN_TOKEN"  # noqa: S105 - a name, not a secret


class ModelConfig(Section, frozen=True):
    """One local model: the embedded engine on `source`, or a server already running at `url`.

    `source` is "builtin", a name that `shortstop models` lists, or the path of a GGUF file.
    `context`, `max_output` in tokens; `queue` is how many requests may wait for one of `slots`.
    `tools` is how tools are offered to it: "native", by its server, or "schema", by the gateway:
    in the prompt, with calls decoded under a grammar (the default for the embedded engine).
    `abilities` defaults to json and logprobs, and for the embedded engine tools.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    source: str | None = None
    url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    context: Annotated[int, Meta(ge=256)] | None = None
    max_output: Positive | None = None
    threads: Positive | None = None
    slots: Positive | None = None
    queue: Annotated[int, Meta(ge=0)] = 64
    gpu_layers: int | None = None
    abilities: tuple[str, ...] | None = None
    tools: Literal["native", "schema"] | None = None
    timeout: Seconds = 120

    @property
    def able(self) -> frozenset[str]:
        """The abilities it has: those configured, else the defaults for its kind."""
        if self.abilities is not None:
            return frozenset(self.abilities)
        return frozenset(("json", "logprobs") if self.url else ("json", "logprobs", "tools"))

    @property
    def tools_by_schema(self) -> bool:
        return self.tools == "schema" if self.tools else self.url is None


class UpstreamModel(Section, frozen=True):
    """One model of an upstream, under the name that clients and plans use.

    `context` and `max_output` in tokens; `price` names the row of the price sheet to bill it by.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    model: str | None = None
    context: Annotated[int, Meta(ge=256)] = 128_000
    max_output: Positive | None = None
    abilities: tuple[str, ...] = ("tools", "json", "vision", "logprobs")
    price: str | None = None


class UpstreamConfig(Section, frozen=True):
    """A vendor's API. The key is read from the environment variable `api_key_env`.

    `dialect`: "openai" is Chat Completions, "responses" OpenAI's Responses, "anthropic" Messages.
    `shortstop.dialects` knows which there are; the name is checked where the upstream is built.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    base_url: str
    dialect: str = "openai"
    api_key_env: str | None = None
    models: dict[str, UpstreamModel] = {}
    connect_timeout: Seconds = 5
    first_byte_timeout: Seconds = 60
    idle_timeout: Seconds = 60
    total_timeout: Seconds = 600
    retries: Annotated[int, Meta(ge=0, le=10)] = 2
    backoff: Seconds = 0.5
    max_retry_after: Seconds = 20
    breaker_failures: Positive = 5
    breaker_seconds: Seconds = 15
    connections: Positive = 256
    region: str | None = None
    baa: bool = False


class PriceConfig(Section, frozen=True):
    """US dollars per million tokens, for a model that the price sheet does not know."""

    lifetime: ClassVar[Lifetime] = "runtime"

    input: NonNegative
    output: NonNegative
    cache_read: NonNegative | None = None
    cache_write: NonNegative | None = None


class HardwareConfig(Section, frozen=True):
    """What the local machine costs to own and to run.

    `utilisation` is the share of its time that it is busy answering; the busy hours pay for the
    idle ones. `care_usd_per_month` is people's time. `gco2_per_kwh` describes its own grid.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    price_usd: NonNegative = 1500
    years: Annotated[float, Meta(gt=0)] = 4
    upkeep_per_year: NonNegative = 0.1
    care_usd_per_month: NonNegative = 0
    utilisation: Annotated[float, Meta(gt=0, le=1)] = 0.3
    watts_idle: NonNegative = 20
    watts_busy: NonNegative = 65
    pue: Annotated[float, Meta(ge=1)] = 1.0
    usd_per_kwh: NonNegative = 0.15
    gco2_per_kwh: NonNegative = 445


class LedgerConfig(Section, frozen=True):
    """How savings are computed. `reference_model` is the baseline where no upstream is configured.

    `remote_gco2_per_kwh` is the grid of the vendors' data centres (default: USA, EcoLogits 0.11.3).
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    reference_model: str = "claude-opus-5-5"
    remote_gco2_per_kwh: NonNegative = 384


class PrivacyRule(Section, frozen=True):
    """One line of a policy: it applies to findings with one of `labels`, or of `tier`, when there
    are at least `min_count` of them; `route` is a task or "*". The strictest rule wins."""

    lifetime: ClassVar[Lifetime] = "runtime"

    action: Literal["allow", "pseudonymise", "redact", "local_only", "block"]
    labels: tuple[str, ...] = ()
    tier: Literal["S0", "S1", "S2", "S3"] | None = None
    min_count: Positive = 1
    direction: Literal["request", "reply", "both"] = "request"
    route: str = "*"


class PrivacyPolicy(Section, frozen=True):
    """`[privacy.policies.NAME]`. What no rule names stays local from tier S2 on.

    `providers` and `regions` list who may receive anything at all; empty: every configured one.
    `baa_required` allows only providers with a signed BAA. `dry_run` records what the policy would
    do while the built-in one decides. `strict` makes the lint require a rule for every label.
    `images = "allow"` lets inline images leave unread: the gateway cannot see what they show.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    version: str = "1"
    rules: tuple[PrivacyRule, ...] = ()
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    baa_required: bool = False
    dry_run: bool = False
    strict: bool = False
    images: Literal["pin", "allow"] = "pin"


class PrivacyConfig(Section, frozen=True):
    """What may leave. When a detector fails, the request stays local.

    `tenants` names each tenant's policy (else "default"), `terms` its own words that never leave,
    `documents` files whose passages never leave. `key_env` holds the key of surrogates and audit;
    without it they last as long as the process. `audit` is the file of the audit log. `ner = "en"`
    (extra `[ner]`) reads names, organisations, places and addresses of a request that is about to
    leave, for at most `ner_timeout` seconds; after that the request stays local.
    """

    airgap: Runtime[bool] = False
    max_scan_chars: Runtime[Positive] = 2_000_000
    timeout: Runtime[Seconds] = 2
    policies: Runtime[dict[str, PrivacyPolicy]] = {}
    tenants: Runtime[dict[str, str]] = {}
    terms: Runtime[dict[str, tuple[str, ...]]] = {}
    documents: Runtime[dict[str, tuple[str, ...]]] = {}
    key_env: Process[str] = "SHORTSTOP_PRIVACY_KEY"
    vault_hours: Process[Annotated[float, Meta(gt=0)]] = 24
    audit: Runtime[str | None] = None
    ner: Runtime[Literal["off", "en"]] = "off"
    ner_timeout: Process[Seconds] = 2


class ContractConfig(Section, frozen=True):
    """The quality promise, for all tasks or one.

    `uncertified` is what happens to a task that has no certificate yet: "estimate" keeps local
    what the router believes good (`routing.min_score`), without a promise; "escalate" sends
    everything to the frontier until the promise is proven. `scope` is what the loss is averaged
    over: the task's whole "traffic", or the local "answers" alone (stricter). `evidence` is whose
    pairs count for a tenant's traffic: its own ("tenant"), so that nobody proves or spoils anything
    for others; or those of all tenants together ("shared"), which is for tenants that trust each
    other.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    max_quality_loss: Annotated[float, Meta(gt=0, lt=1)] = 0.02
    confidence: Annotated[float, Meta(gt=0.5, lt=1)] = 0.95
    audit_rate: Probability = 0.05
    uncertified: Literal["estimate", "escalate"] = "estimate"
    scope: Literal["traffic", "answers"] = "traffic"
    evidence: Literal["tenant", "shared"] = "tenant"


class RoutingConfig(Section, frozen=True):
    """How `auto` decides.

    `frontier` is the target that stands for "all-LLM" in every counterfactual; by default the
    first upstream model. `min_score` is the probability of a good local answer below which a
    request goes straight to the frontier while no contract has evidence. `usd_per_point` is what
    a wrong answer costs the operator, `usd_per_second` what a second of waiting does; prices of
    targets the router cannot see are taken from `usd_per_call` (target name -> US dollars).
    `exploration` is the share of undecided traffic on which the other choice is tried,
    `shadow_rate` the share of frontier traffic that the local model answers too, unseen.
    `landmarks` bounds how many prompts the router remembers for comparison. With `second_answer` a
    local model answers twice where the first answer is in doubt, and in shadow runs: answers that
    agree are more often right, at the price of the second one.

    What is asked only to learn (shadow runs, audits, judges) is paid by the budget of the "key"
    whose request is learned from, where it has one; else, or with `learning_paid_by` = "operator",
    by the operator: up to `learning_usd_per_day` US dollars for each tenant and UTC day, if set.
    """

    local: Runtime[str | None] = None
    frontier: Runtime[str | None] = None
    min_score: Runtime[Probability] = 0.85
    exploration: Runtime[Annotated[float, Meta(ge=0, le=0.5)]] = 0.02
    shadow_rate: Runtime[Probability] = 0.25
    usd_per_point: Runtime[NonNegative] = 0.001
    usd_per_second: Runtime[NonNegative] = 0.0001
    usd_per_call: Runtime[dict[str, NonNegative]] = {}
    landmarks: Stored[Annotated[int, Meta(ge=16, le=4096)]] = 512
    commit_tokens: Runtime[Positive] = 16
    second_answer: Runtime[bool] = False
    learning_paid_by: Runtime[Literal["key", "operator"]] = "key"
    learning_usd_per_day: Runtime[Annotated[float, Meta(gt=0, lt=1_000_000)] | None] = None
    seed: Stored[int] = 0


class TaskConfig(Section, frozen=True):
    """A declared task: `[tasks.NAME]`, chosen by the header `x-shortstop-task` or by `match`.

    `match` is a text that the system prompt contains. `route` overrules the router. `grader` is
    how an answer is compared with the reference.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    match: str | None = None
    route: Literal["auto", "local", "frontier"] = "auto"
    grader: Literal["exact", "json", "numeric", "similar", "judge", "human"] | None = None
    contract: ContractConfig | None = None


class JudgeConfig(Section, frozen=True):
    """A model that grades pairs of answers, blind and in both orders; its cost is billed.

    `target` names it among the models and upstreams. It grades the tasks whose `grader` is "judge",
    and of the tasks without a grader the share `rate`.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    target: str | None = None
    rate: Probability = 0.1


class TracesConfig(Section, frozen=True):
    """Where rows are kept, for how long, and how much of a request they hold.

    `content` governs what is kept of requests and answers; `sensitive_content` the same for those
    of tier S3. `queue` bounds the rows that wait to be written. `fsync` makes rows survive a power
    cut too, at a disk flush for every answer. When the environment variable `key_env` is set, the
    content is encrypted with it.
    """

    lifetime: ClassVar[Lifetime] = "process"

    path: str | None = None
    retention_days: Annotated[float, Meta(gt=0)] = 190
    content: Literal["full", "redacted", "digest"] = "full"
    sensitive_content: Literal["full", "redacted", "digest"] = "digest"
    queue: Positive = 10_000
    fsync: bool = False
    key_env: str = "SHORTSTOP_TRACES_KEY"


class Config(Section, frozen=True):
    """The whole configuration, defaults filled in."""

    server: ServerConfig = ServerConfig()
    models: Runtime[dict[str, ModelConfig]] = {}
    upstreams: Runtime[dict[str, UpstreamConfig]] = {}
    prices: Runtime[dict[str, PriceConfig]] = {}
    hardware: HardwareConfig = HardwareConfig()
    ledger: LedgerConfig = LedgerConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    contract: ContractConfig = ContractConfig()
    routing: RoutingConfig = RoutingConfig()
    tasks: Runtime[dict[str, TaskConfig]] = {}
    judge: JudgeConfig = JudgeConfig()
    traces: TracesConfig = TracesConfig()
    data_dir: Process[str | None] = None
