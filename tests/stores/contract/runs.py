"""Runs: counted one by one whoever asks, and bounded for each tenant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from shortstop.ports.stores import RunStore, Stores
from shortstop.types.rows import RunHead, RunRow
from tests.stores.contract.world import AT, in_processes, in_threads, serial


def _admit(row: RunRow) -> None:
    pass


def _count(stores: Stores, number: int) -> None:
    with closing(stores.runs()) as store:
        for i in range(20):
            store.enter("t", "shared", AT, 0.0, _admit)
            store.leave("t", RunHead(f"{number} {i}".encode(), "shared", b"a"), AT, 3)


class Full(Exception):
    pass


class RunStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[RunStore]:
        with closing(stores.runs()) as store:
            yield store

    def taken(self, store: RunStore, run: str, tenant: str = "t", since: float = 0.0) -> RunRow:
        """What a run has taken, by asking for a step that is not admitted."""
        seen: list[RunRow] = []

        def look(row: RunRow) -> None:
            seen.append(row)
            raise Full

        with pytest.raises(Full):
            store.enter(tenant, run, AT + 99, since, look)
        return seen[-1]

    def test_steps_and_money_add_up(self, store: RunStore) -> None:
        run = f"r{serial()}"
        for number in range(3):
            store.enter("t", run, AT + number, 0.0, _admit)
            store.leave("t", RunHead(b"p", run, b"a"), AT + number, 10)
        assert self.taken(store, run) == RunRow(AT, 3, 30)
        assert self.taken(store, run) == RunRow(AT, 3, 30), "what is not admitted counts nothing"

    def test_a_step_without_an_answer_costs_but_does_not_count(self, store: RunStore) -> None:
        run = f"r{serial()}"
        store.enter("t", run, AT, 0.0, _admit)
        store.leave("t", RunHead(b"p", run, None), AT, 4)
        assert self.taken(store, run) == RunRow(AT, 0, 4)

    def test_tenants_are_apart(self, store: RunStore) -> None:
        run = f"r{serial()}"
        store.enter("one", run, AT, 0.0, _admit)
        assert self.taken(store, run, "other").steps == 0
        assert store.owners(run) == ["one"]
        store.enter("other", run, AT, 0.0, _admit)
        assert sorted(store.owners(run)) == ["one", "other"]

    def test_what_rested_begins_anew(self, store: RunStore) -> None:
        run = f"r{serial()}"
        store.enter("t", run, AT, 0.0, _admit)
        assert self.taken(store, run, since=AT) == RunRow(AT, 1, 0)
        assert self.taken(store, run, since=AT + 1) == RunRow(AT + 99, 0, 0)

    def test_heads_that_nothing_left_behind_come_first(self, store: RunStore) -> None:
        name = f"t{serial()}"
        prefix = name.encode()
        for run in ("a", "b", "c"):
            store.enter(name, name + run, AT, 0.0, _admit)
            store.leave(name, RunHead(prefix, name + run, run.encode()), AT, 0)
        store.leave(name, RunHead(b"later" + prefix, name + "c", b"x"), AT, 0)
        found = store.heads([prefix, b"nothing"], AT)
        assert [head.run for head in found] == [name + run for run in "bac"]
        assert found[0] == RunHead(prefix, name + "b", b"b")
        assert store.heads([prefix], AT + 1) == []

    def test_the_end_of_a_forgotten_run_is_nothing(self, store: RunStore) -> None:
        run = f"r{serial()}"
        store.leave("t", RunHead(b"gone", run, b"a"), AT, 5)
        assert store.owners(run) == []
        assert store.heads([b"gone"], 0.0) == []

    def test_what_is_over_is_swept(self, store: RunStore) -> None:
        run, at = f"r{serial()}", AT - 10_000
        store.enter("t", run, at, 0.0, _admit)
        store.leave("t", RunHead(run.encode(), run, b"a"), at, 0)
        assert store.sweep(at + 1) == 1
        assert store.owners(run) == []
        assert store.heads([run.encode()], 0.0) == []

    def test_threads_lose_no_step(self, store: RunStore) -> None:
        run = f"r{serial()}"

        def work(number: int) -> None:
            for _ in range(10):
                store.enter("t", run, AT, 0.0, _admit)
                store.leave("t", RunHead(b"%d" % number, run, b"a"), AT, 1)

        in_threads(work)
        assert self.taken(store, run) == RunRow(AT, 40, 40)

    def test_processes_lose_no_step(self, stores: Stores, store: RunStore) -> None:
        in_processes(_count, stores)
        assert self.taken(store, "shared")[1:] == (60, 180)
