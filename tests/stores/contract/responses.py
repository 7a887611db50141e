"""Stored responses: for their owner, for a while, erasable by conversation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.ports.stores import (
    ResponseStore,
    Stores,
)
from shortstop.types.rows import ResponseRow
from tests.stores.contract.world import AT, MANY, serial


class ResponseStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[ResponseStore]:
        with closing(stores.responses()) as store:
            yield store

    def kept(self, id: str, owner: str = "me", **changes: Any) -> ResponseRow:
        base = ResponseRow(id, owner, None, AT, b"[]", b"{}", "acme", "c1")
        return base._replace(**changes)

    @MANY
    @given(turn=st.binary(max_size=40), response=st.binary(max_size=40))
    def test_a_response_comes_back_as_it_was(
        self, store: ResponseStore, turn: bytes, response: bytes
    ) -> None:
        one = self.kept(f"r{serial()}", parent="p", turn=turn, response=response)
        store.keep(one)
        assert store.find("me", one.id, AT) == one
        again = one._replace(turn=b"new")
        store.keep(again)
        assert store.find("me", one.id, AT) == again

    def test_for_anybody_but_its_owner_it_does_not_exist(self, store: ResponseStore) -> None:
        store.keep(self.kept("r"))
        assert store.find("you", "r", AT) is None
        assert not store.drop("you", "r")
        assert store.find("me", "r", AT) is not None
        assert store.drop("me", "r")
        assert not store.drop("me", "r")

    def test_a_chain_ends_where_its_owner_has_nothing_older(self, store: ResponseStore) -> None:
        for i in range(4):
            parent = f"r{i - 1}" if i else None
            store.keep(self.kept(f"r{i}", parent=parent, at=AT + i, turn=b"%d" % i))
        store.keep(self.kept("foreign", "you", parent="r3"))
        store.keep(self.kept("mine", parent="foreign"))

        def chain(id: str, since: float = AT, most: int = 9) -> list[str]:
            return [link.id for link in store.chain("me", id, since, most)]

        assert chain("r3") == ["r3", "r2", "r1", "r0"]
        assert [link.turn for link in store.chain("me", "r1", AT, 9)] == [b"1", b"0"]
        assert chain("r3", since=AT + 2) == ["r3", "r2"]
        assert chain("r3", most=2) == ["r3", "r2"]
        assert (chain("mine"), chain("foreign"), chain("none")) == (["mine"], [], [])

    def test_old_ones_are_not_found_and_deleted(self, store: ResponseStore) -> None:
        for i in range(3):
            store.keep(self.kept(f"r{i}", at=AT + i))
        assert store.find("me", "r0", AT + 1) is None
        assert store.delete_before(AT + 2) == 2
        assert store.find("me", "r1", AT) is None
        assert store.find("me", "r2", AT) is not None

    def test_a_conversation_is_forgotten_and_no_other(
        self, stores: Stores, store: ResponseStore
    ) -> None:
        for id, tenant, conversation in (
            ("a", "acme", "c1"), ("b", "acme", "c2"), ("c", "rival", "c1"), ("d", "acme", "c1"),
        ):  # fmt: skip
            store.keep(self.kept(id, tenant=tenant, conversation=conversation))
        with closing(stores.responses()) as other:
            assert other.forget("acme", "c1") == 2
        assert [id for id in "abcd" if store.find("me", id, AT)] == ["b", "c"]
        assert store.forget("acme", "c1") == 0

    def test_a_closed_store_says_so(self, store: ResponseStore) -> None:
        store.keep(self.kept("r"))
        store.close()
        with pytest.raises(StoreError):
            store.find("me", "r", AT)
