"""Sessions that are over before their time, in every process."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from shortstop.accounts.keybook import KeyBook
from shortstop.accounts.sessions import LONGEST_SECONDS
from shortstop.ports.stores import AccountStore
from tests.accounts.conftest import opened
from tests.conftest import FakeClock


def test_one_session_is_over_and_no_other(store: AccountStore, clock: FakeClock) -> None:
    book = KeyBook(store, clock)
    book.sessions.end("n1")
    assert book.has_ended("n1", "ada", clock.time())
    assert not book.has_ended("n2", "ada", clock.time())


def test_all_that_somebody_has_begun_are_over_and_later_ones_are_not(
    store: AccountStore, clock: FakeClock
) -> None:
    book = KeyBook(store, clock)
    begun = clock.time()
    clock.advance(10)
    book.sessions.end_all("ada")
    assert book.has_ended("n1", "ada", begun)
    assert not book.has_ended("n1", "bob", begun)
    clock.advance(1)
    assert not book.has_ended("n2", "ada", clock.time())
    assert not book.has_ended("person ada", "bob", begun), "no text is another one's name"


def test_another_process_knows_within_a_second(file: Path, clock: FakeClock) -> None:
    with closing(opened(file)) as one, closing(opened(file)) as other:
        here, there = KeyBook(one, clock), KeyBook(other, clock)
        assert not there.has_ended("n1", "ada", clock.time())
        here.sessions.end("n1")
        clock.advance(1)
        assert there.has_ended("n1", "ada", clock.time())


def test_what_nobody_can_still_show_is_forgotten(store: AccountStore, clock: FakeClock) -> None:
    book = KeyBook(store, clock)
    book.sessions.end("old")
    clock.advance(LONGEST_SECONDS + 1)
    book.sessions.end("new")
    assert [name for name, _ in store.ended_sessions()] == ["session new"]
