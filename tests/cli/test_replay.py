"""`shortstop replay`: the real guard, router and books over a small log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from shortstop.cli.replay import replay_command

cli = typer.Typer()
cli.command()(replay_command)

LOG = (
    '{"model":"gpt-4o","messages":[{"role":"user","content":"Where is my card?"}]}\n'
    '{"custom_id":"1","url":"/v1/chat/completions","body":{"model":"gpt-4o","messages":'
    '[{"role":"user","content":"Prove that there are infinitely many primes."}]}}\n'
    '{"request":{"model":"gpt-4o","messages":[{"role":"user","content":"I am jo@example.com, key '
    'sk-abcdefghijklmnopqrstuvwxyz123456"}]},"response":{"usage":{"prompt_tokens":9,'
    '"completion_tokens":20}}}\n'
    "nonsense\n"
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTSTOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not-used")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text(LOG)
    return path


def test_the_summary_in_words(log: Path) -> None:
    result = CliRunner().invoke(cli, [str(log)])
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "3 requests of 4 lines" in text
    assert "1 pinned by privacy" in text
    assert "line 4: not JSON" in text
    assert "instead of" in text


def test_the_summary_as_json(log: Path) -> None:
    result = CliRunner().invoke(cli, [str(log), "--json"])
    assert result.exit_code == 0, result.output
    tree = json.loads(result.output)
    assert (tree["lines"], tree["requests"], tree["refused"]) == (4, 3, 0)
    assert tree["local"] + tree["remote"] == 3
    assert tree["pinned"] >= 1
    assert tree["baseline"] == "claude-sonnet-5-5"
    assert tree["estimated"] == 2
    assert [number for number, _ in tree["bad"]] == [4]
    assert float(tree["all_llm"]) > 0


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, [str(tmp_path / "absent.jsonl")])
    assert result.exit_code == 2
