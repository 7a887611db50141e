"""Keys that contradict each other, and settings that deserve a second look."""

from __future__ import annotations

import pytest

from shortstop.config import LEAST_RETENTION, parse, warnings
from shortstop.errors import ConfigError

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


def test_the_defaults_are_warned_of_nothing() -> None:
    assert warnings(parse("", {})) == []
