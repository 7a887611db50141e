"""What workers tell each other is sealed, and what was altered teaches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop.routing import PendingOutcome
from shortstop.traces.seal import Seal
from shortstop.workers.context import WorkerContext
from shortstop.workers.news import Decided, Lost, News

DECIDED = Decided("req_1", PendingOutcome("intent", [], b"grams of the prompt"))


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[list[WorkerContext]]:
    crew = [WorkerContext(tmp_path / "run", i, Seal("key")) for i in range(2)]
    yield crew
    for one in crew:
        one.close()


def heard_by(worker: WorkerContext) -> list[News]:
    heard: list[News] = []
    worker.listen(lambda event: heard.append(event.item))
    return heard


def test_the_others_hear_it_and_the_file_does_not_tell(
    tmp_path: Path, crew: list[WorkerContext]
) -> None:
    heard = heard_by(crew[1])
    crew[0].publish(1, DECIDED)
    crew[1].catch_up()
    assert heard == [DECIDED]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())
    assert kept
    for words in (b"grams", b"intent", b"req_1"):
        assert words not in kept


def test_what_was_altered_is_passed_over_and_named(
    tmp_path: Path, crew: list[WorkerContext], caplog: pytest.LogCaptureFixture
) -> None:
    heard = heard_by(crew[1])
    crew[0].publish(1, DECIDED)
    (path,) = (tmp_path / "run").glob("news-*.log")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    crew[0].publish(2, Lost("req_2", "small"))
    crew[1].catch_up()
    assert heard == [Lost("req_2", "small")]
    assert "cannot be read" in caplog.text


def test_another_key_hears_nothing(
    tmp_path: Path, crew: list[WorkerContext], caplog: pytest.LogCaptureFixture
) -> None:
    crew[0].publish(1, DECIDED)
    stranger = WorkerContext(tmp_path / "run", 2, Seal("another"))
    assert heard_by(stranger) == []
    stranger.close()
    assert "cannot be read" in caplog.text
