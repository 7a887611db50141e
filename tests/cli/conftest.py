"""The command line as its user meets it: arguments in; exit code, output and errors out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shortstop.cli import main


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, and what it printed where."""

    code: int
    out: str
    err: str


Shortstop = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to work in, with no configuration, no model and no vendor's key."""
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "SHORTSTOP_PRIVACY_KEY",
        "SHORTSTOP_TRACES_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHORTSTOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shortstop(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shortstop:
    """Runs `shortstop ARGUMENTS` in this process, from its entry point to its exit."""

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["shortstop", *arguments])
        capsys.readouterr()
        umask = os.umask(0o022)
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            os.umask(umask)
        captured = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else int(code is not None), *captured)

    return run
