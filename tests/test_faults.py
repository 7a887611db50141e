"""A failure stops at its seam: logged by place and type, counted, and gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shortstop import faults
from shortstop.errors import InvalidRequest, StoreUnavailable, UpstreamFailed
from shortstop.faults import contained, turned_into

PROMPT = "the prompt was AKIA"


class PanicException(BaseException):
    pass


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(faults, "_told", set())
    faults.taken()
    yield
    faults.taken()


@pytest.mark.parametrize("error", [ValueError, RecursionError, MemoryError, PanicException])
def test_the_code_after_the_block_goes_on(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    done = "before"
    with contained("a look"):
        done = "within"
        raise error(PROMPT)
    assert done == "within"
    assert faults.taken() == {"a look": 1}
    assert faults.taken() == {}, "taken is taken"
    assert f"a look failed ({error.__name__})" in caplog.text
    assert "test_faults.py" in caplog.text, "where it came from"
    assert "AKIA" not in caplog.text


def test_the_way_is_told_once_and_each_failure_counted(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        with contained("a bill"):
            raise KeyError
    assert faults.taken() == {"a bill": 3}
    assert caplog.text.count("in test_the_way") == 1
    assert caplog.text.count("a bill failed again (KeyError)") == 2


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit]
)
def test_what_ends_the_work_ends_it(error: type[BaseException]) -> None:
    with pytest.raises(error), contained("a look"):
        raise error
    with pytest.raises(error), turned_into("a look", lambda: UpstreamFailed("?")):
        raise error
    assert faults.taken() == {}


def test_an_answer_to_the_client_is_no_failure() -> None:
    with pytest.raises(InvalidRequest), contained("deciding", (InvalidRequest,)):
        raise InvalidRequest("no such model")
    with contained("deciding"):
        raise InvalidRequest("no such model")
    assert faults.taken() == {"deciding": 1}


def test_a_store_that_is_away_is_told_once_and_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for code in ("store_full", "store_full", "store_slow"):
        seam = contained("setting money aside")
        with seam:
            raise StoreUnavailable(f"The database has {code}.", code=code)
        assert seam.code == code
    assert faults.taken() == {}
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "setting money aside is not possible now: The database has store_full.",
        "setting money aside is not possible now: The database has store_slow.",
    ]


def test_a_failure_becomes_one_that_is_known() -> None:
    unreadable = turned_into("a model", lambda: UpstreamFailed("unreadable"))
    with pytest.raises(UpstreamFailed, match="unreadable") as raised, unreadable:
        raise PanicException
    assert isinstance(raised.value.__cause__, PanicException)
    assert faults.taken() == {"a model": 1}
    with pytest.raises(InvalidRequest), turned_into("a model", lambda: UpstreamFailed("?")):
        raise InvalidRequest("as it is")
    assert faults.taken() == {}
