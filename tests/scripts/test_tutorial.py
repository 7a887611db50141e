"""The tutorial's commands are as they are written there, and what is cheap of them prints what it
shows. `make tutorial` types all of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.newcomer import BLOCK, tutorial
from scripts.reference.commands import commands

from scripts import tutorial as company
from shortstop.config import load

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
TYPED = [line for kind, block in BLOCK.findall(PAGE) if not kind for line in block.splitlines()]
SHOWN = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tutorial's company has written its traffic."""
    made = tmp_path_factory.mktemp("tutorial")
    company.traffic(made / "var" / "tutorial")
    return made


def test_every_command_is_one() -> None:
    known = {words for words, _ in commands()}
    named = [line.split() for line in TYPED if line.startswith("shortstop ")]
    assert len(named) >= 8
    for _, first, second, *_ in named:
        assert first in known or f"{first} {second}" in known, (first, second)


def test_it_can_be_typed_into_a_shell() -> None:
    """Each step is one line: what follows the guides types line by line."""
    checked = subprocess.run(["bash", "-n"], input=tutorial(), text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr
    assert tutorial().count("echo '== ") == len([line for line in TYPED if line.strip()])


def test_the_configuration_is_the_one_that_is_shown(folder: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown == company.CONFIG
    config = load(folder / "var" / "tutorial" / "shortstop.toml", {})
    assert config.upstreams["vendor"].teacher
    assert str(config.upstreams["vendor"].base_url).rpartition(":")[2] in PAGE


def test_the_traffic_is_what_is_said_of_it(folder: Path, tmp_path: Path) -> None:
    written = folder / "var" / "tutorial"
    count = {path.stem: len(path.read_text().splitlines()) for path in written.glob("*.jsonl")}
    assert count == {"log": 1060, "morning": 100, "afternoon": 100, "records": 1260}
    company.traffic(tmp_path)
    for path in written.glob("*.jsonl"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), "the same bytes each time"
    asked = [json.loads(line) for line in (written / "morning.jsonl").read_text().splitlines()]
    logged = [json.loads(line) for line in (written / "log.jsonl").read_text().splitlines()]
    assert {one["model"] for one in asked} == {"auto"}
    texts = {one["request"]["messages"][1]["content"] for one in logged}
    assert not texts & {one["messages"][1]["content"] for one in asked}, "new to who learned"


def test_what_is_in_the_log_is_what_is_shown(folder: Path) -> None:
    """Two commands in real processes, as they are written."""
    first = next(n for n, line in enumerate(TYPED) if line.startswith("shortstop traces import"))
    printed = "".join(_typed(line, folder) for line in TYPED[first : first + 2])
    assert len(SHOWN[0].splitlines()) == 3
    for line in SHOWN[0].splitlines():
        assert line.strip() in printed


def _typed(line: str, folder: Path) -> str:
    command = [sys.executable, "-m", *line.split()]
    env = {**os.environ, "COLUMNS": "100", "VENDOR_KEY": "simulated"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
