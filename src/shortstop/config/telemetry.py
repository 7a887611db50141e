"""`[log]` and `[telemetry]`: what is written to standard error and sent to collectors."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from shortstop.config.section import Lifetime, Positive, Probability, Seconds, Section, Variable


class LogConfig(Section, frozen=True):
    """What the gateway writes to standard error.

    Events from `level` on, one a line, as text or as JSON objects. With `requests` there is a line
    for each request: its id, tenant, task, target, outcome, money and time, and never its content.
    """

    lifetime: ClassVar[Lifetime] = "process"

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    requests: bool = False


class OtelConfig(Section, frozen=True):
    """`[telemetry.otel]`: traces and metrics for an OpenTelemetry collector, as OTLP over HTTP.

    `endpoint` is the address before `/v1/traces`; by default what the environment variable
    OTEL_EXPORTER_OTLP_ENDPOINT says, else http://localhost:4318. `headers_env` names a variable
    that holds headers as OpenTelemetry writes them: "authorization=Bearer%20abc,x-team=a".
    `service_name` defaults to OTEL_SERVICE_NAME, then "shortstop". `sample_ratio` is the share of
    requests that are traced; one that comes with a `traceparent` is traced if its caller is.
    `propagate` says which models learn of the trace: "local", those on this machine or network;
    "all"; "off".
    `content`: spans also hold what was asked and answered, as far as `[traces]` lets it be kept.
    `signals` are what is sent: a collector of traces alone takes no metrics.
    Spans leave every `interval_seconds`, metrics every `metrics_seconds`. `queue` requests and
    `queue_mb` of spans may wait for a collector that does not answer; a delivery may take
    `timeout_seconds`.
    """

    lifetime: ClassVar[Lifetime] = "process"

    enabled: bool = False
    endpoint: str | None = None
    headers_env: Variable = "OTEL_EXPORTER_OTLP_HEADERS"
    service_name: str | None = None
    signals: tuple[Literal["traces", "metrics"], ...] = ("traces", "metrics")
    sample_ratio: Probability = 1.0
    propagate: Literal["off", "local", "all"] = "local"
    content: bool = False
    interval_seconds: Seconds = 5
    metrics_seconds: Seconds = 60
    timeout_seconds: Seconds = 10
    queue: Positive = 4096
    queue_mb: Annotated[float, Meta(gt=0, le=10_000)] = 16


class TelemetryConfig(Section, frozen=True):
    """What is sent to collectors. Prometheus needs nothing: it reads `/metrics`."""

    otel: OtelConfig = OtelConfig()
