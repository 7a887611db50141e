"""`shortstop init`: what it writes is a configuration, for every answer that it takes."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from shortstop.cli.init import Setup, written
from shortstop.config import parse
from shortstop.errors import ConfigError
from tests.cli.conftest import Shortstop

FRONTIERS = ("openai", "anthropic", "none", "https://api.example/v1")
LOCALS = ("builtin", "qwen3.5-4b", "http://127.0.0.1:11434/v1", "none")


@pytest.mark.parametrize("setup", [Setup(*c) for c in product(FRONTIERS, LOCALS, (0, 1))])
def test_every_choice_is_a_configuration(setup: Setup) -> None:
    if setup.frontier == setup.local == "none":
        with pytest.raises(ConfigError, match="nobody could answer"):
            written(setup)
        return
    config = parse(written(setup), {})
    assert bool(config.upstreams) == (setup.frontier != "none")
    assert bool(config.models) == (setup.local != "none")
    assert (config.server.auth == "required") == bool(setup.team)
    if setup.frontier in ("openai", "anthropic"):
        assert config.routing.frontier in config.upstreams[setup.frontier].models


def test_options_answer_the_questions(shortstop: Shortstop, home: Path) -> None:
    said = shortstop("init", "--frontier", "openai", "--local", "builtin", "--team")
    assert said.code == 0, said.err
    lines = [line.strip() for line in said.out.splitlines()]
    assert lines[lines.index("Next:") + 1 :] == [
        "export OPENAI_API_KEY=...",
        "shortstop pull builtin",
        'shortstop keys create "my first key"',
        "shortstop serve",
    ]
    assert shortstop("config", "check").code == 0


def test_nobody_is_asked_where_nobody_answers(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant")
    tree = json.loads(shortstop("init", "--json").out)
    assert tree["next"] == ["shortstop pull builtin", "shortstop serve"]
    assert "claude-*" in (home / "shortstop.toml").read_text()


def test_a_misspelt_model_is_no_file(shortstop: Shortstop, home: Path) -> None:
    said = shortstop("init", "--local", "qwen3-4")
    assert (said.code, "Did you mean 'qwen3-4b'?" in said.err) == (2, True)
    assert not (home / "shortstop.toml").exists()


def test_a_file_that_is_there_stays(shortstop: Shortstop, home: Path) -> None:
    (home / "shortstop.toml").write_text("mine")
    said = shortstop("init", "--yes")
    assert (said.code, "--force" in said.err) == (2, True)
    assert (home / "shortstop.toml").read_text() == "mine"
    assert shortstop("init", "--yes", "--force").code == 0


@pytest.mark.parametrize("option", [("--frontier", "oops"), ("--local", "https://far.example")])
def test_what_is_no_choice_is_named(shortstop: Shortstop, option: tuple[str, str]) -> None:
    said = shortstop("init", "--yes", *option)
    assert said.code == 2
    assert option[1] in said.err
