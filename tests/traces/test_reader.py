"""The reader opens what was sealed, and leaves alone what was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.traces.seal import Seal
from shortstop.types import Grade
from tests.conftest import FakeClock
from tests.traces.example import LOCAL, open_store, reader, trace

GRADE = Grade("sealed", "default", "reviewer", "small", 1.0, LOCAL.at, correction="card_lost")


@pytest.fixture
def path(tmp_path: Path, clock: FakeClock) -> Path:
    """One row from before there was a key, and one since, with a grade."""
    path = tmp_path / "traces.db"
    before = open_store(path, TracesConfig(), clock)
    before.append(trace("plain"))
    before.close()
    since = open_store(path, TracesConfig(), clock, seal=Seal("key"))
    since.append(trace("sealed", at=LOCAL.at + 1))
    since.grade(GRADE)
    since.close()
    return path


def test_with_the_key_everything_is_as_it_was(path: Path) -> None:
    whole = reader(path, Seal("key"))
    assert list(whole.traces()) == [trace("plain"), trace("sealed", at=LOCAL.at + 1)]
    assert list(whole.grades()) == [GRADE]
    assert list(whole.graded()) == [(trace("sealed", at=LOCAL.at + 1), [GRADE])]


def test_without_the_key_figures_are_read_and_content_is_not(path: Path) -> None:
    plain, sealed = reader(path).traces()
    assert plain == trace("plain")
    assert (sealed.request, sealed.response) == (None, None)
    assert sealed.bill == LOCAL.bill
    ((_, (grade,)),) = reader(path).graded()
    assert (grade.value, grade.correction) == (1.0, None)


def test_another_key_is_an_error_not_an_empty_answer(path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        list(reader(path, Seal("other")).traces())
    with pytest.raises(StoreError, match="cannot be opened"):
        list(reader(path, Seal("other")).grades())


def test_what_is_asked_for_is_what_is_read(path: Path) -> None:
    whole = reader(path, Seal("key"))
    assert [one.id for one in whole.traces(since=LOCAL.at + 1)] == ["sealed"]
    assert [one.id for one in whole.traces(until=LOCAL.at + 1)] == ["plain"]
    assert list(whole.traces(tenant="nobody")) == []
    assert list(whole.grades(trace="plain")) == []
    assert list(whole.grades(trace="sealed", tenant="default")) == [GRADE]
    assert list(whole.graded(task="other")) == []
