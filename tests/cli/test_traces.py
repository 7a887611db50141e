"""`shortstop traces export`: sealed rows become readable for who has the key, for nobody else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shortstop.config import TracesConfig
from shortstop.traces.keyfile import content_seal
from shortstop.types import Choice, Text
from tests.cli.conftest import Shortstop
from tests.conftest import FakeClock
from tests.traces.example import LOCAL, open_store, trace

QUESTION = {"model": "auto", "messages": [{"role": "user", "content": "Where is my card?"}]}


@pytest.fixture
def key(home: Path) -> Path:
    """Two rows of two tenants, sealed with the key at this path."""
    file = home / "home" / "content.key"
    file.parent.mkdir()
    seal = content_seal(TracesConfig(), {}, file)
    store = open_store(file.parent / "traces.db", TracesConfig(), FakeClock(), seal=seal)
    answer = (Choice(parts=(Text("In the post."),), finish="stop"),)
    store.append(trace("a", request=QUESTION, response=answer))
    store.append(trace("b", at=LOCAL.at + 60, tenant="acme", request=QUESTION))
    store.close()
    return file


def exported(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_rows_are_exported_with_their_content(shortstop: Shortstop, key: Path) -> None:
    result = shortstop("traces", "export")
    assert (result.code, result.err) == (0, "2 rows.\n")
    first, second = exported(result.out)
    assert first["request"] == second["request"] == QUESTION
    assert "In the post." in json.dumps(first["response"])
    assert (first["id"], second["tenant"]) == ("a", "acme")


def test_some_may_be_chosen(shortstop: Shortstop, key: Path) -> None:
    rows = exported(shortstop("traces", "export", "--tenant", "acme").out)
    assert [row["id"] for row in rows] == ["b"]
    assert exported(shortstop("traces", "export", "--since", "1h").out) == []


def test_what_is_exported_can_be_replayed_and_is_its_owners_alone(
    shortstop: Shortstop, key: Path, home: Path
) -> None:
    out = home / "rows.jsonl"
    out.touch(0o644)
    assert shortstop("traces", "export", "--out", str(out)).code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    replayed = shortstop("replay", str(out), "--json")
    assert replayed.code == 0, replayed.err
    assert json.loads(replayed.out)["requests"] == 2


@pytest.mark.parametrize("lost", [True, False])
def test_without_its_key_a_row_is_listed_without_content(
    shortstop: Shortstop, key: Path, lost: bool
) -> None:
    key.unlink()
    if not lost:
        content_seal(TracesConfig(), {}, key)
    result = shortstop("traces", "export")
    assert result.code == 0
    assert [row["request"] for row in exported(result.out)] == [None, None]
    assert key.exists() != lost, "reading makes no key"
    if not lost:
        assert "2 without their content (Sealed content cannot be opened)" in result.err


def test_a_broken_key_is_told_not_raised(shortstop: Shortstop, key: Path) -> None:
    key.write_bytes(os.urandom(90))
    result = shortstop("traces", "export")
    assert result.code == 2
    assert f"The content key {key} is damaged." in result.err
    assert "Traceback" not in result.err


def test_a_report_needs_no_key(shortstop: Shortstop, key: Path) -> None:
    key.write_bytes(b"")
    assert shortstop("report").code == 0
