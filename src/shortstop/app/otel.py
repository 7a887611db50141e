"""OpenTelemetry in this process: where the collector is, what it is told, who targets are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from shortstop import __version__, dialects
from shortstop.app.clock import CLOCK
from shortstop.config import Config, OtelConfig, is_local_url
from shortstop.config.addresses import problem_of_url
from shortstop.errors import ConfigError
from shortstop.faults import contained
from shortstop.serving.http import TelemetryClient
from shortstop.telemetry.otel.content import content_attributes
from shortstop.telemetry.otel.exporter import Exporter
from shortstop.telemetry.otel.joining import Joining
from shortstop.telemetry.otel.spans import GATEWAY, Content, Peer
from shortstop.telemetry.otel.wire import Envelope, Value
from shortstop.traces import Redact
from shortstop.traces.content import ContentPolicy
from shortstop.types import Choice, Target, Trace

ENDPOINT, SERVICE, RESOURCE = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
)
DEFAULT_ENDPOINT = "http://localhost:4318"
PORTS = {"http": 80, "https": 443}


class Otel:
    """Takes part in traces, and exports them. Lives as long as the process."""

    def __init__(self, config: Config, env: Mapping[str, str], redact: Redact) -> None:
        """Raises ConfigError for an endpoint or headers that cannot be used."""
        settings = config.telemetry.otel
        self.endpoint = collector_of(config, env)
        client = TelemetryClient(self.endpoint, headers_in(settings, env), settings.timeout_seconds)
        content = _content(ContentPolicy(config.traces, redact)) if settings.content else None
        self.join = Joining(settings.sample_ratio, settings.propagate)
        self.exporter = Exporter(
            settings,
            client,
            Envelope(_resource(settings, env), GATEWAY, __version__),
            CLOCK,
            self._peer,
            content,
        )
        self.peers: Callable[[str], Peer] | None = None
        """Who a target is in the configuration in force."""

    def _peer(self, name: str) -> Peer:
        return Peer(GATEWAY, name) if self.peers is None else self.peers(name)


def open_otel(config: Config, env: Mapping[str, str], redact: Redact) -> Otel | None:
    """None where it is off. Raises ConfigError."""
    return Otel(config, env, redact) if config.telemetry.otel.enabled else None


def collector_of(config: Config, env: Mapping[str, str]) -> str:
    """The collector's address. Raises ConfigError where it is none, or an airgap forbids it."""
    said, place = config.telemetry.otel.endpoint, "telemetry.otel.endpoint"
    if said is None and env.get(ENDPOINT, "").strip():
        said, place = env[ENDPOINT].strip(), ENDPOINT
    url = said or DEFAULT_ENDPOINT
    problem = problem_of_url(url)
    if problem:
        raise ConfigError(f"{place}: {problem}")
    if config.privacy.airgap and not is_local_url(url):
        raise ConfigError(
            f"airgap = true: the collector of {place} is not on this machine or its network.",
            hint="Name one that is, or say `enabled = false` under [telemetry.otel].",
        )
    return url


def headers_in(settings: OtelConfig, env: Mapping[str, str]) -> dict[str, str]:
    """Raises ConfigError, which shows no value."""
    pairs = _pairs(env.get(settings.headers_env, ""))
    for name, value in pairs.items():
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            raise ConfigError(f"{settings.headers_env} holds a header with an impossible name.")
        if not (value.isascii() and value.isprintable()):
            raise ConfigError(f"{settings.headers_env}: the value of {name} cannot be sent.")
    return pairs


def _pairs(text: str) -> dict[str, str]:
    """OpenTelemetry's lists, "name=value,name=value", values in percent-encoding."""
    pairs = (one.partition("=") for one in text.split(",") if "=" in one)
    return {
        name.strip().lower(): unquote(value.strip()) for name, _, value in pairs if name.strip()
    }


def _resource(settings: OtelConfig, env: Mapping[str, str]) -> dict[str, Value]:
    """Each process is an instance of its own: workers count for themselves."""
    return {
        **_pairs(env.get(RESOURCE, "")),
        "service.name": settings.service_name or env.get(SERVICE) or GATEWAY,
        "service.version": __version__,
        "service.instance.id": str(uuid.uuid4()),
    }


def peers_of(
    config: Callable[[], Config], targets: Callable[[], Mapping[str, Target]]
) -> Callable[[str], Peer]:
    """Both give what is in force. An upstream's provider is what the operator calls it."""

    def peer(name: str) -> Peer:
        target = targets().get(name)
        if target is None:
            return Peer(GATEWAY, name)
        if not target.local:
            url = config().upstreams[target.provider].base_url
            return Peer(target.provider, target.model, *_place(url))
        model = config().models.get(name)
        if model is None or model.url is None:
            return Peer(GATEWAY, target.model)
        return Peer("local", target.model, *_place(model.url))

    return peer


def _place(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or PORTS.get(parts.scheme)


def _content(policy: ContentPolicy) -> Content:
    """What is asked and answered, as far as rows may keep it; nothing where that cannot be told."""

    def content(trace: Trace) -> Mapping[str, Value]:
        with contained("the content of a span"):
            request, response = policy.allowed(trace)
            if request is None:
                return {}
            asked = dialects.get(trace.dialect).decode_request(request, trace.id)
            said = msgspec.to_builtins((response or {}).get("choices", ()))
            return content_attributes(asked.messages, msgspec.convert(said, tuple[Choice, ...]))
        return {}

    return content
