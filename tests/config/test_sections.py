"""The tables of the file: defaults that serve, bounds that hold, and what follows from a key."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shortstop.config import Config, ModelConfig, Section, parse
from shortstop.errors import ConfigError

SECTIONS = [one for one in Section.__subclasses__() if one.__module__.startswith("shortstop.")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("server.port", -1),
        ("server.port", 65536),
        ("server.workers", 0),
        ("server.workers", 129),
        ("server.max_body_mb", 0),
        ("server.max_body_mb", 1025),
        ("server.max_in_flight", 0),
        ("server.ping_seconds", 0),
        ("server.limits.connections", 0),
        ("server.limits.header_kb", 0),
        ("server.limits.header_kb", 1025),
        ("server.limits.headers", 7),
        ("server.limits.head_seconds", 0),
        ("server.limits.keep_alive_seconds", 0),
        ("server.limits.stall_seconds", 0),
        ("server.limits.body_kb_per_second", -1),
        ("server.limits.bodies_mb", 0),
        ("server.limits.gzip_ratio", 0.5),
        ("server.limits.json_values", 999),
        ("upstreams.u.max_answer_mb", 0),
        ("server.drain_seconds", -1),
        ("server.auth", "maybe"),
        ("models.m.context", 255),
        ("models.m.slots", 0),
        ("models.m.queue", -1),
        ("models.m.tools", "magic"),
        ("models.m.timeout", 0),
        ("hardware.utilisation", 0),
        ("hardware.utilisation", 1.1),
        ("hardware.years", 0),
        ("hardware.pue", 0.9),
        ("hardware.usd_per_kwh", -0.1),
        ("contract.max_quality_loss", 0),
        ("contract.max_quality_loss", 1),
        ("contract.confidence", 0.5),
        ("contract.audit_rate", 1.1),
        ("contract.scope", "some"),
        ("routing.min_score", -0.1),
        ("routing.exploration", 0.6),
        ("routing.landmarks", 15),
        ("routing.landmarks", 4097),
        ("judge.rate", 2),
        ("traces.retention_days", 0),
        ("traces.content", "half"),
        ("traces.queue", 0),
        ("privacy.timeout", 0),
        ("privacy.vault_hours", 0),
        ("privacy.ner", "de"),
        ("tasks.t.route", "moon"),
        ("tasks.t.grader", "coin"),
        ("prices.p.input", -1),
    ],
)
def test_a_value_out_of_its_bounds_is_an_error_that_names_the_key(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{key} = {msgspec.json.encode(value).decode()}", {})
    assert f"`{key}`" in caught.value.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("server.port", 0),
        ("server.workers", 128),
        ("server.limits.connections", 1),
        ("server.limits.body_kb_per_second", 0),
        ("hardware.utilisation", 1),
        ("contract.audit_rate", 0),
        ("routing.exploration", 0.5),
        ("routing.landmarks", 16),
        ("traces.retention_days", 0.5),
    ],
)
def test_a_value_on_its_bounds_is_taken(key: str, value: float) -> None:
    config: Any = parse(f"{key} = {value}", {})
    for name in key.split("."):
        config = getattr(config, name)
    assert config == value


@pytest.mark.parametrize(
    ("model", "able"),
    [
        (ModelConfig(source="builtin"), {"json", "logprobs", "tools"}),
        (ModelConfig(url="http://127.0.0.1:1"), {"json", "logprobs"}),
        (ModelConfig(url="http://127.0.0.1:1", abilities=("vision",)), {"vision"}),
        (ModelConfig(source="builtin", abilities=()), set()),
    ],
)
def test_abilities_follow_from_the_kind_of_model(model: ModelConfig, able: set[str]) -> None:
    assert model.able == able


@pytest.mark.parametrize(
    ("model", "by_schema"),
    [
        (ModelConfig(source="builtin"), True),
        (ModelConfig(source="builtin", tools="native"), False),
        (ModelConfig(url="http://127.0.0.1:1"), False),
        (ModelConfig(url="http://127.0.0.1:1", tools="schema"), True),
    ],
)
def test_the_embedded_engine_is_offered_tools_by_schema(
    model: ModelConfig, by_schema: bool
) -> None:
    assert model.tools_by_schema is by_schema


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().server.port = 1  # type: ignore[misc]


def test_every_section_says_what_it_is_for() -> None:
    for section in SECTIONS:
        assert section.__doc__, section.__name__


PATHS = {"key", "client_key", "api_key_file"}
"""Of files."""


def test_no_key_holds_a_secret() -> None:
    """The file names environment variables; a key in it would be in every backup."""
    for section in SECTIONS:
        for field in msgspec.structs.fields(section):
            words = field.name.split("_")
            if field.name in PATHS:
                continue
            secret = {"key", "token", "secret", "password"} & set(words)
            assert not secret or words[-1] == "env" or field.name.endswith("tokens"), field.name
