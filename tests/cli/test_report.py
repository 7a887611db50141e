"""`shortstop report`: the table, the JSON, the page, and clear words when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from shortstop.cli.report import report_command
from shortstop.config import Config
from shortstop.console.durations import moment
from shortstop.console.report import break_even
from shortstop.errors import ConfigError, StoreError
from shortstop.stores.sqlite.reading import SqliteReports
from tests.stores.test_reports import ROWS, filled
from tests.traces.example import remote

cli = typer.Typer()
cli.command()(report_command)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return filled(tmp_path / "traces.db", ROWS)


def run(*args: str, width: int = 80) -> str:
    result = CliRunner().invoke(cli, list(args), env={"COLUMNS": str(width)})
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.mark.parametrize("by", ["day", "task", "target", "tenant"])
@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_table(path: Path, by: str, width: int) -> None:
    output = run("--db", str(path), "--by", by, width=width)
    assert "9 requests" in output
    assert "67% local" in output
    assert all(len(line) <= width for line in output.splitlines())
    key = {"day": "2026-11-18", "task": "intent", "target": "small", "tenant": "default"}[by]
    assert key in output


def test_the_configured_file_is_found(path: Path, tmp_path: Path) -> None:
    (tmp_path / "shortstop.toml").write_text(f'[traces]\npath = "{path}"\n')
    assert "9 requests" in run()


def test_json_is_complete(path: Path) -> None:
    tree = json.loads(run("--db", str(path), "--json"))
    assert tree["total"]["requests"] == 9
    assert tree["total"]["saved"] == "0.00231"
    assert tree["total"]["local_share"] == pytest.approx(4 / 6)
    assert {by: len(found) for by, found in tree["groups"].items()} == {
        "day": 2, "task": 1, "target": 3, "tenant": 2, "key": 1, "tag": 1, "specialist": 1,
        "deployment": 1,
    }  # fmt: skip
    assert tree["baselines"] == ["big"]
    assert tree["basis"]


def test_the_page_is_written(path: Path, tmp_path: Path) -> None:
    output = run("--db", str(path), "--html", str(tmp_path / "out.html"))
    assert "out.html" in output
    html = (tmp_path / "out.html").read_text()
    assert html.startswith("<!doctype html>")
    assert "a month as configured" in html


def test_since_until_and_tenant(path: Path) -> None:
    assert "2 requests" in run("--db", str(path), "--since", "2026-11-19")
    assert "7 requests" in run("--db", str(path), "--until", "2026-11-19T00:00")
    assert "1 request," in run("--db", str(path), "--tenant", "t2")
    assert "No requests" in run("--db", str(path), "--until", "2020-01-01")


def test_a_missing_file_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        run("--db", str(tmp_path / "absent.db"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", 1000_000 - 86_400),
        ("1.5d", 1000_000 - 1.5 * 86_400),
        ("1970-01-02", 86_400),
        ("1970-01-01T01:00", 3600),
        ("1970-01-01T01:00+01:00", 0),
    ],
)
def test_moments(text: str, expected: float) -> None:
    assert moment(text, 1000_000) == expected


def test_no_moment() -> None:
    with pytest.raises(ConfigError, match="'yesterday' is no time"):
        moment("yesterday", 0)


def test_break_even_says_when_or_never(path: Path, tmp_path: Path) -> None:
    (said,) = break_even(SqliteReports(path).summary().total, Config().hardware)
    assert "pays for itself from" in said
    remote_only = filled(tmp_path / "remote.db", [remote("x")])
    (never,) = break_even(SqliteReports(remote_only).summary().total, Config().hardware)
    assert "nothing is saved" in never
    assert break_even(SqliteReports(path).summary(until=0).total, Config().hardware) == []
