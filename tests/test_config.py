"""The configuration: defaults that work, errors that name the key and the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop import config
from shortstop.config import is_local_url, parse
from shortstop.errors import ConfigError

FULL = """
[server]
port = 9000

[models.small]
source = "builtin"
threads = 2

[upstreams.openai]
base_url = "https://api.openai.com/v1"
api_key_env = "OPENAI_API_KEY"

[upstreams.openai.models."gpt-6.1-sol"]
context = 400_000

[routing]
frontier = "gpt-6.1-sol"
"""


def test_nothing_said_is_the_embedded_model_alone() -> None:
    made = config.from_environment({})
    assert made.models["small"].source == "builtin"
    assert made.upstreams == {}
    assert made.server.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("key", "upstream"), [("OPENAI_API_KEY", "openai"), ("ANTHROPIC_API_KEY", "anthropic")]
)
def test_a_key_in_the_environment_is_a_frontier(key: str, upstream: str) -> None:
    made = config.from_environment({key: "sk-secret"})
    assert list(made.upstreams) == [upstream]
    assert "sk-secret" not in repr(made)


def test_a_file_is_read_whole() -> None:
    made = parse(FULL, {})
    assert made.server.port == 9000
    assert made.upstreams["openai"].models["gpt-6.1-sol"].context == 400_000
    assert made.routing.frontier == "gpt-6.1-sol"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[server]\nport = "x"', "line 2, `server.port`: expected `int`, got `str`"),
        ("[server]\nport = 70000", "line 2, `server.port`"),
        ("[server]\nprot = 1", "line 2, `server.prot`: unknown key. Did you mean `port`?"),
        ("[servr]\nport = 1", "line 1, `servr`: unknown key. Did you mean `server`?"),
        ('[models.a]\nurl = "x"', "line 2, `models.a.url`: 'x' is not an http(s) URL"),
        ("[models.a]\nthreads = 2", "line 1, `models.a`: give exactly one of"),
        (
            '[upstreams.x]\nbase_url = "https://u:p@h"\nmodels.m = {}',
            "`upstreams.x.base_url`: a URL must not hold credentials",
        ),
        ('[upstreams.x]\nbase_url = "https://h"', "line 1, `upstreams.x`: names no model"),
        (
            '[upstreams.x]\nbase_url = "https://h"\n[upstreams.x.models."m.1"]\ncontxt = 5',
            "line 4, `upstreams.x.models.m.1.contxt`: unknown key. Did you mean `context`?",
        ),
        (
            '[upstreams.x]\nbase_url = "https://h"\nmodels.auto = {}',
            "'auto' is reserved",
        ),
        (
            '[models.m]\nsource = "builtin"\n[upstreams.x]\nbase_url = "https://h"\nmodels.m = {}',
            "the name 'm' is already used by models.m",
        ),
        ('[routing]\nfrontier = "gpt"', "line 2, `routing.frontier`: 'gpt' is no model"),
        (
            '[privacy]\nairgap = true\n[upstreams.x]\nbase_url = "https://h"\nmodels.m = {}',
            "line 2, `privacy.airgap`",
        ),
        ("[contract]\nconfidence = 1.5", "line 2, `contract.confidence`"),
        ("port = ", "is not valid TOML"),
    ],
)
def test_errors_name_the_key_and_the_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        config.load(tmp_path / "nowhere.toml", {})


def test_the_air_gap_takes_no_frontier_from_the_environment() -> None:
    assert parse("[privacy]\nairgap = true", {"OPENAI_API_KEY": "x"}).upstreams == {}


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://10.1.2.3", True),
        ("http://192.168.0.9:11434/v1", True),
        ("http://8.8.8.8", False),
        ("https://api.openai.com", False),
        ("http://localhost.example.com", False),
        ("http://169.254.169.254", False),
    ],
)
def test_local_means_this_machine_or_its_private_network(url: str, local: bool) -> None:
    assert is_local_url(url) is local
