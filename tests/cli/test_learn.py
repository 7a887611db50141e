"""`shortstop learn`: what it says of a night, for people and machines."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from shortstop.app import night
from shortstop.cli.learn import learn_command
from tests.app.recorded import TOML, config, dated, record, trace_of
from tests.flywheel.traffic import mails

cli = typer.Typer()
cli.command()(learn_command)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTSTOP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(night, "step_aside", lambda: None)
    (tmp_path / "shortstop.toml").write_text(TOML)
    settings = config(tmp_path / "home")
    record(settings, [trace_of(e) for e in dated(mails(120), time.time() - 5)])
    return tmp_path / "home"


def said(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_dry_run_lists_the_tasks_and_learns_nothing(home: Path) -> None:
    assert "Nothing was learned" in said("--dry-run")
    (task,) = json.loads(said("--dry-run", "--json"))
    assert (task["task"], task["examples"], task["spend_usd"]) == ("mail", 120, "0")
    assert not (home / "specialists").exists()


def test_a_night_tells_what_became_of_each_kind(home: Path) -> None:
    text = said()
    assert "120 requests" in text
    assert "label-head: refused" in text  # no encoder is installed here
    report = json.loads(said("--json"))
    assert [task["task"] for task in report["tasks"]] == ["mail"]


def test_minutes_bound_it(home: Path) -> None:
    assert "1 tasks wait" in said("--minutes", "0.001", "mail") or "1 tasks in" in said()
