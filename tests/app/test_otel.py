"""Where the collector is, what it is told of this process, and who targets are to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from shortstop.app.otel import DEFAULT_ENDPOINT, Otel, collector_of, headers_in, open_otel, peers_of
from shortstop.config import Config, OtelConfig, PrivacyConfig, TelemetryConfig, TracesConfig
from shortstop.config.sections import ModelConfig
from shortstop.config.upstreams import UpstreamConfig, UpstreamModel
from shortstop.errors import ConfigError
from shortstop.types import Clearance, Json, Reach, Target, Tier, Trace
from tests.traces.example import trace

AWAY = "https://collector.example:4318"


def configured(**settings: Any) -> Config:
    return Config(telemetry=TelemetryConfig(OtelConfig(enabled=True, **settings)))


def unredacted(body: Json, tenant: str) -> Json:
    raise ValueError("something is left")


def starred(body: Json, tenant: str) -> Json:
    text = json.dumps(body).replace("card", "****")
    return dict(json.loads(text))


def opened(config: Config, env: Mapping[str, str] = {}) -> Otel:
    otel = open_otel(config, env, starred)
    assert otel is not None
    return otel


def test_there_is_nothing_where_it_is_off() -> None:
    assert open_otel(Config(), {"OTEL_EXPORTER_OTLP_ENDPOINT": AWAY}, starred) is None


@pytest.mark.parametrize(
    ("said", "env", "url"),
    [
        (None, {}, DEFAULT_ENDPOINT),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": f" {AWAY} "}, AWAY),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, DEFAULT_ENDPOINT),
        ("http://10.0.0.1:1", {"OTEL_EXPORTER_OTLP_ENDPOINT": AWAY}, "http://10.0.0.1:1"),
    ],
)
def test_the_file_says_where_it_is_or_the_environment(
    said: str | None, env: Mapping[str, str], url: str
) -> None:
    assert opened(configured(endpoint=said), env).endpoint == url


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318'"):
        opened(configured(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})


def test_an_airgap_has_no_collector_outside() -> None:
    config = replace(configured(endpoint=AWAY), privacy=PrivacyConfig(airgap=True))
    with pytest.raises(ConfigError, match="airgap = true") as caught:
        collector_of(config, {})
    assert "enabled = false" in caught.value.hint
    inside = replace(configured(endpoint="http://10.1.2.3:4318"), privacy=config.privacy)
    assert collector_of(inside, {}) == "http://10.1.2.3:4318"


def test_headers_are_written_as_opentelemetry_writes_them() -> None:
    said = {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20a%3Db, x-team = a ,,=x,bare"}
    assert headers_in(OtelConfig(), said) == {"authorization": "Bearer a=b", "x-team": "a"}
    assert headers_in(OtelConfig(headers_env="MINE"), said) == {}
    assert headers_in(OtelConfig(headers_env="MINE"), {"MINE": "a=b"}) == {"a": "b"}


@pytest.mark.parametrize(
    "said", ["a:b=SECRET", "a b=SECRET", "a=SECRET%0d%0ax:y", "a=SECRET%C3%A9"]
)
def test_headers_that_cannot_be_sent_are_refused_and_not_shown(said: str) -> None:
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_HEADERS") as caught:
        opened(configured(), {"OTEL_EXPORTER_OTLP_HEADERS": said})
    assert "SECRET" not in str(caught.value)


def resource(config: Config, env: Mapping[str, str] = {}) -> dict[str, str]:
    body = json.loads(opened(config, env).exporter._envelope.traces([]))
    told = body["resourceSpans"][0]["resource"]["attributes"]
    return {one["key"]: one["value"]["stringValue"] for one in told}


def test_each_process_says_who_it_is() -> None:
    env = {"OTEL_SERVICE_NAME": "street", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=prod"}
    told = resource(configured(), env)
    assert told["service.name"] == "street"
    assert told["deployment.environment"] == "prod"
    assert told["service.instance.id"] != resource(configured(), env)["service.instance.id"]
    assert resource(configured(service_name="mine"), env)["service.name"] == "mine"
    assert resource(configured())["service.name"] == "shortstop"


def test_targets_as_a_collector_knows_them() -> None:
    config = Config(
        models={"small": ModelConfig(source="builtin"), "vllm": ModelConfig(url="http://10.0.0.9")},
        upstreams={
            "openai": UpstreamConfig("https://api.openai.com/v1", models={"big": UpstreamModel()})
        },
    )
    targets = {
        "small": Target("small", "smollm2", True, "embedded", 1),
        "vllm": Target("vllm", "llama", True, "url", 1),
        "big": Target("big", "gpt-6.1", False, "openai", 1),
        "head-1": Target("head-1", "head-1", True, "shortstop", 1, specialist="label-head"),
    }
    peer = peers_of(lambda: config, lambda: targets)
    assert peer("small") == ("shortstop", "smollm2", None, None)
    assert peer("vllm") == ("local", "llama", "10.0.0.9", 80)
    assert peer("big") == ("openai", "gpt-6.1", "api.openai.com", 443)
    assert peer("head-1") == ("shortstop", "head-1", None, None)
    assert peer("one that has gone") == ("shortstop", "one that has gone", None, None)


ASKED = trace(
    "a",
    request={"model": "auto", "messages": [{"role": "user", "content": "Where is my card?"}]},
)


class TestContent:
    """Only where it is asked for, and never more than a row may keep."""

    def told(self, row: Trace, **traces: Any) -> Mapping[str, Any]:
        config = replace(configured(content=True), traces=TracesConfig(**traces))
        content = opened(config).exporter._content
        assert content is not None
        return content(row)

    def test_none_by_default(self) -> None:
        assert opened(configured()).exporter._content is None

    def test_what_may_be_kept(self) -> None:
        told = self.told(ASKED)
        (asked,) = json.loads(told["gen_ai.input.messages"])
        (said,) = json.loads(told["gen_ai.output.messages"])
        assert asked["parts"] == [{"type": "text", "content": "Where is my card?"}]
        assert said["parts"] == [{"type": "text", "content": "card_arrival"}]

    def test_redacted_where_rows_are(self) -> None:
        told = self.told(ASKED, content="redacted")
        assert "Where is my ****?" in told["gen_ai.input.messages"]
        assert "****_arrival" in told["gen_ai.output.messages"]

    def test_nothing_where_rows_keep_nothing(self) -> None:
        assert self.told(ASKED, content="digest") == {}

    def test_nothing_of_what_is_secret(self) -> None:
        secret = replace(ASKED, clearance=Clearance(Tier.S3, Reach.LOCAL_ONLY))
        assert self.told(secret) == {}

    def test_nothing_where_redaction_fails(self) -> None:
        config = replace(configured(content=True), traces=TracesConfig(content="redacted"))
        otel = open_otel(config, {}, unredacted)
        assert otel is not None
        assert otel.exporter._content is not None
        assert otel.exporter._content(ASKED) == {}

    def test_nothing_of_a_surface_that_has_no_messages(self) -> None:
        assert self.told(replace(ASKED, dialect="openai.embeddings")) == {}
