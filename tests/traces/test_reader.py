"""The reader opens what was sealed, and leaves alone what was not."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.config import TracesConfig
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


KEYED = "k" + Seal("key").digest(LOCAL.digest.encode()).hex()
SEALED = trace("sealed", at=LOCAL.at + 1, digest=KEYED)


def test_with_the_key_everything_is_as_it_was_but_its_digest_is_keyed(path: Path) -> None:
    whole = reader(path, Seal("key"))
    assert list(whole.traces()) == [trace("plain"), SEALED]
    assert list(whole.grades()) == [GRADE]
    assert list(whole.graded()) == [(SEALED, [GRADE])]
    assert whole.unopened == 0


def test_without_the_key_figures_are_read_and_content_is_not(path: Path) -> None:
    plain, sealed = reader(path).traces()
    assert plain == trace("plain")
    assert (sealed.request, sealed.response) == (None, None)
    assert sealed.bill == LOCAL.bill
    ((_, (grade,)),) = reader(path).graded()
    assert (grade.value, grade.correction) == (1.0, None)


def test_with_another_key_rows_are_listed_without_their_content_and_that_is_said_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = reader(path, Seal("other"))
    assert list(whole.traces()) == [trace("plain"), replace(SEALED, request=None, response=None)]
    assert list(whole.grades()) == [replace(GRADE, correction=None)]
    assert whole.unopened == 2
    assert caplog.text.count("cannot be opened") == 1


def test_a_key_of_before_opens_what_it_sealed(path: Path) -> None:
    since = reader(path, Seal("other", "key"))
    assert list(since.traces()) == [trace("plain"), SEALED]
    assert list(since.grades()) == [GRADE]


def test_what_is_asked_for_is_what_is_read(path: Path) -> None:
    whole = reader(path, Seal("key"))
    assert [one.id for one in whole.traces(since=LOCAL.at + 1)] == ["sealed"]
    assert [one.id for one in whole.traces(until=LOCAL.at + 1)] == ["plain"]
    assert list(whole.traces(tenant="nobody")) == []
    assert list(whole.grades(trace="plain")) == []
    assert list(whole.grades(trace="sealed", tenant="default")) == [GRADE]
    assert list(whole.graded(task="other")) == []


@pytest.mark.parametrize("seal", [None, Seal("other")])
def test_what_cannot_be_opened_is_told_from_what_was_erased(path: Path, seal: Seal | None) -> None:
    whole = reader(path, seal)
    assert [row.id for row in whole.traces() if row.request is None] == ["sealed"]
    assert whole.shut == {"sealed"}
    assert list(whole.emptied(until=LOCAL.at + 9)) == []
    store = open_store(path, TracesConfig(), FakeClock())
    store.append(trace("empty", request=None, response=None))
    store.close()
    again = reader(path, seal)
    assert [row.id for row in again.emptied(until=LOCAL.at + 9)] == ["empty"]
    list(again.traces())
    assert again.shut == {"sealed"}
