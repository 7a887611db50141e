"""Grades: the latest of a key, for as long as the trace, with corrections that can be erased."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.ports.rows import RowStore
from shortstop.ports.stores import Stores
from shortstop.traces.document import decode
from shortstop.types.rows import GradeRow
from tests.stores.contract.world import AT, MANY, grade, row, serial
from tests.traces.example import trace


class GradeContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[RowStore]:
        with closing(stores.rows()) as store:
            store.open()
            yield store

    def grades(self, stores: Stores, **which: Any) -> list[GradeRow]:
        return list(stores.reports().grades(**which))

    def test_a_grade_comes_back_as_it_was(self, stores: Stores, store: RowStore) -> None:
        full = grade("a", reference="big", grader="exact", correction=b"\0\xff sealed")
        bare = grade("b", value=None, correction=None, at=AT + 1)
        assert store.insert([row(trace("a"))], [full, bare]) == 0
        assert self.grades(stores) == [full, bare]

    @MANY
    @given(
        given_=st.lists(
            st.tuples(
                st.sampled_from(["a", "b"]),
                st.sampled_from(["user", "judge"]),
                st.sampled_from(["small", "big"]),
                st.sampled_from([None, "exact"]),
                st.integers(0, 4),
                st.floats(0, 1),
            ),
            max_size=20,
        ),
        size=st.integers(1, 5),
    )
    def test_of_grades_with_one_key_the_latest_wins(
        self, stores: Stores, store: RowStore, given_: list[tuple[Any, ...]], size: int
    ) -> None:
        tenant = f"t{serial()}"
        grades = [
            GradeRow(f"{tenant}-{trace}", tenant, source, target, value, AT + at, grader=grader)
            for trace, source, target, grader, at, value in given_
        ]
        latest: dict[tuple[str | None, ...], GradeRow] = {}
        for one in grades:
            key = (one.trace, one.source, one.target, one.grader)
            if key not in latest or one.at >= latest[key].at:
                latest[key] = one
        for i in range(0, len(grades), size):
            assert store.insert((), grades[i : i + size]) == 0
        found = self.grades(stores, tenant=tenant)
        assert sorted(found, key=repr) == sorted(latest.values(), key=repr)
        assert [one.at for one in found] == sorted(one.at for one in found)

    def test_a_provisional_grade_takes_the_place_of_an_earlier_one_only(
        self, stores: Stores, store: RowStore
    ) -> None:
        whole = grade(at=AT)
        store.insert((), [whole])
        store.insert((), [grade(at=AT, correction=None, provisional=True)])
        assert self.grades(stores) == [whole]
        store.insert((), [grade(at=AT + 1, correction=None, provisional=True)])
        assert self.grades(stores) == [grade(at=AT + 1, correction=None)]

    def test_a_grade_that_cannot_be_held_does_not_stop_the_others(
        self, stores: Stores, store: RowStore
    ) -> None:
        bad = grade("bad\ud800")
        assert store.insert([row(trace("t"))], [grade("a"), bad, grade("b")]) == 1
        assert [one.trace for one in self.grades(stores)] == ["a", "b"]

    def test_reading_filters_by_time_tenant_and_trace(
        self, stores: Stores, store: RowStore
    ) -> None:
        store.insert((), [grade(f"t{i}", at=AT + i, tenant="ab"[i % 2]) for i in range(6)])
        found = self.grades(stores, since=AT + 1, until=AT + 4)
        assert [one.trace for one in found] == ["t1", "t2", "t3"]
        assert [one.trace for one in self.grades(stores, tenant="b")] == ["t1", "t3", "t5"]
        assert [one.trace for one in self.grades(stores, trace="t4")] == ["t4"]

    def test_more_than_a_page_comes_in_order(self, stores: Stores, store: RowStore) -> None:
        grades = [grade(f"t{i:04}", at=AT + i // 3) for i in range(1203)]
        store.insert((), grades)
        assert self.grades(stores) == grades

    def test_grades_leave_with_their_trace_or_by_their_own_time(
        self, stores: Stores, store: RowStore
    ) -> None:
        store.insert([row(trace("old", at=AT)), row(trace("new", at=AT + 10))])
        store.insert(
            (),
            [
                grade("old", at=AT + 20),
                grade("new", at=AT + 20),
                grade("unknown", at=AT + 1),
                grade("unknown2", at=AT + 30),
            ],
        )
        deleted = 0
        while count := store.delete_before(AT + 5, 1):
            deleted += count
        assert deleted == 2, "a trace with its grade, and a grade without a trace"
        assert [one.trace for one in self.grades(stores)] == ["new", "unknown2"]

    def test_corrections_are_forgotten_with_their_conversation(
        self, stores: Stores, store: RowStore
    ) -> None:
        store.insert(
            [
                row(trace("a", tenant="acme", conversation="c1")),
                row(trace("b", tenant="acme", conversation="c2")),
            ],
            [grade("a"), grade("a", tenant="rival"), grade("b")],
        )
        assert store.forget("acme", "c1", AT) == 1
        found = {(one.trace, one.tenant): one for one in self.grades(stores)}
        assert {key: one.correction for key, one in found.items()} == {
            ("a", "default"): None, ("a", "rival"): None, ("b", "default"): b'"better"',
        }  # fmt: skip
        assert {one.value for one in found.values()} == {0.5}

    def test_graded_traces_come_with_their_own_tenants_grades(
        self, stores: Stores, store: RowStore
    ) -> None:
        decision = trace().decision
        assert decision is not None
        other = replace(decision, task="code")
        store.insert(
            [
                row(trace("a", at=AT)),
                row(trace("b", at=AT + 1, decision=other)),
                row(trace("c", at=AT + 2)),
                row(trace("ungraded", at=AT + 3)),
                row(trace("foreign", at=AT + 4)),
            ],
            [
                grade("a", source="judge", at=AT + 9),
                grade("a", source="user", at=AT + 8),
                grade("b", at=AT + 8),
                grade("c", at=AT + 8),
                grade("foreign", tenant="rival"),
                grade("unknown"),
            ],
        )

        def found(**which: Any) -> dict[str, list[str]]:
            graded = stores.reports().graded(**which)
            return {decode(d).id: [one.source for one in grades] for d, grades in graded}

        assert found() == {"a": ["user", "judge"], "b": ["user"], "c": ["user"]}
        assert list(found(task="intent")) == ["a", "c"]
        assert list(found(since=AT + 1, until=AT + 2)) == ["b"]
        assert found(tenant="rival") == {}

    def test_more_graded_traces_than_a_page_come_in_order(
        self, stores: Stores, store: RowStore
    ) -> None:
        store.insert(
            [row(trace(f"r{i:03}", at=AT + i // 2)) for i in range(250)],
            [grade(f"r{i:03}") for i in range(0, 250)],
        )
        graded = [(decode(d).id, len(grades)) for d, grades in stores.reports().graded()]
        assert graded == [(f"r{i:03}", 1) for i in range(250)]
