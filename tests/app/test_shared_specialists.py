"""Machines that share specialists: what is placed on one is placed on all, whatever happens."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.app import shared_specialists
from shortstop.app.served_kinds import lacking
from shortstop.app.shared_specialists import SharedSpecialists
from shortstop.app.shelf import SpecialistShelf
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.ports.replicas import SpecialistStore
from shortstop.registry.placements import Placement, Placements
from shortstop.specialists.artefact import Lineage, Manifest, write
from shortstop.specialists.opinion import Gate
from shortstop.traces.seal import Seal
from shortstop.types.decision import TargetState
from tests.conftest import FakeClock
from tests.postgres import PostgresServer, running

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.database import PostgresDatabase
from shortstop.stores.postgres.leaders import PostgresLeaders
from shortstop.stores.postgres.specialists import PostgresSpecialists

PATIENCE = 60.0
"""Seconds that a call may take: the tests' machine is often busy."""
LINEAGE = Lineage("d", 100, ("big",), 1.0)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of its own: it is stopped."""
    with running() as server:
        yield server


class Machine:
    """Its data folder, and its part in what is shared."""

    def __init__(self, home: Path, store: SpecialistStore, key: str = "the machines' key") -> None:
        self.placements = Placements(home)
        self.clock = FakeClock()
        self.home = home
        self.lacks = ""
        self.shared = SharedSpecialists(
            store, self.placements, Seal(key), lambda kind: self.lacks, self.clock
        )

    def learn(self, number: int, state: TargetState = "live", at: float = 1.0) -> str:
        """Make a specialist here, and place it."""
        manifest = Manifest("copy", "acme", "mail", Gate({"all": 0.5}), LINEAGE)
        name = write(self.placements.folder, manifest, {"x": b"%d" % number * 200}).name
        self.place(name, state, at)
        return name

    def place(self, name: str, state: TargetState, at: float) -> None:
        self.placements.place(Placement(name, "acme", "mail", state, at))

    def turn(self, term: int | None = None) -> None:
        self.shared.turn(term)

    def later(self) -> None:
        """What failed is tried again."""
        self.clock.now += shared_specialists.AGAIN_SECONDS + 1
        self.turn()

    def has(self, name: str) -> bool:
        return (self.placements.folder / name).is_dir()

    @property
    def served(self) -> set[str]:
        """By the gateway that follows the placements."""
        return set(SpecialistShelf(self.home).roster().targets)

    @property
    def states(self) -> dict[str, TargetState]:
        return {one.name: one.state for one in self.placements.all()}


def opened(url: str) -> PostgresDatabase:
    return PostgresDatabase(url, PATIENCE, background=True)


class Install:
    """Machines, by their names, over one database."""

    def __init__(self, server: PostgresServer, url: str, folder: Path) -> None:
        self._url = url
        self._server, self._folder = server, folder
        self._database = url.partition("@/")[2].partition("?")[0]
        self._open = ExitStack()

    def store(self) -> PostgresSpecialists:
        return PostgresSpecialists(opened(self._url), opened(self._url))

    def lead(self) -> int | None:
        with closing(PostgresLeaders(opened(self._url))) as leaders:
            return leaders.lead("a", 600)

    def start(self, name: str, key: str = "the machines' key") -> Machine:
        machine = Machine(self._folder / name, self.store(), key)
        self._open.callback(machine.shared.close)
        return machine

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return self._server.sql(statement, self._database)

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def install(server: PostgresServer, tmp_path: Path) -> Iterator[Install]:
    with server.database() as url:
        install = Install(server, url, tmp_path)
        yield install
        install.close()


def test_who_is_placed_on_one_is_served_by_the_others(install: Install) -> None:
    one, two = install.start("a"), install.start("b")
    first, unseen = one.learn(1), one.learn(2, "shadow", 2.0)
    one.turn()
    two.turn()
    assert two.served == one.served == {first, unseen}
    assert two.states == one.states
    two.place(unseen, "live", 3.0)
    two.turn()
    one.turn()
    assert one.served == {unseen}
    one.placements.roll_back(unseen, 4.0, "alarm")
    one.turn()
    two.turn()
    assert two.states == one.states == {first: "live", unseen: "retired"}
    assert two.served == {first}
    assert {placed.why for placed in two.placements.all()} == {
        "alarm", f"{unseen} was rolled back",
    }  # fmt: skip


def test_a_new_machine_can_roll_back_to_whom_it_never_saw_live(install: Install) -> None:
    one = install.start("a")
    first, second = one.learn(1), one.learn(2, "live", 2.0)
    one.turn()
    two = install.start("b")
    two.turn()
    assert two.served == {second}
    two.placements.roll_back(second, 3.0, "alarm")
    assert two.served == {first}


def test_two_that_place_at_once_lose_nothing(install: Install) -> None:
    """The second writes what it has read before the first wrote: it is refused, and tries again."""
    one, two = install.start("a"), install.start("b")
    mine, yours = one.learn(1, "shadow"), two.learn(2, "shadow", 2.0)
    placements = one.shared._store.placements

    def late() -> object:
        read = placements()
        two.turn()
        one.shared._store.placements = placements  # type: ignore[method-assign]
        return read

    one.shared._store.placements = late  # type: ignore[method-assign, assignment]
    for _ in range(2):
        one.turn()
        two.turn()
    assert one.served == two.served == {mine, yours}


def test_nothing_changes_where_nothing_has_changed(install: Install) -> None:
    one, two = install.start("a"), install.start("b")
    one.learn(1)
    for _ in range(3):
        one.turn()
        two.turn()
    stamps = one.placements.stamp(), two.placements.stamp()
    version = one.shared._store.overview()
    one.later()
    two.later()
    assert (one.placements.stamp(), two.placements.stamp()) == stamps
    assert one.shared._store.overview() == version


def test_a_roll_back_while_files_are_fetched_is_not_lost(install: Install) -> None:
    one, two = install.start("a"), install.start("b")
    first = one.learn(1)
    one.turn()
    two.turn()
    second = one.learn(2, "shadow", 2.0)
    one.turn()
    artefact = two.shared._store.artefact

    def meanwhile(name: str) -> bytes | None:
        two.placements.roll_back(first, 3.0, "alarm")
        return artefact(name)

    two.shared._store.artefact = meanwhile  # type: ignore[method-assign]
    two.turn()
    assert two.served == {second}
    two.turn()
    one.turn()
    assert one.served == {second}


# ------------------------------------------------------------ what is refused


def test_altered_files_are_refused_once_in_words_and_replaced(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = install.start("a"), install.start("b")
    name = one.learn(1)
    one.turn()
    install.sql("UPDATE specialist_artefacts SET data = set_byte(data, 40, get_byte(data, 40) # 1)")
    two.turn()
    two.later()
    assert not two.served
    assert two.states == {}
    assert caplog.text.count(f"The specialist {name} was altered since it was sealed") == 1
    one.turn()
    two.turn()
    assert two.served == {name}, "it was published again by who has it"


def test_files_under_another_name_are_refused(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = install.start("a"), install.start("b")
    first, second = one.learn(1), one.learn(2, "shadow", 2.0)
    one.turn()
    install.sql(
        "UPDATE specialist_artefacts SET data = (SELECT data FROM specialist_artefacts"
        f" WHERE name = '{second}') WHERE name = '{first}'"
    )
    two.turn()
    assert two.served == {second}
    assert f"The specialist {first} was altered" in caplog.text


def test_an_altered_list_is_written_anew(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = install.start("a"), install.start("b")
    name = one.learn(1)
    one.turn()
    install.sql("UPDATE specialist_placements SET data = data || 'x', version = version + 1")
    two.turn()
    assert two.states == {}
    assert "was altered" in caplog.text
    one.turn()
    two.turn()
    assert two.served == {name}


def test_another_key_shares_nothing_and_spoils_nothing(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    one, stranger = install.start("a"), install.start("b", "another key")
    name = one.learn(1)
    one.turn()
    own = stranger.learn(2)
    stranger.turn()
    stranger.later()
    assert caplog.text.count("sealed with another traces key") == 1
    assert stranger.served == {own}
    two = install.start("c")
    two.turn()
    assert two.served == {name}


def test_too_large_ones_stay_where_they_are(
    install: Install, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_specialists, "MOST_BYTES", 100)
    one, two = install.start("a"), install.start("b")
    name = one.learn(1)
    one.turn()
    one.later()
    two.turn()
    assert one.served == {name}
    assert two.states == {}
    assert caplog.text.count("answers on this machine alone") == 1


def test_a_machine_that_lacks_what_a_kind_needs_says_so_once(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = install.start("a"), install.start("b")
    names = {one.learn(1), one.learn(2, "shadow", 2.0)}
    one.turn()
    two.lacks = "This machine cannot serve label heads."
    two.turn()
    two.later()
    assert two.served == set()
    assert caplog.text.count(two.lacks) == 1
    two.lacks = ""
    two.later()
    assert two.served == names
    assert lacking(tmp_path, "repeats") == lacking(tmp_path, "adapter") == ""
    assert "cannot serve label heads" in lacking(tmp_path, "label-head")
    assert "does not know it" in lacking(tmp_path, "oracle")


# ------------------------------------------------------------ outages, and what has gone


def in_the_end(work: Callable[[], object]) -> None:
    """As soon as it is noticed that the database is back."""
    deadline = time.monotonic() + 30
    while True:
        try:
            work()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_a_roll_back_during_an_outage_holds_here_and_goes_out_afterwards(
    server: PostgresServer, install: Install
) -> None:
    one, two = install.start("a"), install.start("b")
    first, second = one.learn(1), one.learn(2, "live", 2.0)
    one.turn()
    two.turn()
    with server.away():
        two.placements.roll_back(second, 3.0, "alarm")
        one.place(second, "live", 99.0)  # knows nothing of it, and by a clock that is ahead
        for machine in (one, two):
            with pytest.raises(StoreError):
                machine.turn()
        assert two.served == {first}
        assert one.served == {second}
    for machine in (one, two, one):
        in_the_end(machine.turn)
    assert one.served == two.served == {first}


def test_files_that_nobody_needs_leave_the_database(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_specialists, "YOUNG_SECONDS", 0.0)
    one, two = install.start("a"), install.start("b")
    first, second = one.learn(1), one.learn(2, "live", 2.0)
    term = install.lead()
    one.turn(term)
    assert one.shared._store.overview().artefacts == {first, second}, "it may come back"
    one.placements.retire(second, 3.0, "It has learned from what was erased since.")
    one.turn(term)
    two.turn()
    assert one.shared._store.overview().artefacts == set()
    assert two.states == {first: "retired", second: "retired"}


# ------------------------------------------------------------ whatever happens


class Unsteady:
    """A store that is away from the call on that was said, in the middle of a turn or before."""

    def __init__(self, store: SpecialistStore) -> None:
        self._store = store
        self.calls = 0

    def __getattr__(self, name: str) -> object:
        self.calls -= 1
        if self.calls < 0:
            raise StoreUnavailable("away")
        return getattr(self._store, name)


STEPS = {"learn": 1, "move": 6, "roll back": 2, "retire": 1, "turn": 3}
"""How often each is done."""


def done(machine: Machine, what: str, number: int, at: float, lots: random.Random) -> None:
    """One step on a machine, with one of the specialists that are there."""
    here = [one.name for one in machine.placements.all() if machine.has(one.name)]
    if what == "turn":
        machine.turn()
    elif what == "learn" or not here:
        machine.learn(number, "shadow", at)
    elif what == "move":
        machine.place(lots.choice(here), lots.choice(("shadow", "canary", "live")), at)
    elif what == "roll back":
        machine.placements.roll_back(lots.choice(here), at, "alarm")
    else:
        machine.placements.retire(lots.choice(here), at, "unwanted")


def note(withdrawn: dict[str, int], machine: Machine) -> None:
    """How often each was taken out of traffic, by anybody."""
    for one in machine.placements.all():
        withdrawn[one.name] = max(withdrawn.get(one.name, 0), one.withdrawals)


@settings(max_examples=25)
@given(seed=st.integers(0, 1 << 30), count=st.integers(10, 50))
def test_all_come_to_the_same_and_no_withdrawal_is_lost(
    server: PostgresServer, shared_url: str, seed: int, count: int
) -> None:
    """Three machines whose clocks differ place, roll back and retire, and lose the database in the
    middle of whatever they do."""
    lots = random.Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        install = Install(server, shared_url, folder)
        stack.callback(install.close)
        install.sql("TRUNCATE specialist_placements, specialist_artefacts")
        stores = [Unsteady(stack.enter_context(closing(install.store()))) for _ in "abc"]
        machines = [Machine(folder / str(i), store) for i, store in enumerate(stores)]  # type: ignore[arg-type]
        withdrawn: dict[str, int] = {}
        for number, what in enumerate(lots.choices([*STEPS], STEPS.values(), k=count)):
            index = lots.randrange(3)
            stores[index].calls = lots.choice((0, 1, 2, 3, 4, 6, 99, 99))
            with suppress(StoreUnavailable):
                done(machines[index], what, number, number + 20.0 * index, lots)
            note(withdrawn, machines[index])
        for one in machines[0].placements.serving():
            machines[0].placements.roll_back(one.name, 0.0, "alarm")
        note(withdrawn, machines[0])
        for one in machines[1].placements.serving() * 3:
            machines[1].place(one.name, "canary", 99.0)  # it knows nothing of that
        for _ in range(4):
            for machine, store in zip(machines, stores, strict=True):
                store.calls = 999
                machine.turn()
        placed = machines[0].placements.all()
        assert machines[1].placements.all() == machines[2].placements.all() == placed
        assert len([one for one in placed if one.state == "live"]) <= 1
        assert all(one.withdrawals >= withdrawn[one.name] for one in placed)
        assert {one.name for one in placed} == set(withdrawn)
        serving = {one.name for one in machines[0].placements.serving()}
        assert all(machine.served == serving for machine in machines)


@pytest.fixture(scope="module")
def shared_url(server: PostgresServer) -> Iterator[str]:
    """A database for all examples: each begins with empty tables."""
    with server.database() as url:
        with closing(PostgresSpecialists(opened(url), opened(url))) as store:
            store.overview()
        yield url
