"""shortstop.toml -> one frozen, typed Config. Unknown keys and wrong types are errors.

Secrets are never in the file: it names environment variables, and `Config` keeps the names.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from shortstop.errors import ConfigError

Seconds = Annotated[float, Meta(gt=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]
NonNegative = Annotated[float, Meta(ge=0)]

KeyPath = tuple[str, ...]


class Fail(Protocol):
    """Raises ConfigError about the key at `path`."""

    def __call__(self, path: KeyPath, message: str, hint: str = "") -> NoReturn: ...


DEFAULT_FILE = Path("shortstop.toml")
BUILTIN_MODEL = "smollm2-135m"
PRIVATE_NETWORKS = tuple(
    ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every table in the file."""


class ServerConfig(Section, frozen=True):
    """Where and how the door listens, and who may come in.

    `workers` processes share the socket, the engines, limits, budgets and what is learned.
    `auth`: "auto" asks for a key as soon as one was ever made, and does not listen beyond this
    machine before that; "required" always asks; "off" never does, for a network you trust.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8484
    workers: Annotated[int, Meta(ge=1, le=128)] = 1
    max_body_mb: Annotated[float, Meta(gt=0, le=1024)] = 32
    max_in_flight: Positive = 256
    ping_seconds: Seconds = 15
    drain_seconds: Seconds = 20
    cors_origins: tuple[str, ...] = ()
    auth: Literal["auto", "required", "off"] = "auto"
    admin_token_env: str = "SHORTSTOP_ADMIN_TOKEN"  # noqa: S105 - a name, not a secret


class ModelConfig(Section, frozen=True):
    """One local model: the embedded engine on `source`, or a server already running at `url`.

    `source` is "builtin", a name that `shortstop models` lists, or the path of a GGUF file.
    `tools` says how tools are offered to it: "native", by its server, or "schema", by us: in the
    prompt, with calls decoded under a grammar (the default for the embedded engine). `abilities`
    by default: json and logprobs, and for the embedded engine tools.
    """

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
        if self.abilities is not None:
            return frozenset(self.abilities)
        return frozenset(("json", "logprobs") if self.url else ("json", "logprobs", "tools"))

    @property
    def tools_by_schema(self) -> bool:
        return self.tools == "schema" if self.tools else self.url is None


class UpstreamModel(Section, frozen=True):
    """One model of an upstream, under the name by which clients and plans call it."""

    model: str | None = None
    context: Annotated[int, Meta(ge=256)] = 128_000
    max_output: Positive | None = None
    abilities: tuple[str, ...] = ("tools", "json", "vision", "logprobs")
    price: str | None = None


class UpstreamConfig(Section, frozen=True):
    """A vendor's API. The key is read from the environment variable `api_key_env`.

    `dialect`: "openai" is Chat Completions, "responses" OpenAI's Responses, "anthropic" Messages.
    """

    base_url: str
    dialect: Literal["openai", "responses", "anthropic"] = "openai"
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

    input: NonNegative
    output: NonNegative
    cache_read: NonNegative | None = None
    cache_write: NonNegative | None = None


class HardwareConfig(Section, frozen=True):
    """What the local machine costs to own and to run.

    `utilisation` is the share of its time that it is busy answering: idle hours are paid for by
    the busy ones. `care_usd_per_month` is people's time. `gco2_per_kwh`: the grid at its plug.
    """

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
    """How the books compare. `reference_model` is the baseline where no upstream is configured.

    `remote_gco2_per_kwh` is the grid where vendors' models run (default: USA, EcoLogits 0.11.3).
    """

    reference_model: str = "claude-opus-5-5"
    remote_gco2_per_kwh: NonNegative = 384


class PrivacyRule(Section, frozen=True):
    """One line of a policy. It holds for findings with one of `labels`, or of `tier`, from
    `min_count` of them on; `route` is a task or "*". Of all that hold the strictest wins."""

    action: Literal["allow", "pseudonymise", "redact", "local_only", "block"]
    labels: tuple[str, ...] = ()
    tier: Literal["S0", "S1", "S2", "S3"] | None = None
    min_count: Positive = 1
    direction: Literal["request", "reply", "both"] = "request"
    route: str = "*"


class PrivacyPolicy(Section, frozen=True):
    """`[privacy.policies.NAME]`. What no rule names stays local from tier S2 on.

    `providers` and `regions` list who may get anything at all; empty: everyone configured.
    `baa_required` allows only providers with a signed BAA. `dry_run` records what the policy would
    do while the built-in one decides. `strict` makes the lint ask for a rule for every label.
    `images = "allow"` lets inline images leave unread: nobody here can see what they show.
    """

    version: str = "1"
    rules: tuple[PrivacyRule, ...] = ()
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    baa_required: bool = False
    dry_run: bool = False
    strict: bool = False
    images: Literal["pin", "allow"] = "pin"


class PrivacyConfig(Section, frozen=True):
    """What may leave. A detector's failure always pins to local.

    `tenants` names each tenant's policy (else "default"), `terms` its own words that never leave,
    `documents` files whose passages never leave. `key_env` holds the key of surrogates and audit;
    without it they last as long as the process. `audit` is the file of the audit log. `ner = "en"`
    (extra `[ner]`) reads names, organisations, places and addresses of a request that is about to
    leave, for `ner_timeout` seconds at most: later it stays local.
    """

    airgap: bool = False
    max_scan_chars: Positive = 2_000_000
    timeout: Seconds = 2
    policies: dict[str, PrivacyPolicy] = {}
    tenants: dict[str, str] = {}
    terms: dict[str, tuple[str, ...]] = {}
    documents: dict[str, tuple[str, ...]] = {}
    key_env: str = "SHORTSTOP_PRIVACY_KEY"
    vault_hours: Annotated[float, Meta(gt=0)] = 24
    audit: str | None = None
    ner: Literal["off", "en"] = "off"
    ner_timeout: Seconds = 2


class ContractConfig(Section, frozen=True):
    """The quality promise, for all tasks or one.

    `uncertified` says what happens to a task that has no certificate yet: "estimate" keeps local
    what the router believes good (`routing.min_score`), without a promise; "escalate" sends
    everything to the frontier until the promise is proven. `scope` is what the loss is averaged
    over: the task's whole "traffic", or the local "answers" alone (stricter).
    """

    max_quality_loss: Annotated[float, Meta(gt=0, lt=1)] = 0.02
    confidence: Annotated[float, Meta(gt=0.5, lt=1)] = 0.95
    audit_rate: Probability = 0.05
    uncertified: Literal["estimate", "escalate"] = "estimate"
    scope: Literal["traffic", "answers"] = "traffic"


class RoutingConfig(Section, frozen=True):
    """How `auto` decides.

    `frontier` is the target that stands for "all-LLM" in every counterfactual; by default the
    first upstream model. `min_score` is the probability of a good local answer below which a
    request goes straight to the frontier while no contract has evidence. `usd_per_point` is what
    a wrong answer costs the operator, `usd_per_second` what a second of waiting does; prices of
    targets the router cannot see are taken from `usd_per_call` (target name -> US dollars).
    `exploration` is the share of undecided traffic on which the other choice is tried,
    `shadow_rate` the share of frontier traffic that the local model answers too, unseen.
    `landmarks` bounds the prompts that the router remembers to compare with. With `second_answer` a
    local model answers twice where the look is in doubt, and in shadow runs: where it agrees with
    itself it is more often right, at the price of the second answer.
    """

    local: str | None = None
    frontier: str | None = None
    min_score: Probability = 0.85
    exploration: Annotated[float, Meta(ge=0, le=0.5)] = 0.02
    shadow_rate: Probability = 0.25
    usd_per_point: NonNegative = 0.001
    usd_per_second: NonNegative = 0.0001
    usd_per_call: dict[str, NonNegative] = {}
    landmarks: Annotated[int, Meta(ge=16, le=4096)] = 512
    commit_tokens: Positive = 16
    second_answer: bool = False
    seed: int = 0


class TaskConfig(Section, frozen=True):
    """A declared task: `[tasks.NAME]`, chosen by the header `x-shortstop-task` or by `match`.

    `match` is a text that the system prompt contains. `route` overrules the router. `grader` says
    how an answer is compared with the reference.
    """

    match: str | None = None
    route: Literal["auto", "local", "frontier"] = "auto"
    grader: Literal["exact", "json", "numeric", "similar", "judge", "human"] | None = None
    contract: ContractConfig | None = None


class JudgeConfig(Section, frozen=True):
    """A model that grades pairs of answers, blind and in both orders; its cost is on the books.

    `target` names it among the models and upstreams. It grades the tasks whose `grader` is "judge",
    and of the others that name no grader the share `rate`.
    """

    target: str | None = None
    rate: Probability = 0.1


class TracesConfig(Section, frozen=True):
    """Where rows go, how long they stay and how much of a request they hold.

    `content` rules what is kept of requests and answers; `sensitive_content` the same for those
    of tier S3. `fsync` makes rows survive a power cut too, at a disk flush for every answer. When
    the environment variable `key_env` is set, the content is encrypted with it.
    """

    path: str | None = None
    retention_days: Annotated[float, Meta(gt=0)] = 190
    content: Literal["full", "redacted", "digest"] = "full"
    sensitive_content: Literal["full", "redacted", "digest"] = "digest"
    queue: Positive = 10_000
    fsync: bool = False
    key_env: str = "SHORTSTOP_TRACES_KEY"


class Config(Section, frozen=True):
    """Everything the operator said, defaults filled in."""

    server: ServerConfig = ServerConfig()
    models: dict[str, ModelConfig] = {}
    upstreams: dict[str, UpstreamConfig] = {}
    prices: dict[str, PriceConfig] = {}
    hardware: HardwareConfig = HardwareConfig()
    ledger: LedgerConfig = LedgerConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    contract: ContractConfig = ContractConfig()
    routing: RoutingConfig = RoutingConfig()
    tasks: dict[str, TaskConfig] = {}
    judge: JudgeConfig = JudgeConfig()
    traces: TracesConfig = TracesConfig()
    data_dir: str | None = None


KNOWN_UPSTREAMS = {
    "OPENAI_API_KEY": (
        "openai",
        UpstreamConfig(
            dialect="openai",
            base_url="https://api.openai.com/v1",
            api_key_env="OPENAI_API_KEY",
            models={"gpt-6.1-sol": UpstreamModel(context=400_000)},
        ),
    ),
    "ANTHROPIC_API_KEY": (
        "anthropic",
        UpstreamConfig(
            dialect="anthropic",
            base_url="https://api.anthropic.com",
            api_key_env="ANTHROPIC_API_KEY",
            models={
                "claude-sonnet-5-5": UpstreamModel(
                    context=200_000, abilities=("tools", "json", "vision", "thinking")
                )
            },
        ),
    ),
}


def load(path: Path | None, env: Mapping[str, str]) -> Config:
    """Read `path`, or `./shortstop.toml` if it exists, or the defaults for this environment.

    Raises ConfigError naming the file, the key and, where it can be found, the line.
    """
    if path is None:
        if not DEFAULT_FILE.exists():
            return from_environment(env)
        path = DEFAULT_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise ConfigError(
            f"Cannot read {path}: {e.strerror}.", hint="Give --config the path of a TOML file."
        ) from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path} is not UTF-8 text.") from e
    return parse(text, env, name=str(path))


def parse(text: str, env: Mapping[str, str], name: str = "shortstop.toml") -> Config:
    """TOML text -> Config, checked. Raises ConfigError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{name} is not valid TOML: {e}.") from e
    try:
        config = msgspec.convert(tree, Config)
    except msgspec.ValidationError as e:
        raise ConfigError(_explain(str(e), text, name)) from e
    return _checked(_with_defaults(config, env, tree), text, name)


def from_environment(env: Mapping[str, str]) -> Config:
    """No file: the embedded model, and the frontier whose key is in the environment."""
    return _checked(_with_defaults(Config(), env, {}), "", "defaults")


def _with_defaults(config: Config, env: Mapping[str, str], tree: Mapping[str, Any]) -> Config:
    if "models" not in tree:
        config = msgspec.structs.replace(config, models={"small": ModelConfig(source="builtin")})
    if "upstreams" not in tree and not config.privacy.airgap:
        found = {name: up for key, (name, up) in KNOWN_UPSTREAMS.items() if env.get(key)}
        config = msgspec.structs.replace(config, upstreams=found)
    return config


def _checked(config: Config, text: str, name: str) -> Config:
    """Rules that span several keys."""

    def fail(path: KeyPath, message: str, hint: str = "") -> NoReturn:
        raise ConfigError(f"{_where(path, text, name)}: {message}", hint=hint)

    seen: dict[str, KeyPath] = {}
    for key, model in config.models.items():
        path = ("models", key)
        _claim(seen, key, path, fail)
        if (model.source is None) == (model.url is None):
            fail(path, "give exactly one of `source` (a model file) and `url` (a running server).")
        if model.url is not None:
            _check_url(model.url, (*path, "url"), fail)
            if not is_local_url(model.url):
                fail(
                    (*path, "url"),
                    "is no address of this machine or a private network.",
                    "Configure it under [upstreams], where privacy watches what leaves.",
                )
    for key, upstream in config.upstreams.items():
        path = ("upstreams", key)
        _check_url(upstream.base_url, (*path, "base_url"), fail)
        if not upstream.models:
            fail(path, "names no model.", f'Add a table [upstreams.{key}.models."MODEL"].')
        for model_name in upstream.models:
            _claim(seen, model_name, (*path, "models", model_name), fail)
    if config.privacy.airgap and config.upstreams:
        fail(("privacy", "airgap"), "airgap = true allows no [upstreams].")
    _check_names(config, seen, fail)
    if not seen:
        fail(("models",), "there is no model at all, local or remote.")
    return config


LEAST_RETENTION = 183.0
"""Days: deployers of AI systems keep logs for six months at least (EU AI Act, Article 26(6))."""


def warnings(config: Config) -> list[str]:
    """What is allowed and yet worth a second look."""
    told = []
    kept = config.traces.retention_days
    if kept < LEAST_RETENTION:
        told.append(
            f"traces.retention_days = {kept:g} is less than six months ({LEAST_RETENTION:g} days), "
            "the least that the EU AI Act asks of deployers of high-risk systems (Article 26(6))."
        )
    return told


def _check_names(config: Config, seen: Mapping[str, KeyPath], fail: Fail) -> None:
    """Whoever is named elsewhere must exist."""
    remote = {m for u in config.upstreams.values() for m in u.models}
    frontier, local, judge = config.routing.frontier, config.routing.local, config.judge.target
    if frontier is not None and frontier not in remote:
        fail(("routing", "frontier"), f"{frontier!r} is no model of any upstream.")
    if local is not None and local not in config.models:
        fail(("routing", "local"), f"{local!r} is not in [models].")
    if judge is not None and judge not in seen:
        fail(("judge", "target"), f"{judge!r} is neither in [models] nor of any upstream.")


def _claim(seen: dict[str, KeyPath], name: str, path: KeyPath, fail: Fail) -> None:
    if name in ("auto", "local"):
        fail(path, f"{name!r} is reserved: clients use it to let Shortstop decide.")
    if name in seen:
        fail(path, f"the name {name!r} is already used by {'.'.join(seen[name])}.")
    seen[name] = path


def _check_url(url: str, path: KeyPath, fail: Fail) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        fail(path, f"{url!r} is not an http(s) URL.")
    if parts.username or parts.password:
        fail(path, "a URL must not hold credentials.", "Name an environment variable instead.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_local_url(url: str) -> bool:
    """Whether `url` points at this machine or a private network, judged without DNS."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in PRIVATE_NETWORKS)


# ---------------------------------------------------------------- errors that help

ANY = "*"
_SEGMENT = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^.\"'\s]+)")


def _explain(message: str, text: str, name: str) -> str:
    """msgspec's message, with file, line, key and the nearest known key."""
    what, _, place = message.partition(" - at `$")
    path = _segments(place.rstrip("`").lstrip(".").replace("[...]", f".{ANY}"))
    unknown = re.search(r"unknown field `(.+?)`", what)
    if unknown:
        key = unknown.group(1)
        near = difflib.get_close_matches(key, _known_keys(), n=1)
        also = f" Did you mean `{near[0]}`?" if near else ""
        return f"{_where((*path, key), text, name)}: unknown key.{also}"
    return f"{_where(path, text, name)}: {what[0].lower()}{what[1:]}."


def _known_keys() -> set[str]:
    keys: set[str] = set()
    for section in Section.__subclasses__():
        keys.update(field.name for field in msgspec.structs.fields(section))
    return keys


def _where(path: KeyPath, text: str, name: str) -> str:
    line, found = _line_of(path, text)
    at = f", line {line}" if line else ""
    return f"{name}{at}, `{'.'.join(found)}`"


def _line_of(path: KeyPath, text: str) -> tuple[int | None, KeyPath]:
    """The line that sets `path` or opens its table, and the path with `*` filled in.

    TOML's parser keeps no positions; what this cannot find is reported without a line.
    """
    table: KeyPath = ()
    best: tuple[int | None, KeyPath] = (None, path)
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("["):
            table = _segments(line.split("#")[0].strip("[] \t"))
            full = table
        elif "=" in line and not line.startswith("#"):
            full = (*table, *_segments(line.split("=", 1)[0]))
        else:
            continue
        if _matches(path, full):
            return number, full
        if full and _matches(path[: len(full)], full):
            best = number, (*full, *path[len(full) :])
    return best


def _segments(dotted: str) -> KeyPath:
    return tuple(a or b or c for a, b, c in _SEGMENT.findall(dotted))


def _matches(pattern: KeyPath, path: KeyPath) -> bool:
    return len(pattern) == len(path) and all(
        want in (ANY, have) for want, have in zip(pattern, path, strict=True)
    )
