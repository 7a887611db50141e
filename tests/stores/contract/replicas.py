"""What replicas share: events in one order, snapshots, a leader's term, jobs that are done once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from shortstop.errors import NotLeading
from shortstop.ports.replicas import EventStore, LeaderStore
from shortstop.ports.stores import Stores
from shortstop.types.replicas import SealedEvent, StateSnapshot
from tests.stores.contract.world import AT, DAY, in_processes, in_threads

WRITERS, EACH = 4, 40


def event(writer: str, number: int) -> SealedEvent:
    return SealedEvent(writer, number, f"{writer} {number}\0".encode())


def snapshot(upto: int, data: bytes = b"state") -> StateSnapshot:
    return StateSnapshot(upto, b"digest", data)


def event_store(stores: Stores) -> EventStore:
    store = stores.events()
    assert store is not None
    return store


def leader_store(stores: Stores) -> LeaderStore:
    store = stores.leaders()
    assert store is not None
    return store


def _publish_all(stores: Stores, number: int) -> None:
    """Its own events, a few at a time, and each batch twice."""
    with closing(event_store(stores)) as store:
        for start in range(1, EACH + 1, 4):
            batch = [event(f"w{number}", n) for n in range(start, start + 4)]
            assert store.publish(batch) == 4
            assert store.publish(batch) == 0


def read(store: EventStore, after: int = 0) -> list[SealedEvent]:
    return [one.event for one in store.after(after, 10_000).events]


class EventStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[EventStore]:
        with closing(event_store(stores)) as store:
            yield store

    def test_events_are_read_in_their_order_from_any_place(self, store: EventStore) -> None:
        events = [event("a", 1), event("b", 1), event("a", 2)]
        assert store.publish(events) == 3
        assert read(store) == events
        first, second = store.after(0, 2).events
        assert [one.event for one in store.after(first.id, 9).events] == events[1:]
        assert [one.event for one in store.after(second.id, 9).events] == events[2:]
        assert store.publish([]) == 0

    def test_what_was_published_is_not_published_again(self, store: EventStore) -> None:
        assert store.publish([event("a", 1), event("a", 2), event("a", 2)]) == 2
        assert store.publish([event("a", 1), event("a", 2), event("a", 3)]) == 1
        assert store.publish([event("a", 7), event("b", 1)]) == 2, "what was lost leaves a gap"
        assert store.publish([event("a", 5)]) == 0
        assert read(store) == [event("a", n) for n in (1, 2, 3, 7)] + [event("b", 1)]

    def test_a_reader_that_goes_on_behind_what_it_has_seen_misses_nothing(
        self, stores: Stores, store: EventStore
    ) -> None:
        """While several publish at once, of whom each waits for its turn."""
        seen: list[SealedEvent] = []
        done = threading.Event()

        def follow() -> None:
            last = 0
            while True:
                over = done.wait(0.001)
                events = store.after(last, 7).events
                seen.extend(one.event for one in events)
                last = events[-1].id if events else last
                if over and not events:
                    return

        reader = threading.Thread(target=follow)
        reader.start()
        try:
            in_threads(lambda number: _publish_all(stores, number), WRITERS)
        finally:
            done.set()
            reader.join()
        assert seen == read(store)
        for number in range(WRITERS):
            own = [one for one in seen if one.writer == f"w{number}"]
            assert own == [event(f"w{number}", n) for n in range(1, EACH + 1)]

    def test_processes_publish_each_event_once(self, stores: Stores, store: EventStore) -> None:
        in_processes(_publish_all, stores)
        assert sorted(one.writer for one in read(store)) == sorted(
            f"w{number}" for number in range(3) for _ in range(EACH)
        )

    def test_many_begin_and_one_has_begun(self, stores: Stores, store: EventStore) -> None:
        begun: list[bool] = []
        in_threads(lambda number: begun.append(store.begin(snapshot(0, bytes([number])))))
        assert sorted(begun) == [False] * 3 + [True]
        assert len(store.snapshots()) == 1

    def test_two_snapshots_stay_and_the_events_behind_the_earlier_one(
        self, stores: Stores, store: EventStore
    ) -> None:
        with closing(leader_store(stores)) as leaders:
            term = leaders.lead("a", 60)
            assert term is not None
        store.publish([event("a", n) for n in range(1, 11)])
        ids = [one.id for one in store.after(0, 99).events]
        assert store.begin(snapshot(0))
        assert store.keep_snapshot(term, snapshot(ids[3])) == 0, "the one before holds none"
        assert store.keep_snapshot(term, snapshot(ids[7], b"8")) == 4
        assert store.snapshots() == [snapshot(ids[7], b"8"), snapshot(ids[3])]
        assert [one.number for one in read(store)] == [5, 6, 7, 8, 9, 10]
        assert store.after(0, 1).deleted == store.after(ids[9], 1).deleted == ids[3]
        assert store.publish([event("a", 2)]) == 0, "it was published, and is deleted"

    def test_an_earlier_leader_s_late_snapshot_is_refused(
        self, stores: Stores, store: EventStore
    ) -> None:
        with closing(leader_store(stores)) as leaders:
            earlier = leaders.lead("a", 60)
            leaders.resign("a")
            later = leaders.lead("b", 60)
        assert earlier is not None
        assert later is not None
        assert store.keep_snapshot(later, snapshot(0, b"later")) == 0
        with pytest.raises(NotLeading):
            store.keep_snapshot(earlier, snapshot(0, b"late"))
        assert [one.data for one in store.snapshots()] == [b"later"]


class LeaderStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[LeaderStore]:
        with closing(leader_store(stores)) as store:
            yield store

    def test_one_leads_until_it_resigns(self, store: LeaderStore) -> None:
        term = store.lead("a", 60)
        assert term is not None
        assert store.lead("a", 60) == term, "prolonged"
        assert store.lead("b", 60) is None
        store.resign("b")
        assert store.lead("b", 60) is None
        store.resign("a")
        next_term = store.lead("b", 60)
        assert next_term is not None
        assert next_term > term
        assert store.lead("a", 60) is None

    def test_a_term_that_is_over_goes_to_who_asks_next(self, store: LeaderStore) -> None:
        term = store.lead("a", 0)
        assert term is not None
        assert store.confirm(term), "nobody has begun another"
        later = store.lead("b", 60)
        assert later is not None
        assert later > term
        assert not store.confirm(term)
        assert store.confirm(later)

    def test_of_many_that_ask_at_once_one_leads(self, stores: Stores, store: LeaderStore) -> None:
        terms: list[int | None] = []
        in_threads(lambda number: terms.append(store.lead(f"r{number}", 60)), 6)
        assert len([term for term in terms if term is not None]) == 1

    def test_an_earlier_leader_writes_nothing_any_more(self, store: LeaderStore) -> None:
        assert store.note("alerts") is None
        term = store.lead("a", 0)
        assert term is not None
        store.write_note(term, "alerts", b"1")
        store.write_note(term, "alerts", b"2\0")
        later = store.lead("b", 60)
        assert later is not None
        with pytest.raises(NotLeading):
            store.write_note(term, "alerts", b"3")
        assert store.note("alerts") == b"2\0"
        store.write_note(later, "alerts", b"4")
        assert store.note("alerts") == b"4"

    def test_a_job_is_claimed_once(self, store: LeaderStore) -> None:
        claims: list[bool] = []
        in_threads(lambda number: claims.append(store.claim("night", AT)), 6)
        assert sorted(claims) == [False] * 5 + [True]
        assert store.claim("night", AT + DAY)
        assert store.claim("look", AT)
        assert not store.claim("look", AT)

    def test_what_replicas_report_is_read_while_it_is_fresh(self, store: LeaderStore) -> None:
        assert store.reports(60) == []
        store.report("b", b"1")
        store.report("a", b"2")
        store.report("b", b"3")
        assert store.reports(60) == [b"2", b"3"]
        assert store.reports(0) == []
