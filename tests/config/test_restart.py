"""Every setting states how long it holds, and a reload that cannot apply one says which."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import pytest

from shortstop.config import (
    Lifetime,
    Section,
    changed,
    lifetimes,
    parse,
    require_no_restart,
    restart_needed,
)
from shortstop.config.sections import Process, Runtime
from shortstop.errors import ConfigError

PROCESS = {
    "data_dir": '"/elsewhere"',
    "server.host": '"0.0.0.0"',
    "server.port": "9999",
    "server.workers": "3",
    "server.notice_seconds": "1",
    "server.drain_seconds": "1",
    "server.cors_origins": '["https://app.example.com"]',
    "server.allowed_hosts": '["gateway.example"]',
    "server.tls.cert": '"cert.pem"',
    "server.tls.key": '"key.pem"',
    "engine.threads": "3",
    "engine.cpu": '"wheel"',
    "engine.batch_threads": "3",
    "engine.calibrate": "false",
    "log.level": '"debug"',
    "log.format": '"json"',
    "log.requests": "true",
    "privacy.key_env": '"OTHER"',
    "privacy.vault_hours": "1",
    "privacy.ner_timeout": "1",
    "traces.path": '"t.db"',
    "traces.retention_days": "365",
    "traces.content": '"digest"',
    "traces.sensitive_content": '"full"',
    "traces.queue": "5",
    "traces.users": '"plain"',
    "traces.fsync": "true",
    "traces.key_env": '"OTHER"',
    "traces.lake.folder": '"s3://store/lake"',
    "traces.lake.endpoint": '"http://127.0.0.1:9000"',
    "traces.lake.region": '"eu-central-1"',
    "traces.lake.sample": "0.5",
    "traces.lake.gather_seconds": "10",
    "store.url": '"postgresql://db.internal/shortstop"',
    "store.password_env": '"OTHER"',
    "telemetry.otel.enabled": "true",
    "telemetry.otel.endpoint": '"http://127.0.0.1:1"',
    "telemetry.otel.headers_env": '"OTHER"',
    "telemetry.otel.service_name": '"other"',
    "telemetry.otel.signals": '["traces"]',
    "telemetry.otel.sample_ratio": "0.5",
    "telemetry.otel.propagate": '"all"',
    "telemetry.otel.content": "true",
    "telemetry.otel.interval_seconds": "1",
    "telemetry.otel.metrics_seconds": "1",
    "telemetry.otel.timeout_seconds": "1",
    "telemetry.otel.queue": "5",
    "telemetry.otel.queue_mb": "1",
}
"""What app/gateway.py, app/supervisor.py and app/listener.py make once, with another value."""
RUNTIME = {
    "server.max_body_mb": "1",
    "server.limits.connections": "9",
    "server.limits.json_values": "5000",
    "server.auth": '"required"',
    "server.allowed_clients": '["10.0.0.0/8"]',
    "server.trusted_proxies": '["10.0.0.7"]',
    "privacy.timeout": "1",
    "privacy.audit": '"audit.log"',
    "privacy.ner": '"en"',
    "privacy.terms": '{ acme = ["Osprey"] }',
    "routing.min_score": "0.5",
    "contract.confidence": "0.9",
    "hardware.watts_busy": "100",
    "ledger.reference_model": '"m"',
    "judge.rate": "0.5",
}
SECTIONS = [one for one in Section.__subclasses__() if one.__module__.startswith("shortstop.")]
STATE = {"routing.landmarks": "64", "routing.seed": "7"}


def file(settings: dict[str, str]) -> str:
    """TOML that sets dotted keys; those of no table come first."""
    return "\n".join(f"{key} = {value}" for key, value in settings.items())


def test_every_key_of_every_section_states_a_lifetime() -> None:
    known = lifetimes()
    for section in SECTIONS:
        for field in msgspec.structs.fields(section):
            assert any(field.name in key.split(".") for key in known), (
                f"{section.__name__}.{field.name} is not reached"
            )
    assert set(known.values()) == {"process", "runtime", "state"}


def test_a_section_is_mixed_or_states_one_lifetime() -> None:
    """A lifetime of the whole table beside those of its keys would hide a forgotten key."""
    for section in SECTIONS:
        marked = [f for f in msgspec.structs.fields(section) if "Lasts" in str(f.type)]
        assert not (section.lifetime and marked), section.__name__


def test_a_key_that_states_none_is_an_error() -> None:
    class Forgetful(Section, frozen=True):
        stated: Runtime[int] = 1
        forgotten: int = 2

    with pytest.raises(TypeError, match=r"Forgetful\.forgotten states no lifetime"):
        lifetimes(Forgetful)


def test_the_settings_that_need_a_restart_are_these() -> None:
    assert {key for key, lifetime in lifetimes().items() if lifetime == "process"} == set(PROCESS)
    assert {key for key, lifetime in lifetimes().items() if lifetime == "state"} == set(STATE)


OF_OTHERS = {"server.tls.key", "traces.lake.endpoint", "traces.lake.region"}
"""A key needs its certificate, the rest its bucket."""
ALONE = [item for item in PROCESS.items() if item[0] not in OF_OTHERS]


@pytest.mark.parametrize(("key", "value"), ALONE)
def test_a_changed_process_setting_is_named_as_in_the_file(key: str, value: str) -> None:
    assert restart_needed(parse("", {}), parse(f"{key} = {value}", {})) == [key]
    assert restart_needed(parse(f"{key} = {value}", {}), parse("", {})) == [key]


def test_all_of_them_are_named() -> None:
    assert set(restart_needed(parse("", {}), parse(file(PROCESS), {}))) == set(PROCESS)


@pytest.mark.parametrize(("key", "value"), [*RUNTIME.items(), *STATE.items()])
def test_what_a_reload_applies_needs_no_restart(key: str, value: str) -> None:
    old, new = parse("", {}), parse(f"{key} = {value}", {})
    assert restart_needed(old, new) == []
    assert changed(old, new, "state" if key in STATE else "runtime") == [key]
    require_no_restart(old, new)


def test_nothing_changed_is_nothing() -> None:
    config = parse(file(PROCESS | RUNTIME), {})
    assert restart_needed(config, parse(file(PROCESS | RUNTIME), {})) == []


def test_models_and_upstreams_come_and_go_without_a_restart() -> None:
    old = parse('[models.small]\nsource = "builtin"', {})
    new = parse(
        '[models.small]\nsource = "builtin"\nslots = 2\n[models."a b"]\nsource = "x"\n'
        '[upstreams.up]\nbase_url = "https://h"\n[upstreams.up.models."m.1"]',
        {},
    )
    assert restart_needed(old, new) == restart_needed(new, old) == []
    assert changed(old, new, "runtime") == ["models.small.slots", 'models."a b"', "upstreams.up"]


def test_a_nested_table_of_a_task_is_named() -> None:
    old = parse("[tasks.sort.contract]\nconfidence = 0.9", {})
    new = parse("[tasks.sort.contract]\nconfidence = 0.99", {})
    assert changed(old, new, "runtime") == ["tasks.sort.contract.confidence"]
    assert changed(parse("[tasks.sort]", {}), new, "runtime") == ["tasks.sort.contract"]


def test_the_error_names_every_key_and_says_what_to_do() -> None:
    old = parse("", {})
    with pytest.raises(ConfigError) as one:
        require_no_restart(old, parse('[traces]\ncontent = "digest"', {}))
    assert str(one.value) == (
        "A reload cannot change `traces.content`: it needs a restart. "
        "Restart the gateway, or undo this change and reload the others."
    )
    with pytest.raises(ConfigError, match=r"`server.port`, `traces.fsync`: they need a restart"):
        require_no_restart(old, parse("server.port = 1\ntraces.fsync = true", {}))


def test_the_markers_leave_the_types_as_they_are() -> None:
    class Example(Section, frozen=True):
        lifetime: ClassVar[Lifetime | None] = None
        port: Process[int] = 1

    assert msgspec.convert({"port": 2}, Example).port == 2
    for wrong in ({"port": "x"}, {"lifetime": "process"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, Example)
