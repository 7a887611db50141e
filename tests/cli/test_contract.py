"""`shortstop contract`: what is promised, in words that do not promise more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortstop.routing import LearnedRouter, dump_state, packaged
from tests.cli.conftest import Shortstop
from tests.routing.test_constraints import OPEN
from tests.routing.test_router import MAIL, asked, graded, make


def taught(n: int) -> LearnedRouter:
    """One in five local answers was wrong."""
    router = make(packaged())
    for i in range(n):
        request = asked(i, f"sort mail number {i}")
        router.decide(request, OPEN, MAIL)
        router.pair(graded(request.id, float(i % 5 > 0)))
    return router


@pytest.fixture
def learned(home: Path) -> Path:
    file = home / "home" / "brain.bin"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(dump_state(taught(200).state))
    return file


def test_without_evidence_nothing_is_certified(shortstop: Shortstop) -> None:
    result = shortstop("contract")
    assert result.code == 0
    assert "NOT under the promise" in result.out
    assert "No evidence yet" in result.out


def test_each_task_has_its_line(shortstop: Shortstop, learned: Path) -> None:
    result = shortstop("contract")
    assert "mail|small=smol-135" in result.out
    assert "whatever the router does" in result.out
    assert "of 40 needed" in result.out, "2 / (1 - confidence)"
    assert "overall:" in result.out


def test_machines_get_the_same_figures(shortstop: Shortstop, learned: Path) -> None:
    tree = json.loads(shortstop("contract", "--json").out)
    (report,) = tree["tasks"].values()
    assert report["pairs"] > 50
    assert report["must_escalate"] > report["must_escalate_traffic"] > 0
    assert tree["overall"]["default"]["pairs"] > 50


def test_the_promise_is_the_configured_one(shortstop: Shortstop, home: Path, learned: Path) -> None:
    (home / "own.toml").write_text(
        '[contract]\nmax_quality_loss = 0.1\nuncertified = "escalate"\nscope = "answers"\n'
        "confidence = 0.9\n"
    )
    result = shortstop("contract", "--config", "own.toml")
    assert "at most 10.0% of quality lost" in result.out
    assert "local answers of a task" in result.out
    assert "at 90% confidence" in result.out
    assert "A task without a certificate goes to the frontier." in result.out
    assert "of 20 needed" in result.out


def test_a_state_that_cannot_be_read_is_one_sentence(shortstop: Shortstop, learned: Path) -> None:
    learned.write_bytes(b"nonsense")
    result = shortstop("contract")
    assert result.code == 2
    assert "snapshot of the router's state" in result.err
    assert "Traceback" not in result.err
    assert learned.read_bytes() == b"nonsense", "a report changes nothing"
