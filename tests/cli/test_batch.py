"""`shortstop batch`: an operator sees every batch and stops one, without asking the gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop.batches import Batch, Fault
from shortstop.config import TracesConfig
from shortstop.traces.keyfile import content_seal
from tests.batches.world import ME, World, answer, asked, line
from tests.cli.conftest import Shortstop
from tests.conftest import FakeClock


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    folder = home / "home"
    folder.mkdir()
    seal = content_seal(TracesConfig(), {}, folder / "content.key")
    opened = World(folder, FakeClock(time.time()), seal)
    yield opened
    opened.close()


@pytest.fixture
def batch(world: World) -> Batch:
    file = world.upload(line("a") + b"\n" + line("b"))
    made = world.book.create(ME, None, asked(file.row.id), {})
    world.book.move(made.id, "in_progress", 2)
    world.book.keep(made, 1, "a", answer("yes"))
    return made


def test_where_there_are_none_it_says_so(shortstop: Shortstop, home: Path) -> None:
    assert "There are no batches." in shortstop("batch", "list").out
    assert json.loads(shortstop("batch", "list", "--json").out) == []
    assert shortstop("batch", "show", "batch_none").code != 0
    assert not (home / "home" / "batches.db").exists(), "asking makes no file"


def test_batches_are_listed_with_what_is_done(shortstop: Shortstop, batch: Batch) -> None:
    listed = shortstop("batch", "list").out
    assert batch.id in listed
    assert "in_progress" in listed
    [one] = json.loads(shortstop("batch", "list", "--json").out)
    assert one["id"] == batch.id
    assert one["holder"] == ME.name
    assert one["request_counts"] == {"total": 2, "completed": 1, "failed": 0}


def test_one_is_shown_and_cancelled(shortstop: Shortstop, world: World, batch: Batch) -> None:
    assert "1 of 2 lines have an answer" in shortstop("batch", "show", batch.id).out
    cancelled = json.loads(shortstop("batch", "cancel", batch.id, "--json").out)
    assert cancelled["status"] == "cancelling"
    assert world.now(batch).row.status == "cancelling", "the gateway sees it"
    unknown = shortstop("batch", "cancel", "batch_none")
    assert unknown.code != 0
    assert "batch_none" in unknown.err
    assert "Traceback" not in unknown.err


def test_what_is_wrong_is_said_by_line(shortstop: Shortstop, world: World) -> None:
    made = world.begin([b"?"])
    world.book.end(made, "failed", [Fault("invalid_json_line", "No JSON.", None, 1)])
    assert "line 1: No JSON." in shortstop("batch", "show", made.id).out
