"""Surrogates: by scope, for a while, changed in one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.ports.stores import (
    Stores,
    SurrogateStore,
)
from shortstop.types.rows import SealedSurrogates
from tests.stores.contract.world import AT, MANY, in_processes, in_threads, serial


def _appended(before: SealedSurrogates | None, more: bytes) -> SealedSurrogates:
    return SealedSurrogates(b"key", (before.sealed if before else b"") + more)


def _append(stores: Stores, number: int) -> None:
    with closing(stores.surrogates()) as store:
        for _ in range(15):
            store.update(
                b"scope", lambda before: _appended(before, b"x"), now=AT, expires=AT + 9, most=10
            )


class SurrogateStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[SurrogateStore]:
        with closing(stores.surrogates()) as store:
            yield store

    def put(
        self, store: SurrogateStore, scope: bytes, data: bytes, *, expires: float = AT + 9
    ) -> None:
        new = SealedSurrogates(b"key of " + scope, data)
        store.update(scope, lambda before: new, now=AT, expires=expires, most=10)

    @MANY
    @given(
        scopes=st.lists(st.binary(min_size=1, max_size=4), min_size=2, max_size=4, unique=True),
        data=st.binary(max_size=30),
    )
    def test_a_scope_is_changed_and_no_other(
        self, store: SurrogateStore, scopes: list[bytes], data: bytes
    ) -> None:
        example = serial()
        prefix, expires = str(example).encode(), AT + 9 + example  # earlier examples go first
        for number, scope in enumerate(scopes):
            self.put(store, prefix + scope, data + bytes([number]), expires=expires)
        for number, scope in enumerate(scopes):
            expected = SealedSurrogates(b"key of " + prefix + scope, data + bytes([number]))
            assert store.get(prefix + scope, AT) == expected
        assert store.erase(prefix + scopes[0], AT)
        assert not store.erase(prefix + scopes[0], AT)
        assert store.get(prefix + scopes[0], AT) is None
        assert store.get(prefix + scopes[1], AT) is not None

    def test_what_was_there_is_changed_in_one_step(self, store: SurrogateStore) -> None:
        def append(number: int) -> None:
            for _ in range(25):
                store.update(
                    b"s", lambda before: _appended(before, b"x"), now=AT, expires=AT + 9, most=10
                )

        in_threads(append)
        found = store.get(b"s", AT)
        assert found is not None
        assert found.sealed == b"x" * 100

    def test_a_change_that_fails_changes_nothing(self, store: SurrogateStore) -> None:
        def fail(before: SealedSurrogates | None) -> SealedSurrogates:
            raise ValueError("no")

        self.put(store, b"s", b"v")
        with pytest.raises(ValueError, match="no"):
            store.update(b"s", fail, now=AT, expires=AT + 9, most=10)
        found = store.get(b"s", AT)
        assert found is not None
        assert found.sealed == b"v"

    def test_time_ends_what_is_kept(self, store: SurrogateStore) -> None:
        self.put(store, b"s", b"v", expires=AT + 9)
        assert store.get(b"s", AT + 8) is not None
        assert store.get(b"s", AT + 9) is None
        assert not store.erase(b"s", AT + 9)
        seen: list[SealedSurrogates | None] = []

        def look(before: SealedSurrogates | None) -> SealedSurrogates:
            seen.append(before)
            return SealedSurrogates(b"k", b"new")

        store.update(b"s", look, now=AT + 9, expires=AT + 20, most=10)
        assert seen == [None]
        assert store.get(b"s", AT + 19) == SealedSurrogates(b"k", b"new")

    def test_of_too_many_those_that_end_first_are_dropped(self, store: SurrogateStore) -> None:
        new = SealedSurrogates(b"k", b"v")
        for scope, expires in ((b"a", 30), (b"b", 10), (b"c", 20), (b"d", 40)):
            store.update(scope, lambda before: new, now=AT, expires=AT + expires, most=3)
        assert [scope for scope in (b"a", b"b", b"c", b"d") if store.get(scope, AT)] == [
            b"a", b"c", b"d",
        ]  # fmt: skip


class SharedSurrogateStoreContract(SurrogateStoreContract):
    """A store that several processes share, and whose handles can be closed."""

    @pytest.mark.slow
    def test_no_change_is_lost_between_processes(
        self, stores: Stores, store: SurrogateStore
    ) -> None:
        in_processes(_append, stores)
        found = store.get(b"scope", AT)
        assert found is not None
        assert found.sealed == b"x" * 45

    def test_a_closed_store_says_so(self, store: SurrogateStore) -> None:
        store.close()
        with pytest.raises(StoreError):
            store.get(b"s", AT)
        with pytest.raises(StoreError):
            self.put(store, b"s", b"v")
