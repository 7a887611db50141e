"""Traces: exactly once, in order of time, erasable, whoever else writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.ports.rows import RowStore
from shortstop.ports.stores import Stores
from shortstop.traces.document import decode
from shortstop.types import Clearance, Reach, Tier
from tests.stores.contract.world import AT, DAY, MANY, grade, in_processes, row, serial
from tests.traces.example import trace


def _insert_the_same(stores: Stores, number: int) -> None:
    with closing(stores.rows()) as store:
        store.open()
        for start in range(0, 50, 10):
            traces = [trace(f"r{i}", tenant=str(number)) for i in range(start, start + 10)]
            assert 0 <= store.insert([row(one) for one in traces]) <= 10


class RowStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[RowStore]:
        with closing(stores.rows()) as store:
            store.open()
            yield store

    def ids(self, stores: Stores, **which: Any) -> list[str]:
        return [decode(document).id for document in stores.reports().documents(**which)]

    def test_rows_come_back_whole_and_in_order_of_time(
        self, stores: Stores, store: RowStore
    ) -> None:
        traces = [trace(f"r{i}", at=AT + (i * 7) % 5) for i in range(20)]
        assert store.insert([row(one) for one in traces]) == 0
        found = [decode(document) for document in stores.reports().documents()]
        assert found == sorted(traces, key=lambda one: one.at)

    @MANY
    @given(
        ids=st.lists(st.integers(0, 8), max_size=20),
        times=st.lists(st.integers(0, 5), min_size=20, max_size=20),
        size=st.integers(1, 7),
    )
    def test_each_id_is_kept_exactly_once(
        self, stores: Stores, store: RowStore, ids: list[int], times: list[int], size: int
    ) -> None:
        tenant = f"t{serial()}"
        traces = [
            trace(f"{tenant}-{id}", at=AT + at, tenant=tenant)
            for id, at in zip(ids, times, strict=False)
        ]
        batches = [traces[i : i + size] for i in range(0, len(traces), size)]
        refused = sum(store.insert([row(one) for one in batch]) for batch in batches)
        first = {one.id: one for one in reversed(traces)}
        assert refused == len(traces) - len(first)
        found = [decode(d) for d in stores.reports().documents(tenant=tenant)]
        assert sorted(one.id for one in found) == sorted(first)
        assert all(one == first[one.id] for one in found)
        assert [one.at for one in found] == sorted(one.at for one in found)

    @pytest.mark.slow
    def test_rows_of_several_processes_are_kept_exactly_once(self, stores: Stores) -> None:
        in_processes(_insert_the_same, stores)
        assert Counter(self.ids(stores)) == Counter(f"r{i}" for i in range(50))

    def test_a_row_that_cannot_be_held_does_not_stop_the_others(
        self, stores: Stores, store: RowStore
    ) -> None:
        batch = [trace("a"), trace("poison", status=2**70), trace("b")]
        assert store.insert([row(one) for one in batch]) == 1
        assert sorted(self.ids(stores)) == ["a", "b"]

    def test_reading_filters_by_time_and_tenant(self, stores: Stores, store: RowStore) -> None:
        store.insert([row(trace(f"r{i}", at=AT + i, tenant="ab"[i % 2])) for i in range(6)])
        assert self.ids(stores, since=AT + 1, until=AT + 4) == ["r1", "r2", "r3"]
        assert self.ids(stores, tenant="b", since=AT + 2) == ["r3", "r5"]

    def test_a_reader_and_a_writer_do_not_wait_for_each_other(
        self, stores: Stores, store: RowStore
    ) -> None:
        store.insert([row(trace(f"r{i:04}", at=AT + i)) for i in range(1200)])
        documents = stores.reports().documents()
        first = decode(next(documents)).id
        assert store.insert([row(trace("new", at=AT + 5000))]) == 0
        assert store.delete_before(AT + 1, 10) == 1
        assert first == "r0000"
        left = [decode(document).id for document in documents]
        assert left == [*(f"r{i:04}" for i in range(1, 1200)), "new"]

    def test_the_oldest_are_deleted_first_and_not_more_than_asked(
        self, stores: Stores, store: RowStore
    ) -> None:
        store.insert([row(trace(f"r{i}", at=AT + i)) for i in range(6)])
        assert store.delete_before(AT + 4, 3) == 3
        assert self.ids(stores) == ["r3", "r4", "r5"]
        assert store.delete_before(AT + 4, 3) == 1
        assert store.delete_before(AT + 4, 3) == 0

    def test_a_conversation_is_forgotten_and_no_other(
        self, stores: Stores, store: RowStore
    ) -> None:
        for id, tenant, conversation in (
            ("a", "acme", "c1"), ("b", "acme", "c2"), ("c", "rival", "c1"), ("d", "acme", "c1"),
        ):  # fmt: skip
            store.insert([row(trace(id, tenant=tenant, conversation=conversation))])
        assert store.forget("acme", "c1", AT) == 2
        found = {one.id: one for one in map(decode, stores.reports().documents())}
        assert {id: one.request is None for id, one in found.items()} == {
            "a": True, "b": False, "c": False, "d": True,
        }  # fmt: skip
        assert found["a"].response is None
        assert found["a"].bill == trace().bill

    def test_what_was_asked_before_an_erasure_and_is_written_later_comes_without_content(
        self, stores: Stores, store: RowStore
    ) -> None:
        assert store.forget("acme", "c1", AT + 5) == 0
        with closing(stores.rows()) as other:
            other.insert(
                [
                    row(trace(f"{tenant}-{conversation}-{at}", tenant=tenant, at=AT + at,
                              conversation=conversation))
                    for tenant, conversation in (("acme", "c1"), ("rival", "c1"), ("acme", "c2"))
                    for at in (4, 5, 6)
                ],
                [grade(f"acme-c1-{at}", tenant="acme", at=AT + at) for at in (5, 6)],
            )  # fmt: skip
        found = {one.id for one in map(decode, stores.reports().documents()) if not one.request}
        assert found == {"acme-c1-4", "acme-c1-5"}
        corrections = {one.trace: one.correction for one in stores.reports().grades()}
        assert corrections == {"acme-c1-5": None, "acme-c1-6": b'"better"'}
        store.delete_before(AT + 5.5, 99)
        store.insert([row(trace("late", tenant="acme", at=AT + 4, conversation="c1"))])
        assert next(map(decode, stores.reports().documents())).request is not None, "in the end"

    def test_the_tier_of_a_row_is_told_at_once(self, stores: Stores, store: RowStore) -> None:
        pinned = Clearance(Tier.S3, Reach.LOCAL_ONLY)
        store.insert([row(trace("open")), row(trace("pinned", clearance=pinned))])
        other = stores.rows()
        with closing(other):
            assert [other.tier(id) for id in ("open", "pinned", "none")] == [
                Tier.S0, Tier.S3, None,
            ]  # fmt: skip

    def test_what_is_written_outlives_the_handle(self, stores: Stores) -> None:
        for i in range(3):
            with closing(stores.rows(fsync=bool(i))) as store:
                assert store.insert([row(trace(f"r{i}", at=AT + i))]) == 0
        assert self.ids(stores) == ["r0", "r1", "r2"]

    def test_a_report_sums_what_the_documents_say(self, stores: Stores, store: RowStore) -> None:
        traces = [trace(f"r{i}", at=AT + i * DAY, tenant="ab"[i % 2]) for i in range(7)]
        store.insert([row(one) for one in traces])
        report = stores.reports().summary(by=("tenant",))
        assert (report.total.requests, report.first, report.last) == (7, AT, AT + 6 * DAY)
        assert report.total.cost == sum((one.bill.cost or Decimal()) for one in traces if one.bill)
        assert [(one.key, one.requests) for one in report.groups["tenant"]] == [("a", 4), ("b", 3)]
        assert stores.reports().summary(until=AT + DAY).total.requests == 1

    def test_reading_what_is_not_there_is_an_error(self, stores: Stores) -> None:
        with pytest.raises(StoreError):
            stores.reports().summary()
        with pytest.raises(StoreError):
            list(stores.reports().documents())
        assert stores.rows().tier("none") is None

    def test_a_closed_store_says_so(self, stores: Stores) -> None:
        store = stores.rows()
        store.open()
        store.close()
        with pytest.raises(StoreError):
            store.insert([row(trace())])
