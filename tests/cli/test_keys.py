"""`shortstop keys`: a key has a role, and the list shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shortstop.cli.keys import keys_app
from shortstop.errors import InvalidRequest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTSTOP_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(keys_app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_role_is_given_and_listed() -> None:
    run("create", "mail bot")
    made = json.loads(run("create", "Jane", "--role", "reviewer", "--budget", "0.50", "--json"))
    assert made["role"] == "reviewer"
    roles = {key["name"]: key["role"] for key in json.loads(run("list", "--json"))}
    assert roles == {"mail bot": "user", "Jane": "reviewer"}
    assert "reviewer" in run("list")


def test_other_roles_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="role"):
        run("create", "x", "--role", "admin")
    assert json.loads(run("list", "--json")) == []
