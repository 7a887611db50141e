"""`shortstop config check`: what a file means, which key is wrong, what needs a restart."""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path

import msgspec
import pytest

from shortstop.cli.config import explain
from shortstop.config import Config, lifetimes, parse
from tests.cli.conftest import Shortstop

FILE = """
[server]
port = 9000
[models.qwen]
url = "http://127.0.0.1:11434/v1"
[upstreams.openai]
base_url = "https://api.openai.com/v1"
api_key_env = "OPENAI_API_KEY"
[upstreams.openai.models."gpt-6.1-sol"]
[upstreams.free]
base_url = "https://free.example.com"
[upstreams.free.models.free]
"""


def test_a_file_in_sentences(shortstop: Shortstop, home: Path) -> None:
    (home / "mine.toml").write_text(FILE)
    result = shortstop("config", "check", "mine.toml")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "Listens on http://127.0.0.1:9000/v1."
    assert "Local target 'qwen': the server at http://127.0.0.1:11434/v1." in lines
    assert "  Key from OPENAI_API_KEY: NOT SET." in lines
    assert "  Needs no key." in lines
    assert any(line.startswith("Contract: at most 2.0% quality lost") for line in lines)
    assert not any(line.startswith("Warning") for line in lines)


def test_without_a_file_the_defaults_are_explained(shortstop: Shortstop) -> None:
    out = shortstop("config", "check").out
    assert "Local target 'small': the embedded engine (builtin)." in out
    assert "No frontier: everything stays local" in out


def test_the_file_of_this_folder_is_found(shortstop: Shortstop, home: Path) -> None:
    (home / "shortstop.toml").write_text("[server]\nport = 9001")
    assert "http://127.0.0.1:9001/v1" in shortstop("config", "check").out


def test_a_set_key_is_said_to_be_set_and_never_shown() -> None:
    lines = explain(parse(FILE, {}), {"OPENAI_API_KEY": "sk-secret"})
    assert "  Key from OPENAI_API_KEY: set." in lines
    assert "sk-secret" not in "\n".join(lines)


DEPLOYMENTS = (
    FILE
    + """
[upstreams.openai.deployments.eu]
weight = 3
tokens_per_minute = 200000
[upstreams.openai.deployments.us]
api_key_env = "US_KEY"
base_url = "https://us.example.com/v1"
[upstreams.openai.deployments.reserve]
api_key_env = "RESERVE_KEY"
weight = 0
[routing.fallbacks.free]
rate_limit = ["qwen", "gpt-6.1-sol"]
context = ["gpt-6.1-sol"]
"""
)


def test_keys_and_who_stands_in_are_explained() -> None:
    lines = explain(parse(DEPLOYMENTS, {}), {"OPENAI_API_KEY": "a", "US_KEY": "b"})
    assert (
        "  Deployment 'eu' (https://api.openai.com/v1): 75% of conversations,"
        " 200,000 tokens a minute of each model. Key from OPENAI_API_KEY: set."
    ) in lines
    assert (
        "  Deployment 'us' (https://us.example.com/v1): 25% of conversations. Key from US_KEY: set."
    ) in lines
    assert (
        "  Deployment 'reserve' (https://api.openai.com/v1): a spare."
        " Key from RESERVE_KEY: NOT SET."
    ) in lines
    assert "In place of 'free', where its rate limit is reached: qwen, then gpt-6.1-sol." in lines
    assert "In place of 'free', where the prompt is too long for it: gpt-6.1-sol." in lines


def test_where_the_content_key_is_and_none_is_made(shortstop: Shortstop, home: Path) -> None:
    key = home / "home" / "content.key"
    assert f"that the first start makes in {key}" in shortstop("config", "check").out
    assert not (home / "home").exists()
    key.parent.mkdir()
    key.write_text("no key")
    assert f"The content key {key} is damaged." in shortstop("config", "check").out


def test_the_air_gap_and_warnings_are_named() -> None:
    lines = explain(parse("[privacy]\nairgap = true\n[traces]\nretention_days = 7", {}), {})
    assert any(line.startswith("Air gap:") for line in lines)
    assert any(line.startswith("Warning: traces.retention_days = 7") for line in lines)


def test_what_needs_a_restart_is_listed() -> None:
    lines = explain(Config(), {})
    first = next(n for n, line in enumerate(lines) if line.endswith("need a restart:")) + 1
    listed = set()
    for line in takewhile(lambda line: line.startswith("  "), lines[first:]):
        section, _, keys = line.strip().rpartition("] ")
        listed |= {f"{section[1:]}.{key}".lstrip(".") for key in keys.split(", ")}
    assert listed == {key for key, lifetime in lifetimes().items() if lifetime == "process"}
    assert {"data_dir", "server.port", "traces.content", "privacy.vault_hours"} <= listed


def test_a_model_that_is_not_here_is_said(shortstop: Shortstop, home: Path) -> None:
    (home / "shortstop.toml").write_text('[models.small]\nsource = "qwen3-4"')
    said = shortstop("config", "check").out
    assert "  NOT INSTALLED. Did you mean 'qwen3-4b'?" in said


def test_json_is_the_whole_configuration_with_its_lifetimes(
    shortstop: Shortstop, home: Path
) -> None:
    (home / "shortstop.toml").write_text(FILE)
    tree = json.loads(shortstop("config", "check", "--json").out)
    assert tree.pop("lifetimes") == lifetimes()
    assert msgspec.convert(tree, Config) == parse(FILE, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[server]\nport = 70000",
            "shortstop.toml, line 2, `server.port`: expected a whole number <= 65535",
        ),
        ("[server]\nprot = 1", "line 2, `server.prot`: unknown key. Did you mean `port`?"),
        ("[server", "is not valid TOML"),
        ('[routing]\nlocal = "x"', "line 2, `routing.local`: 'x' is not in [models]"),
    ],
)
def test_an_error_names_file_line_and_key(
    shortstop: Shortstop, home: Path, text: str, says: str
) -> None:
    (home / "shortstop.toml").write_text(text)
    for arguments in (("config", "check"), ("config", "check", "--json")):
        result = shortstop(*arguments)
        assert (result.code, result.out) == (2, "")
        assert says in result.err


def test_it_says_who_is_told_and_what_is_missing_for_it(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK", "https://hooks.slack.test/s3cret")
    (home / "shortstop.toml").write_text(
        '[alerts]\nwebhook_url = "https://ops.test/hook"\nslack_url_env = "SLACK"\n'
    )
    said = shortstop("config", "check").out
    assert (
        "Alerts (everything): the webhook https://ops.test/hook and Slack, at the address in SLACK."
        " Not set: SHORTSTOP_ALERTS_SECRET."
    ) in said
    assert "s3cret" not in said


def test_where_a_lake_s_files_go_is_said(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "shortstop.toml"
    file.write_text('[traces.lake]\nfolder = "s3://bucket/rows"\nendpoint = "https://s3.example"\n')
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    said = " ".join(shortstop("config", "check").out.split())
    assert "Of 100% of requests in files in s3://bucket/rows, at https://s3.example;" in said
    assert "credentials from AWS_ACCESS_KEY_ID of the environment." in said
    assert "AKID" not in said
    file.write_text('[traces.lake]\nfolder = "/mnt/rows"\n')
    assert "in files in /mnt/rows." in " ".join(shortstop("config", "check").out.split())
