"""The tables of shortstop.toml, as frozen structs. Every key states how long its value holds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from shortstop.config.alerts import AlertsConfig
from shortstop.config.batches import BatchesConfig
from shortstop.config.books import HardwareConfig, LedgerConfig
from shortstop.config.fallbacks import FallbackConfig
from shortstop.config.learning import LearningConfig
from shortstop.config.section import (
    Lifetime,
    NonNegative,
    Positive,
    Probability,
    Process,
    Runtime,
    Seconds,
    Section,
    Stored,
    Variable,
)
from shortstop.config.sso import SsoConfig
from shortstop.config.store import StoreConfig
from shortstop.config.telemetry import LogConfig, TelemetryConfig
from shortstop.config.traces import TracesConfig
from shortstop.config.upstreams import UpstreamConfig

BUILTIN_MODEL = "smollm2-135m"


class LimitsConfig(Section, frozen=True):
    """`[server.limits]`: what clients may take before anything is known of them.

    `connections` may be open at once; beyond that, the one that has kept the gateway waiting
    longest makes room. A head may have `header_kb` kilobytes and `headers` lines and must be there
    within `head_seconds`; an idle connection is closed after `keep_alive_seconds`. A body must
    arrive at `body_kb_per_second` on average, with `stall_seconds` to spare; a client that takes
    nothing of its answer for `stall_seconds` is left.
    Bodies under way hold `bodies_mb` in all, one key or keyless address at most half of it (one
    body of `max_body_mb` always fits). A body unpacks to at most `gzip_ratio` times its size and
    holds at most `json_values` values.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    connections: Annotated[int, Meta(ge=1, le=100_000)] = 1024
    header_kb: Annotated[int, Meta(ge=1, le=1024)] = 64
    headers: Annotated[int, Meta(ge=8, le=1000)] = 128
    head_seconds: Seconds = 10
    keep_alive_seconds: Seconds = 30
    stall_seconds: Seconds = 20
    body_kb_per_second: Annotated[float, Meta(ge=0, le=10_000)] = 8
    bodies_mb: Annotated[float, Meta(gt=0, le=1_000_000)] = 64
    gzip_ratio: Annotated[float, Meta(ge=1, le=1100)] = 100
    json_values: Annotated[int, Meta(ge=1000, le=100_000_000)] = 320_000


class TlsConfig(Section, frozen=True):
    """`[server.tls]`: a certificate makes the gateway speak HTTPS.

    `cert` is a PEM file with the certificate and those that vouch for it, `key` one with its
    private key (by default `cert` holds it too). A reload reads both files again.
    """

    lifetime: ClassVar[Lifetime] = "process"

    cert: str | None = None
    key: str | None = None


class ServerConfig(Section, frozen=True):
    """Where and how the gateway listens, and who may use it.

    `workers` processes share the socket, the engines, limits, budgets and what is learned.
    `max_in_flight` requests are answered at once, by each worker. Further ones wait by turns, for
    `queue_seconds` at most; a tenant that has none finds up to half as many places beyond.
    `auth`: "auto" requires a key as soon as one has ever been created, and until then listens on
    this machine only; "required" always requires one; "off" never does, for a trusted network.
    "auto" never goes back: keys that were revoked or have expired count.
    `cors_origins` lists the origins whose web pages may use it ("https://app.example", or "*" with
    `auth = "required"`), `allowed_hosts` the names under which it is reached beside its address
    ("gateway.example", "*.example"), `open_routes` what answers other machines without a key.
    `allowed_clients` are the addresses and networks that may use it beside this machine
    ("10.0.0.7", "10.0.0.0/8"; none: all), `trusted_proxies` those whose `X-Forwarded-For` is
    believed. Told to end (SIGTERM), it is not ready for `notice_seconds` and serves on, then takes
    nothing new and finishes what is under way, for `drain_seconds` at most.
    """

    host: Process[str] = "127.0.0.1"
    port: Process[Annotated[int, Meta(ge=0, le=65535)]] = 8484
    workers: Process[Annotated[int, Meta(ge=1, le=128)]] = 1
    max_body_mb: Runtime[Annotated[float, Meta(gt=0, le=1024)]] = 32
    max_in_flight: Runtime[Positive] = 256
    queue_seconds: Runtime[Seconds] = 10
    ping_seconds: Runtime[Seconds] = 15
    notice_seconds: Process[Annotated[float, Meta(ge=0)]] = 0
    drain_seconds: Process[Seconds] = 20
    cors_origins: Process[tuple[str, ...]] = ()
    allowed_hosts: Process[tuple[str, ...]] = ()
    open_routes: Runtime[tuple[Literal["metrics", "ready"], ...]] = ()
    allowed_clients: Runtime[tuple[str, ...]] = ()
    trusted_proxies: Runtime[tuple[str, ...]] = ()
    auth: Runtime[Literal["auto", "required", "off"]] = "auto"
    admin_token_env: Runtime[Variable] = "SHORTSTOP_ADMIN_TOKEN"  # noqa: S105 - a name, not a secret
    limits: LimitsConfig = LimitsConfig()
    tls: TlsConfig = TlsConfig()


class EngineConfig(Section, frozen=True):
    """`[engine]`: how the embedded engine runs, for all models that do not say otherwise.

    `threads` generate (default: measured once for each machine and model, or one fewer than there
    are cores where `calibrate` is false); `batch_threads` read prompts (default: all cores).
    `cpu`: "wheel" computes with the wheel's own code, a path with the CPU module (or the best one
    of a folder) that is there, "auto" with the best one in the data folder's `kernels`, where
    `shortstop engine build` puts it, or in the package `shortstop-kernels`. A module is tried
    first, and taken where it is sound and faster.
    """

    lifetime: ClassVar[Lifetime] = "process"

    cpu: str = "auto"
    threads: Positive | None = None
    batch_threads: Positive | None = None
    calibrate: bool = True


class ModelConfig(Section, frozen=True):
    """One local model: the embedded engine on `source`, or a server already running at `url`.

    `source` is "builtin", a name that `shortstop models` lists, or the path of a GGUF file.
    `context`, `max_output` in tokens; `queue` is how many requests of one tenant may wait for one
    of `slots`, by turns and for `queue_seconds` at most.
    `warm` lists system prompts that are read ahead at each start of the engine; those that requests
    have shared since are, too.
    `tools` is how tools are offered to it: "native", by its server, or "schema", by the gateway:
    in the prompt, with calls decoded under a grammar (the default for the embedded engine).
    `abilities` defaults to json and logprobs, and for the embedded engine tools. `thinking`: a
    model of the embedded engine that can think does so before it answers. `socket`: the Unix socket
    at which the server of `url` listens.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    source: str | None = None
    url: str | None = None
    socket: str | None = None
    model: str | None = None
    api_key_env: Variable | None = None
    context: Annotated[int, Meta(ge=256)] | None = None
    max_output: Positive | None = None
    threads: Positive | None = None
    batch_threads: Positive | None = None
    slots: Positive | None = None
    warm: tuple[str, ...] = ()
    queue: Annotated[int, Meta(ge=0)] = 64
    queue_seconds: Seconds = 60
    gpu_layers: int | None = None
    abilities: tuple[str, ...] | None = None
    tools: Literal["native", "schema"] | None = None
    thinking: bool = False
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


class PriceConfig(Section, frozen=True):
    """US dollars per million tokens, for a model that the price sheet does not know; `search` per
    search on the web."""

    lifetime: ClassVar[Lifetime] = "runtime"

    input: NonNegative
    output: NonNegative
    cache_read: NonNegative | None = None
    cache_write: NonNegative | None = None
    search: NonNegative = 0.0


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

    Reading 12,000 characters may take `timeout` seconds, and more of them longer, up to four times.
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
    key_env: Process[Variable] = "SHORTSTOP_PRIVACY_KEY"
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


class RouteOverride(Section, frozen=True):
    """A task's route, whoever named the task: of one tenant's requests, or of all. What privacy
    pins stays here all the same."""

    lifetime: ClassVar[Lifetime] = "runtime"

    task: str
    route: Literal["auto", "local", "frontier"]
    tenant: str | None = None


class RoutingConfig(Section, frozen=True):
    """How `auto` decides.

    `frontier` is the target that stands for "all-LLM" in every counterfactual; by default the
    first upstream model. `min_score` is the probability of a good local answer below which a
    request goes straight to the frontier while no contract has evidence. `usd_per_point` is what
    a wrong answer costs the operator, `usd_per_second` what a second of waiting does; prices of
    targets the router cannot see are taken from `usd_per_call` (target name -> US dollars).
    `exploration` is the share of undecided traffic on which the other choice is tried (less where
    it is expected to lose), `shadow_rate` the share of frontier traffic that the local model
    answers too, unseen (less where it nearly always loses).
    `landmarks` bounds how many prompts the router remembers for comparison. With `second_answer` a
    local model answers twice where the first answer is in doubt, and in shadow runs: answers that
    agree are more often right, at the price of the second one. `second_model` names another local
    model that is asked in its place: models that err differently say more by agreeing.
    `fallbacks`: by a model's name, who answers in its place where it cannot.

    What is asked only to learn (shadow runs, audits, judges) is paid by the budget of the "key"
    whose request is learned from, where it has one; else, or with `learning_paid_by` = "operator",
    by the operator: up to `learning_usd_per_day` US dollars for each tenant and UTC day, if set.

    `overrides` are routes of tasks by the name or id that `shortstop tasks` and the console show,
    also of those that nobody declared; a tenant's own comes before that of all, and both before
    `[tasks.NAME] route`. Those set in the console or by `shortstop routing override` come first.
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
    fallbacks: Runtime[dict[str, FallbackConfig]] = {}
    second_answer: Runtime[bool] = False
    second_model: Runtime[str | None] = None
    learning_paid_by: Runtime[Literal["key", "operator"]] = "key"
    overrides: Runtime[tuple[RouteOverride, ...]] = ()
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


class CacheConfig(Section, frozen=True):
    """`[cache]`: the very same question is answered with the answer that was given before.

    `use`: "off"; "asked", by the header `x-shortstop-cache: use` or for one of `tenants` and `keys`
    (ids); "all", unless the header says `bypass`. For `seconds`, in memory, up to `max_mb` in each
    worker. Nothing above tier `max_tier` is kept, neither a request nor an answer.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    use: Literal["off", "asked", "all"] = "off"
    tenants: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    seconds: Annotated[float, Meta(gt=0, le=2_592_000)] = 3600
    max_mb: Annotated[float, Meta(gt=0, le=100_000)] = 64
    max_tier: Literal["S0", "S1", "S2"] = "S1"


class RunsConfig(Section, frozen=True):
    """What a run of an agent may take: the requests that work on one job, one step each.

    A run that has taken `max_usd` US dollars, `max_steps` answers or `max_seconds` since it began
    is refused further steps. A key may have limits of its own instead, and a client lowers them
    with `x-shortstop-run-max-usd`, `-steps` and `-seconds`.
    A tool call that was made `max_same_call` times with the same arguments is refused from then
    on; 0 refuses none. `same_call`: only where each gave the same result ("unchanged"), or whatever
    it gave ("any"). Tools in `polls` (`*` stands for anything) may be called without end.
    A run that rested for `idle_hours` is over: its name begins another.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    max_usd: Annotated[float, Meta(gt=0, lt=1_000_000)] | None = None
    max_steps: Positive | None = None
    max_seconds: Seconds | None = None
    max_same_call: Annotated[int, Meta(ge=0, le=1000)] = 2
    same_call: Literal["unchanged", "any"] = "unchanged"
    polls: tuple[str, ...] = ()
    idle_hours: Annotated[float, Meta(gt=0, le=8760)] = 24


class Config(Section, frozen=True):
    """The whole configuration, defaults filled in."""

    server: ServerConfig = ServerConfig()
    engine: EngineConfig = EngineConfig()
    models: Runtime[dict[str, ModelConfig]] = {}
    upstreams: Runtime[dict[str, UpstreamConfig]] = {}
    aliases: Runtime[dict[str, str]] = {}
    prices: Runtime[dict[str, PriceConfig]] = {}
    hardware: HardwareConfig = HardwareConfig()
    ledger: LedgerConfig = LedgerConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    contract: ContractConfig = ContractConfig()
    routing: RoutingConfig = RoutingConfig()
    tasks: Runtime[dict[str, TaskConfig]] = {}
    judge: JudgeConfig = JudgeConfig()
    runs: RunsConfig = RunsConfig()
    cache: CacheConfig = CacheConfig()
    batches: BatchesConfig = BatchesConfig()
    learning: LearningConfig = LearningConfig()
    log: LogConfig = LogConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    alerts: AlertsConfig = AlertsConfig()
    traces: TracesConfig = TracesConfig()
    store: StoreConfig = StoreConfig()
    sso: SsoConfig = SsoConfig()
    data_dir: Process[str | None] = None
