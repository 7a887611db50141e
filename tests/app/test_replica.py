"""Machines that learn together: each pair counts once everywhere, whatever happens in between."""

from __future__ import annotations

import logging
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.errors import NotLeading, StoreUnavailable
from shortstop.routing import Prior, dump_state, load_state, packaged
from shortstop.traces.seal import Seal
from tests.app.machines import Machine
from tests.postgres import PostgresServer, running

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores import Paths
from shortstop.stores.postgres.stores import ReplicaStores
from shortstop.stores.sqlite.stores import SqliteStores

Start = Callable[..., Machine]


@pytest.fixture(scope="module")
def prior() -> Prior:
    return packaged()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of its own: it is stopped."""
    with running() as server:
        yield server


class Install:
    """Machines, by their names, over one database."""

    def __init__(self, url: str, folder: Path, prior: Prior) -> None:
        self._stores = ReplicaStores(url, SqliteStores(Paths(folder, folder / "traces.db")))
        self._folder = folder
        self._prior = prior
        self.machines: dict[str, Machine] = {}

    def start(self, name: str, seal: str = "the machines' key") -> Machine:
        """Over what its predecessor has left in its folder."""
        machine = Machine(self._folder / name, self._stores, self._prior, Seal(seal))
        self.machines[name] = machine
        return machine

    def kill(self, name: str) -> None:
        """Without a word."""
        self.machines.pop(name).close()

    def settle(self) -> list[Machine]:
        """All have told and heard everything."""
        machines = list(self.machines.values())
        for machine in machines:
            machine.publish()
        for machine in machines:
            machine.hear()
        return machines

    def close(self) -> None:
        for name in list(self.machines):
            self.kill(name)


@pytest.fixture
def install(server: PostgresServer, tmp_path: Path, prior: Prior) -> Iterator[Install]:
    with server.database() as url:
        install = Install(url, tmp_path, prior)
        yield install
        install.close()


def counted(machine: Machine) -> tuple[int, float]:
    return machine.pairs, round(machine.evidence.loss, 9) if machine.pairs else 0.0


# ------------------------------------------------------------ sharing


def test_a_pair_that_one_has_seen_moves_the_others_once(install: Install) -> None:
    one, two, three = (install.start(name) for name in "abc")
    pairs = one.teach(*range(60)) + two.teach(*range(60, 120))
    assert pairs > 60
    for _ in range(2):
        install.settle()
        assert [machine.pairs for machine in (one, two, three)] == [pairs] * 3
    assert one.state.heard == two.state.heard == three.state.heard
    assert not three.pair(5), "it was counted where it was seen"
    assert three.evidence.standing == one.evidence.standing != "no-evidence"


def test_an_outcome_may_come_home_to_another_machine(install: Install) -> None:
    one, two = install.start("a"), install.start("b")
    assert one.decide(1)
    install.settle()
    assert two.pair(1)
    install.settle()
    assert (one.pairs, two.pairs) == (1, 1)
    assert not one.pair(1)


def test_another_key_is_said_once_and_teaches_nothing(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    one, stranger = install.start("a"), install.start("b", "another key")
    assert "a snapshot of what machines share is passed over" in caplog.text
    caplog.clear()
    one.teach(*range(9))
    install.settle()
    assert stranger.pairs == 0
    said = [line for line in caplog.messages if "cannot be read" in line]
    assert len(said) == 1
    assert "another traces key" in said[0]


def test_an_event_under_another_number_is_not_believed(
    install: Install, server: PostgresServer
) -> None:
    """Whoever writes to the database cannot make a pair count twice."""
    one, two = install.start("a"), install.start("b")
    one.teach(1)
    install.settle()
    name = install._stores.url.partition("@/")[2].partition("?")[0]
    server.sql(
        "INSERT INTO learned_events (writer, number, message)"
        " SELECT writer, number + 100, message FROM learned_events", name,
    )  # fmt: skip
    two.hear()
    assert two.pairs == 1
    assert max(two.state.heard.values()) < 100


# ------------------------------------------------------------ over outages and restarts


def test_what_cannot_be_told_waits_on_the_disk(server: PostgresServer, install: Install) -> None:
    """The database goes, the machine is killed, and the next one tells what the first has seen."""
    one, two = install.start("a"), install.start("b")
    with server.away():
        pairs = one.teach(*range(20))
        assert pairs
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                one.publish()
        two.teach(99)
        install.kill("a")
    again = in_the_end(lambda: install.start("a"))
    assert again.pairs == pairs
    install.settle()
    assert (again.pairs, two.pairs) == (pairs + 1, pairs + 1)


def in_the_end(work: Callable[[], Machine]) -> Machine:
    """As soon as it is noticed that the database is back."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return work()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_new_machine_is_snapshot_and_tail(install: Install) -> None:
    one = install.start("a")
    one.teach(*range(40))
    install.settle()
    term = one.lead()
    assert one.keep_snapshot(term) == 0, "the first snapshot holds no event"
    one.teach(*range(40, 60))
    install.settle()
    assert one.keep_snapshot(term) > 0
    one.teach(*range(60, 70))
    one.publish()
    two = install.start("b")
    one.hear()
    assert len(two.replica.feed._store.after(0, 999).events) < 70, (
        "the rest is in the snapshot alone"
    )
    assert counted(two) == counted(one)
    assert two.state.heard == one.state.heard
    same = load_state(dump_state(two.state)), load_state(dump_state(one.state))
    same[0].draws = same[1].draws
    same[0].decided = same[1].decided  # a machine's own count
    assert dump_state(same[0]) == dump_state(same[1]), "one writer: the same bytes"
    assert two.state.draws != one.state.draws, "but other lots"


def test_a_snapshot_that_cannot_be_used_is_passed_over(
    install: Install, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    one = install.start("a")
    one.teach(*range(20))
    install.settle()
    term = one.lead()
    one.keep_snapshot(term)
    name = install._stores.url.partition("@/")[2].partition("?")[0]
    server.sql("UPDATE learned_snapshots SET data = data || 'x' WHERE upto > 0", name)
    assert counted(install.start("b")) == counted(one), "the one before, and the tail"
    assert "Its bytes are not those that were written" in caplog.text
    server.sql("UPDATE learned_snapshots SET data = 'shortstop-router-99', digest = ''", name)
    assert counted(install.start("c")) == counted(one), "all events are still there"
    assert "no snapshot can be used" in caplog.text


def test_an_earlier_leader_s_snapshot_is_refused(install: Install) -> None:
    one, two = install.start("a"), install.start("b")
    earlier = one.lead()
    one.replica.leadership.store.lead(one.replica.exchange.writer, 0)  # it stood still for long
    two.lead()
    with pytest.raises(NotLeading):
        one.keep_snapshot(earlier)
    assert not one.replica.leadership.confirmed()
    assert two.replica.leadership.confirmed()


OPERATIONS = st.lists(
    st.sampled_from(
        ["teach"] * 6 + ["publish"] * 3 + ["hear"] * 3 + ["restart", "snapshot", "again"]
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=12)
@given(operations=OPERATIONS, seed=st.integers(0, 1 << 30))
def test_whatever_happens_each_pair_counts_once_everywhere(
    server: PostgresServer, prior: Prior, operations: list[str], seed: int
) -> None:
    """Three machines, killed and started at any time, with everything published again from their
    disks, and snapshots by whoever leads."""
    lots, number, pairs, lost = random.Random(seed), 0, 0, 0.0
    with ExitStack() as stack:
        url = stack.enter_context(server.database())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        install = Install(url, folder, prior)
        stack.callback(install.close)
        for name in "abc":
            install.start(name)
        for operation in operations:
            name = lots.choice("abc")
            machine = install.machines[name]
            if operation == "teach":
                value = lots.choice((1.0, 0.5))
                counts = machine.teach(number, value=value)
                number, pairs, lost = number + 1, pairs + counts, lost + counts * (1.0 - value)
            elif operation == "publish":
                machine.publish()
            elif operation == "hear":
                machine.hear()
            elif operation == "snapshot":
                leader = machine.replica.leadership
                leader.renew()
                if leader.term is not None:
                    machine.hear()
                    machine.keep_snapshot(leader.term)
                    leader.resign()
            else:
                install.kill(name)
                install.start(name)
                if operation == "again":
                    install.machines[name].publish()
        machines = install.settle()
        assert [counted(machine) for machine in machines] == [(pairs, round(lost, 9))] * 3
        assert machines[0].state.heard == machines[1].state.heard == machines[2].state.heard


# ------------------------------------------------------------ the life of a process


def test_who_leaves_tells_all_and_lets_another_lead(install: Install) -> None:
    one, two = install.start("a"), install.start("b")
    one.lead()
    pairs = one.teach(*range(30))
    one.replica.leave(one.snapshot)
    assert two.lead()
    two.hear()
    assert two.pairs == pairs
    assert install.start("c").pairs == pairs


async def test_who_was_away_for_long_goes_on_from_the_snapshot(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    """What it has seen itself meanwhile counts as well, and its next news is numbered on."""
    one, away = install.start("a"), install.start("b")
    pairs = one.teach(*range(30))
    term = one.lead()
    for start in (30, 40, 50):
        pairs += one.teach(*range(start, start + 10))
        one.publish()
        await one.hear_beside()
        one.keep_snapshot(term)
    pairs += away.teach(*range(100, 110))
    with caplog.at_level(logging.WARNING):
        await away.hear_beside()
    assert "was away for long" in caplog.text
    assert away.pairs == pairs
    pairs += away.teach(110, 111, 112)
    away.publish()
    await one.hear_beside()
    assert (one.pairs, away.pairs) == (pairs, pairs)
