"""`[upstreams.NAME]`: a vendor's API, how it is reached, and its models."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from shortstop.config.section import Lifetime, NonNegative, Positive, Seconds, Section, Variable

MODEL_PLACE = "{model}"
"""Stands in an address for the model that is asked, as Azure's deployments do."""


class UpstreamModel(Section, frozen=True):
    """One model of an upstream, under the name that clients and plans use.

    `context` and `max_output` in tokens; by default what is known of the model, else 128,000.
    `price` names the row of the price sheet to bill it by. `auto = false`: only who names it gets
    it, Shortstop itself never chooses it.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    model: str | None = None
    context: Annotated[int, Meta(ge=256)] | None = None
    max_output: Positive | None = None
    abilities: tuple[str, ...] = ("tools", "json", "vision", "logprobs")
    price: str | None = None
    auto: bool = True


class DeploymentConfig(Section, frozen=True):
    """`[upstreams.NAME.deployments.LABEL]`: one of several keys or addresses of a vendor's API, all
    with the same models under the same terms. What it does not say is the upstream's own.

    Conversations are shared out by `weight`; one of weight 0 is a spare, for what the others cannot
    take. `tokens_per_minute` of each model: what is beyond goes to another one.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    api_key_env: Variable | None = None
    base_url: str | None = None
    weight: NonNegative = 1.0
    tokens_per_minute: Positive | None = None


class UpstreamConfig(Section, frozen=True):
    """A vendor's API. The key is read from the environment variable `api_key_env`, or from the file
    `api_key_file`, and again whenever that is another one.

    `patterns`: models that need no table of their own, such as "gpt-*" (`models = "*"` is short for
    `patterns = ["*"]`). Clients get them by name; Shortstop chooses among them only where another
    setting names one, such as `routing.frontier`. `discover`: ask the upstream now and then which
    models it has, for `GET /v1/models` and to tell which have vanished; by default where there are
    `patterns`.

    An answer of more than `max_answer_mb`, whole or streamed, is a failure of the upstream.
    `teacher`: specialists may learn from its answers. Most vendors' terms forbid training rival
    models on them: say true only where yours allow it.

    `prompt_cache`: where the vendor caches only what is marked (Anthropic) and the client speaks
    another dialect, tools, system text and a dialogue's last turn are marked: "shared", for all of
    the account; "tenant", so that no tenant's request is ever a hit on another's; "off".

    `deployments`: several keys or addresses, by names of your own. One that was rate limited and
    told no time is left alone for `cooldown_seconds`.

    `dialect`: "openai" is Chat Completions, "responses" OpenAI's Responses, "anthropic" Messages.
    `shortstop.dialects` knows which there are; the name is checked where the upstream is built.

    `batch`: lines of clients' batches (`/v1/batches`) that are to be answered by a model of this
    upstream go in batches of the vendor's, which take up to a day. They cost `batch_discount` less,
    a share of the usual price, where the price sheet has no tariff for them.

    `{model}` in the path of `base_url` stands for the model that is asked. `proxy` is an HTTP proxy
    that gives tunnels (CONNECT), "off" none; by default `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`
    say. `proxy_user` with the password in `proxy_password_env` are for `proxy`. `ca_file`: whom to
    trust in place of the system's list. `client_cert` and `client_key` are shown to the upstream
    (one PEM file may hold both). `socket`: a Unix socket in place of the network. `headers` and
    `query` are added to every request; `$NAME` in a header is the environment variable NAME.
    `forward_headers` names headers of the client's that are passed on.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    base_url: str
    dialect: str = "openai"
    api_key_env: Variable | None = None
    api_key_file: str | None = None
    models: dict[str, UpstreamModel] = {}
    deployments: dict[str, DeploymentConfig] = {}
    cooldown_seconds: Seconds = 30
    patterns: tuple[str, ...] = ()
    discover: bool | None = None
    connect_timeout: Seconds = 5
    first_byte_timeout: Seconds = 60
    idle_timeout: Seconds = 60
    total_timeout: Seconds = 600
    max_answer_mb: Annotated[float, Meta(gt=0, le=1024)] = 40
    retries: Annotated[int, Meta(ge=0, le=10)] = 2
    backoff: Seconds = 0.5
    max_retry_after: Seconds = 20
    breaker_failures: Positive = 5
    breaker_seconds: Seconds = 15
    connections: Positive = 256
    region: str | None = None
    baa: bool = False
    teacher: bool = False
    prompt_cache: Literal["shared", "tenant", "off"] = "shared"
    proxy: str | None = None
    proxy_user: str | None = None
    proxy_password_env: Variable | None = None
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    socket: str | None = None
    batch: bool = False
    batch_discount: Annotated[float, Meta(ge=0, le=1)] = 0.5
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    forward_headers: tuple[str, ...] = ()

    def ways(self, name: str) -> dict[str, DeploymentConfig]:
        """How the upstream `name` is reached, by labels such as "name/eu": what a deployment does
        not say filled in. One without a label where none is configured."""
        own = DeploymentConfig(self.api_key_env, self.base_url)
        if not self.deployments:
            return {"": own}
        return {
            f"{name}/{label}": replace(
                one,
                api_key_env=one.api_key_env or own.api_key_env,
                base_url=one.base_url or own.base_url,
            )
            for label, one in self.deployments.items()
        }

    def each(self, name: str) -> dict[str, UpstreamConfig]:
        """The same by each of its `ways`, as if it were the only one."""
        return {
            label: replace(self, api_key_env=one.api_key_env, base_url=one.base_url)
            for label, one in self.ways(name).items()
        }

    @property
    def discovers(self) -> bool:
        if self.discover is None:
            return bool(self.patterns) and MODEL_PLACE not in self.base_url
        return self.discover
