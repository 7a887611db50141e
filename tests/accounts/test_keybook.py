"""The book of keys: from memory, never staler than a second, and steady when the store is not."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from shortstop.accounts import Key
from shortstop.accounts.keybook import FRESH_SECONDS, KeyBook
from shortstop.errors import NotFound, StoreError, StoreUnavailable
from shortstop.ports.stores import AccountStore
from shortstop.types.accounts import KeyRow
from tests.accounts.conftest import opened
from tests.conftest import FakeClock


def key(id: str, created: float = 0.0) -> Key:
    return Key(name=f"name of {id}", id=id, created=created, tail="tail")


class Unsteady:
    """The keys of a store that can be out of reach; counts the questions."""

    def __init__(self, store: AccountStore) -> None:
        self.add_key = store.add_key
        self.change_key = store.change_key
        self.ended_sessions = store.ended_sessions
        self._store = store
        self.down = False
        self.asked = 0

    def version(self) -> int:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("out of reach")
        return self._store.version()

    def all_keys(self) -> list[KeyRow]:
        if self.down:
            raise StoreUnavailable("out of reach")
        return self._store.all_keys()


def book_of(store: object, clock: FakeClock) -> KeyBook:
    return KeyBook(store, clock)  # type: ignore[arg-type]


def test_a_key_is_found_by_its_secret_and_its_id(store: AccountStore, clock: FakeClock) -> None:
    book = KeyBook(store, clock)
    assert not book.any
    book.add(key("k1"), "secret")
    assert book.find("secret") == book.get("k1") == key("k1")
    assert book.find("another") is None
    assert book.get("k2") is None
    assert book.any


def test_keys_are_listed_oldest_first_revoked_ones_too(
    store: AccountStore, clock: FakeClock
) -> None:
    book = KeyBook(store, clock)
    for id, created in (("k3", 3.0), ("k1", 1.0), ("k2", 1.0)):
        book.add(key(id, created), f"secret of {id}")
    book.revoke("k2")
    assert [one.id for one in book.all()] == ["k1", "k2", "k3"]
    assert book.any


def test_a_key_stays_revoked_since_the_first_time(store: AccountStore, clock: FakeClock) -> None:
    book = KeyBook(store, clock)
    book.add(key("k1"), "secret")
    first = book.revoke("k1")
    assert first.revoked == clock.time()
    clock.advance(60)
    assert book.revoke("k1") == first
    found = book.find("secret")
    assert found is not None
    assert not found.active(clock.time())
    with pytest.raises(NotFound, match="k9"):
        book.revoke("k9")


def test_the_store_is_asked_at_most_once_a_second(store: AccountStore, clock: FakeClock) -> None:
    unsteady = Unsteady(store)
    book = book_of(unsteady, clock)
    book.find("x")
    asked = unsteady.asked
    for _ in range(100):
        book.find("x")
        book.get("k1")
    assert unsteady.asked == asked
    clock.advance(FRESH_SECONDS)
    book.find("x")
    assert unsteady.asked == asked + 1


def test_what_another_worker_adds_is_known_within_a_second(
    store: AccountStore, clock: FakeClock, file: Path
) -> None:
    book = KeyBook(store, clock)
    with closing(opened(file)) as other:
        KeyBook(other, clock).add(key("k1"), "secret")
    clock.advance(FRESH_SECONDS)
    assert book.find("secret") == key("k1")


def test_a_store_out_of_reach_locks_out_no_known_key(store: AccountStore, clock: FakeClock) -> None:
    unsteady = Unsteady(store)
    book = book_of(unsteady, clock)
    book.add(key("k1"), "secret")
    unsteady.down = True
    clock.advance(60)
    assert book.find("secret") == key("k1")
    with pytest.raises(StoreError, match="cannot be looked up now"):
        book.find("unknown")  # it may have been made meanwhile: no client's fault
    unsteady.down = False
    clock.advance(60)
    assert book.find("secret") == key("k1")
    assert book.find("unknown") is None


def test_where_no_key_is_known_an_unreadable_store_is_an_error(
    store: AccountStore, clock: FakeClock
) -> None:
    """Not "unknown key": that would be the client's fault."""
    unsteady = Unsteady(store)
    book = book_of(unsteady, clock)
    unsteady.down = True
    clock.advance(60)
    with pytest.raises(StoreError):
        book.find("secret")


def test_a_damaged_key_is_refused_and_named_and_takes_no_other_with_it(
    store: AccountStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    book = KeyBook(store, clock)
    book.add(key("k1"), "one")
    book.add(key("k2"), "two")
    store.change_key("k1", lambda _: '{"id":"k1","na')
    again = KeyBook(store, clock)
    assert again.find("one") is None
    assert again.find("two") == key("k2")
    assert caplog.text.count("1 keys are damaged") == 1


def test_damage_does_not_open_the_door(store: AccountStore, clock: FakeClock) -> None:
    KeyBook(store, clock).add(key("k1"), "one")
    store.change_key("k1", lambda _: "7")
    assert KeyBook(store, clock).any, "authentication stays on"
