"""Keys that contradict each other, and settings that deserve a second look."""

from __future__ import annotations

import pytest

from shortstop.config import LEAST_RETENTION, parse, warnings
from shortstop.errors import ConfigError

FALLBACKS = '[upstreams.x]\nbase_url = "https://h"\nmodels.m = {}\n[routing.fallbacks]\n'
UPSTREAM = '[upstreams.x]\nbase_url = "https://h"\nmodels.m = {}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[models.a]\nurl = "x"', "line 2, `models.a.url`: 'x' is not an http(s) URL"),
        ('[models.a]\nurl = "http://8.8.8.8/v1"', "`models.a.url`: is not an address of this"),
        ("[models.a]\nthreads = 2", "line 1, `models.a`: give exactly one of"),
        ('[models.a]\nsource = "s"\nurl = "http://[::1]:1"', "`models.a`: give exactly one of"),
        ("[models]\n[upstreams]", "there is no model at all"),
        (
            '[upstreams.x]\nbase_url = "https://u:p@h"\nmodels.m = {}',
            "`upstreams.x.base_url`: a URL must not hold credentials",
        ),
        ('[upstreams.x]\nbase_url = "ftp://h"\nmodels.m = {}', "is not an http(s) URL"),
        ('[upstreams.x]\nbase_url = "https://h"', "line 1, `upstreams.x`: names no model"),
        ('[upstreams.x]\nbase_url = "https://h"\nmodels.auto = {}', "'auto' is reserved"),
        ('[models.local]\nsource = "builtin"', "'local' is reserved"),
        (
            f'[models.m]\nsource = "builtin"\n{UPSTREAM}',
            "the name 'm' is already used by models.m",
        ),
        ('[routing]\nfrontier = "gpt"', "line 2, `routing.frontier`: 'gpt' is no model"),
        ('[routing]\nfrontier = "small"', "`routing.frontier`: 'small' is no model"),
        ('[routing]\nlocal = "big"', "line 2, `routing.local`: 'big' is not in [models]"),
        ('[judge]\ntarget = "big"', "line 2, `judge.target`: 'big' is neither"),
        (f"[privacy]\nairgap = true\n{UPSTREAM}", "line 2, `privacy.airgap`"),
        (
            '[telemetry.otel]\nendpoint = "collector:4318"',
            "line 2, `telemetry.otel.endpoint`: 'collector:4318' is not an http(s) URL",
        ),
        (
            '[telemetry.otel]\nenabled = true\nendpoint = "https://h"\n[privacy]\nairgap = true',
            "line 3, `telemetry.otel.endpoint`: airgap = true allows no collector",
        ),
        ('[server]\ncors_origins = ["*"]', 'line 2, `server.cors_origins`: "*" lets every web'),
        ('[server]\ncors_origins = ["null"]', "`server.cors_origins`: 'null' is no origin"),
        ('[server]\ncors_origins = ["https://a.example/"]', "'https://a.example/' is no origin"),
        ('[server]\ncors_origins = ["a.example"]', "'a.example' is no origin"),
        ('[server]\ncors_origins = ["https://*.example"]', "'https://*.example' is no origin"),
        ('[server]\nallowed_hosts = ["http://a"]', "line 2, `server.allowed_hosts`: 'http://a' is"),
        ('[server]\nallowed_hosts = ["a:80"]', "'a:80' is no host"),
        ('[server]\nallowed_hosts = ["*"]', "'*' is no host"),
        ('[server]\nallowed_hosts = ["a.*.b"]', "'a.*.b' is no host"),
        ('[server]\nallowed_hosts = [""]', "'' is no host"),
        (
            f"{UPSTREAM}deployments.a = {{ weight = 0 }}\n",
            "`upstreams.x.deployments`: all have weight 0: those are spares",
        ),
        (
            f"{UPSTREAM}deployments.a = {{}}\ndeployments.b = {{ weight = 2 }}\n",
            "`upstreams.x.deployments.b`: is the same as 'a'",
        ),
        (f'{UPSTREAM}deployments."a b" = {{}}\n', "is no label"),
        (
            f'{UPSTREAM}deployments.a = {{ base_url = "ftp://h" }}\n',
            "`upstreams.x.deployments.a.base_url`: 'ftp://h' is not an http(s) URL",
        ),
        (
            f'{UPSTREAM}api_key_file = "f"\ndeployments.a = {{ api_key_env = "K" }}\n',
            "`upstreams.x.api_key_file`: does not go with keys of deployments",
        ),
        (f"{FALLBACKS}y.outage = ['m']\n", "`routing.fallbacks.y`: 'y' is no model here"),
        (f"{FALLBACKS}m.outage = ['y']\n", "`routing.fallbacks.m`: 'y' is no model here"),
        (f"{FALLBACKS}m.outage = ['m']\n", "`routing.fallbacks.m.outage`: 'm' is its own"),
        (f"{FALLBACKS}m.context = ['small', 'small']\n", "names a model twice"),
        (f"{FALLBACKS}m.outage = []\n", "`routing.fallbacks.m`: names nobody"),
        (
            f"{FALLBACKS}m.outage = ['e']\n[upstreams.x.models.e]\nabilities = ['embeddings']\n",
            "'e' embeds: vectors of two models cannot be compared",
        ),
        ('[server]\nallowed_clients = ["10.0.0.1:80"]', "line 2, `server.allowed_clients`: '10.0"),
        ('[server]\nallowed_clients = ["a.example:443"]', "'a.example:443' is no address or"),
        ('[server]\nallowed_clients = ["localhost"]', "'localhost' is no address or network"),
        ('[server]\nallowed_clients = ["10.0.0.1/8"]', "'10.0.0.1/8' is no address or network"),
        ('[server]\ntrusted_proxies = ["*"]', "line 2, `server.trusted_proxies`: '*' is no"),
        ('[server.tls]\nkey = "k.pem"', "line 2, `server.tls.key`: is of no use without `cert`"),
        ('[models.a]\nsource = "s"\nsocket = "/s"', "line 3, `models.a.socket`: is where the"),
        ('[models.a]\nurl = "http://[::1]"\nsocket = ""', "`models.a.socket`: '' is no path"),
    ],
)
def test_a_contradiction_names_its_key_and_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})
    assert says in str(caught.value)


def test_whoever_is_named_may_be_local_or_remote() -> None:
    config = parse(
        f'{UPSTREAM}[routing]\nlocal = "small"\nfrontier = "m"\n[judge]\ntarget = "m"', {}
    )
    assert config.judge.target == "m"
    assert parse('[judge]\ntarget = "small"', {}).judge.target == "small"


def test_hosts_and_origins_as_browsers_write_them() -> None:
    text = """[server]
auth = "required"
cors_origins = ["*", "https://a.example:8443", "http://[::1]:3000", "chrome-extension://ab", "file://"]
allowed_hosts = ["a.example", "*.b.example", "[fd00::1]", "10.0.0.1", "box"]
"""
    server = parse(text, {}).server
    assert (len(server.cors_origins), len(server.allowed_hosts)) == (5, 5)


@pytest.mark.parametrize(("days", "warned"), [(LEAST_RETENTION, False), (182.9, True)])
def test_less_than_six_months_of_traces_is_warned_of(days: float, warned: bool) -> None:
    lines = warnings(parse(f"[traces]\nretention_days = {days}", {}))
    assert bool(lines) is warned
    assert all("Article 26(6)" in line for line in lines)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://api.vendor.example/v1", True),
        ("https://api.vendor.example/v1", False),
        ("http://127.0.0.1:9000", False),
    ],
)
def test_a_key_that_crosses_the_network_in_the_clear_is_warned_of(url: str, warned: bool) -> None:
    text = f'[upstreams.x]\nbase_url = "{url}"\napi_key_env = "K"\nmodels.m = {{}}\n'
    assert bool(warnings(parse(text, {"K": "k"}))) is warned


def test_a_deployment_that_crosses_the_network_in_the_clear_is_warned_of() -> None:
    more = 'deployments.a = { api_key_env = "K", base_url = "http://far.example/v1" }\n'
    (line,) = warnings(parse(UPSTREAM + more, {}))
    assert "unencrypted" in line


def test_two_models_may_stand_in_for_each_other() -> None:
    text = f"{FALLBACKS}m.outage = ['small']\nsmall.outage = ['m']\n"
    assert parse(text, {}).routing.fallbacks["small"].outage == ("m",)


def test_a_model_that_only_a_pattern_names_may_stand_in_and_is_never_chosen() -> None:
    text = (
        '[upstreams.x]\nbase_url = "https://h"\nmodels = "gpt-*"\n'
        '[routing.fallbacks."gpt-7"]\ncontext = ["gpt-8"]\n'
    )
    models = parse(text, {}).upstreams["x"].models
    assert {name: model.auto for name, model in models.items()} == {"gpt-7": False, "gpt-8": False}


def test_a_context_that_is_no_larger_is_warned_of() -> None:
    text = (
        '[upstreams.x]\nbase_url = "https://h"\nmodels.m = { context = 9000 }\n'
        "models.n = { context = 8000 }\nmodels.wide = { context = 90000 }\n"
        "models.who_knows = {}\n"
        "[routing.fallbacks.m]\ncontext = ['wide', 'n', 'who_knows']\n"
    )
    (line,) = warnings(parse(text, {}))
    assert line == (
        "routing.fallbacks.m.context names 'n', whose context of 8,000 tokens is no larger than"
        " 9,000."
    )


def test_the_defaults_are_warned_of_nothing() -> None:
    assert warnings(parse("", {})) == []


@pytest.mark.parametrize(
    ("url", "more", "says"),
    [
        ("hooks.example", "", "not an http"),
        ("https://u:p@hooks.example", "", "credentials"),
        ("https://hooks.example/x", "[privacy]\nairgap = true\n", "airgap"),
    ],
)
def test_a_webhook_is_an_address_that_may_be_told(url: str, more: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse(f'{more}[alerts]\nwebhook_url = "{url}"\n', {})


def test_a_webhook_in_the_clear_is_warned_of() -> None:
    for url, warned in (("http://hooks.example", True), ("http://10.0.0.7/x", False)):
        assert bool(warnings(parse(f'[alerts]\nwebhook_url = "{url}"\n', {}))) is warned


@pytest.mark.parametrize(
    ("table", "key", "why"),
    [
        ('folder = "gs://bucket/rows"', "folder", "is neither a path nor a bucket"),
        ('folder = "rows"', "folder", "is no absolute path"),
        ('folder = ""', "folder", "is no absolute path"),
        ('folder = "s3://"', "folder", "is no bucket's address"),
        ('folder = "s3://Bucket/rows"', "folder", "is no bucket's address"),
        ('folder = "s3://key:secret@bucket/rows"', "folder", "is no bucket's address"),
        ('folder = "s3://bucket/a/../b"', "folder", "is no bucket's address"),
        ('folder = "s3://bucket/a?x=1"', "folder", "is no bucket's address"),
        ('folder = "/mnt/rows"\nregion = "eu"', "region", "is a bucket's"),
        ('endpoint = "http://127.0.0.1:9000"', "endpoint", "is a bucket's"),
        ('folder = "s3://bucket"\nendpoint = "127.0.0.1:9000"', "endpoint", "is not an http"),
        ('folder = "s3://bucket"\nendpoint = "http://h/bucket"', "endpoint", "ends with its port"),
        ('folder = "s3://bucket"\nendpoint = "http://k:s@h"', "endpoint", "credentials"),
        ('folder = "s3://bucket"\nregion = "a b"', "region", "is no region"),
    ],
)
def test_a_lake_is_a_place_that_every_command_finds(table: str, key: str, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"traces\.lake\.{key}.*{why}"):
        parse(f"[traces.lake]\n{table}", {})


def test_a_lake_is_a_folder_or_a_bucket() -> None:
    assert parse('[traces.lake]\nfolder = "/mnt/rows"', {}).traces.lake.sample == 1
    bucket = '[traces.lake]\nfolder = "s3://bucket.of-1/a/b_c/"\nendpoint = "https://h:9000/"\n'
    assert parse(bucket, {}).traces.lake.endpoint == "https://h:9000/"


def test_with_an_air_gap_a_bucket_is_near() -> None:
    gap, table = "[privacy]\nairgap = true\n", '[traces.lake]\nfolder = "s3://bucket"\n'
    for more in ("", 'endpoint = "https://s3.example"\n'):
        with pytest.raises(ConfigError, match="airgap = true allows no bucket"):
            parse(gap + table + more, {})
    parse(f'{gap}{table}endpoint = "http://10.0.0.7:9000"\n', {})


def test_a_bucket_reached_in_the_clear_is_warned_of() -> None:
    table = '[traces.lake]\nfolder = "s3://bucket"\nendpoint = "http://{}"\n'
    assert any("traces.lake.endpoint" in one for one in warnings(parse(table.format("s3.x"), {})))
    assert not warnings(parse(table.format("127.0.0.1:9000"), {}))
