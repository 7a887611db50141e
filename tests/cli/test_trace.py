"""One request, told by the id that its answer carried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortstop.config import TracesConfig
from shortstop.traces.keyfile import content_seal
from shortstop.types import Attempt, Grade
from tests.cli.conftest import Shortstop
from tests.conftest import FakeClock
from tests.traces.example import LOCAL, open_store, remote, trace

QUESTION = {"model": "auto", "messages": [{"role": "user", "content": "Where is my card?"}]}


@pytest.fixture
def kept(home: Path) -> Path:
    file = home / "home" / "content.key"
    file.parent.mkdir()
    seal = content_seal(TracesConfig(), {}, file)
    store = open_store(file.parent / "traces.db", TracesConfig(), FakeClock(), seal=seal)
    store.append(trace("a", request=QUESTION))
    store.append(remote("b"))
    store.append(trace("c", attempts=(Attempt("small", True, "timeout", 2.0, error="slow"),)))
    store.flush(60)
    store.grade(Grade("a", "default", "reviewer", "small", 0.0, LOCAL.at, correction="lost_card"))
    store.close()
    return file


def test_it_tells_the_whole_story(shortstop: Shortstop, kept: Path) -> None:
    told = shortstop("traces", "show", "a").out
    assert "request   a, 2026-11-" in told
    assert "tier S0, reach anywhere; nothing found" in told
    assert "decided   small then big" in told
    assert "asked     small: ok, 0.100 s, 60 + 12 tokens" in told
    assert "by big alone" in told
    assert '0.00 for small by reviewer, should have been "lost_card"' in told
    assert "Where is my card" not in told, "what was asked is shown when it is asked for"


def test_every_try_is_named(shortstop: Shortstop, kept: Path) -> None:
    told = shortstop("traces", "show", "b").out
    assert told.count("asked ") == 2
    assert "small: rejected" in told
    assert "small: timeout, 2.000 s; slow" in shortstop("traces", "show", "c").out


def test_content_on_demand_and_json(shortstop: Shortstop, kept: Path) -> None:
    assert "Where is my card?" in shortstop("traces", "show", "a", "--content").out
    tree = json.loads(shortstop("traces", "show", "a", "--json").out)
    assert (tree["id"], tree["request"], tree["grades"][0]["correction"]) == (
        "a", None, "lost_card",
    )  # fmt: skip
    kept.unlink()
    assert "Nothing of what was said was kept" in shortstop("traces", "show", "a", "--content").out


def test_an_unknown_id_is_told(shortstop: Shortstop, kept: Path) -> None:
    result = shortstop("traces", "show", "req_nobody")
    assert result.code == 2
    assert "There is no request req_nobody" in result.err
