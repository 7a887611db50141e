"""One task's nights: what was learned from counts for a trial, and who is live is met as well."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.flywheel.examples import Example
from shortstop.flywheel.gather import TaskKey, TaskTraffic
from shortstop.flywheel.head.trainer import HeadTrainer
from shortstop.flywheel.night.hearing import HELD_OUT, Dispute
from shortstop.flywheel.night.memory import TaskMemory
from shortstop.flywheel.night.report import KindReport
from shortstop.flywheel.night.shelf import Shelf
from shortstop.flywheel.night.task import Rules, TaskNight
from shortstop.flywheel.repeats.trainer import RepeatsTrainer
from shortstop.flywheel.trainer import Recipe, Trainer
from shortstop.flywheel.verdicts import BothGrades
from shortstop.registry.placements import Placements
from shortstop.specialists.kinds import load
from shortstop.traces.seal import Seal
from tests.flywheel.traffic import TOPICS, WordEncoder, mails

pytest.importorskip("sklearn", reason="needs the extra [learn]")
ENCODER = WordEncoder()


def truth(text: str) -> str:
    return next(t for t, openings in TOPICS.items() if text.startswith(tuple(openings)))


def exactly(answer: str, row: Example) -> float:
    return float(answer == row.answer)


class World:
    """A task below `home`, with a judge that knows what is right."""

    def __init__(self, home: Path, rows: Sequence[Example]) -> None:
        self.home = home
        self.traffic = TaskTraffic(TaskKey("acme", "mail"), deque(rows))
        self.placements = Placements(home)
        self.shelf = Shelf(home / "specialists", lambda k, f: load(k, f, lambda: ENCODER))
        self.memory = TaskMemory(home, self.traffic.key, Seal("a key"))
        self.asked: list[Dispute] = []
        self.on_hearing: Callable[[], None] = lambda: None

    def hear(self, disputes: Sequence[Dispute]) -> Sequence[BothGrades | None]:
        self.on_hearing()
        self.asked += disputes
        out = []
        for one in disputes:
            right = truth(one.row.query.text)
            both = BothGrades(float(one.told == right), float(one.answer == right))
            self.traffic.judged.setdefault(one.row.id, {})[one.specialist] = both
            out.append(both)
        return out

    def night(
        self,
        *,
        trains: bool = True,
        trainers: Sequence[Trainer] = (HeadTrainer(),),
        stage: Callable[[str], None] = lambda stage: None,
    ) -> dict[str, KindReport]:
        """What is said of each specialist, by name."""
        recipe = Recipe(0.9, ENCODER, now=self.traffic.examples[-1].at)
        rules = Rules(recipe, trainers)
        memory = TaskMemory(self.home, self.traffic.key, Seal("a key"))
        night = TaskNight(
            self.traffic, memory, self.shelf, self.placements, rules, exactly, court=self,
            trains=trains,
        )  # fmt: skip
        return {kind.name: kind for kind in night.learn(stage).kinds if kind.name}

    @property
    def states(self) -> dict[str, str]:
        return {one.name: one.state for one in self.placements.all()}

    def held_out(self) -> list[Path]:
        return list(self.memory.folder.glob("*.held-out"))


def test_a_trial_begins_by_what_was_held_out_in_training(tmp_path: Path) -> None:
    world = World(tmp_path, mails(300, noise=0.07))
    ((name, said),) = world.night().items()
    assert said.state == "canary"
    assert said.pairs > 200, "60 rows were never learned from"
    whose = {one.specialist for one in world.asked}
    assert whose == {name, f"{HELD_OUT}:{name}"}
    assert world.held_out(), "until it is live"
    asked = len(world.asked)
    later = world.night(trains=False)[name]
    assert (later.state, later.pairs) == ("canary", 0), "of the trial itself there are none yet"
    assert len(world.asked) == asked, "nobody is asked twice"
    assert world.held_out()


def test_held_out_answers_that_cannot_be_opened_count_for_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, mails(300, noise=0.07))
    ((name, before),) = world.night().items()
    (file,) = world.held_out()
    world.placements.place(replace(world.placements.all()[0], state="shadow"))
    for bytes_ in (b"[]", b"\xff", file.read_bytes()[:-1]):
        file.write_bytes(bytes_)
        said = world.night(trains=False)[name]
        assert (said.state, said.pairs < before.pairs / 2) == ("shadow", True)


def test_it_goes_live_by_what_came_after_its_trial_began(tmp_path: Path) -> None:
    rows = mails(900, noise=0.07)
    world = World(tmp_path, rows[:300])
    (name,) = world.night()
    world.traffic.examples.extend(rows[300:320])
    assert world.night(trains=False)[name].state == "canary"
    world.traffic.examples.extend(rows[330:])
    assert world.night(trains=False)[name].state == "live"
    world.night(trains=False)
    assert not world.held_out()


def test_a_successor_is_held_against_who_is_live(tmp_path: Path) -> None:
    """Most requests are answered by the one whose place it would take: they count for it, too."""
    rows = mails(2_200, noise=0.07)
    few = [row for row in rows[:900] if truth(row.query.text) != "fees"]
    world = World(tmp_path, few[:400])
    (first,) = world.night()
    world.traffic.examples.extend(few[400:])
    assert world.night(trains=False)[first].state == "live"
    world.traffic.examples.extend(rows[900:1_800])
    world.night()
    ((second, state),) = [one for one in world.states.items() if one[0] != first]
    assert state == "canary"
    for row in rows[1_800:]:
        topic = truth(row.query.text)
        if topic == "fees":
            world.traffic.examples.append(row)
        else:
            world.traffic.local.append(replace(row, answer=topic, teacher=first))
    said = world.night(trains=False)
    assert said[second].state == "live"
    assert said[second].pairs > 200, "a third of 400 went to the frontier"
    assert world.states[first] == "retired"


def test_who_learned_from_what_is_erased_ends_though_its_successor_did_not(tmp_path: Path) -> None:
    rows = mails(1_200)
    few = [row for row in rows[:600] if truth(row.query.text) != "fees"]
    world = World(tmp_path, few)
    (first,) = world.night()
    oldest = world.memory.folder / f"{world.shelf.manifest(first).lineage.data}.trained"
    world.traffic.examples = deque(rows[400:])
    (second,) = set(world.night()) - {first}
    assert oldest.exists(), "until its specialist has gone"
    world.traffic.erased = {few[0].id}
    world.night(trains=False)
    assert world.states[first] == "retired"
    assert world.states[second] != "retired", "it has not learned from that row"
    assert not (world.home / "specialists" / first).exists(), "its files hold words of it"
    assert not oldest.exists()
    world.placements.roll_back(second, 1.0, "by hand")
    assert world.states[first] == "retired", "nobody brings it back"


def test_what_is_erased_is_not_forgotten_by_a_night_that_is_killed(tmp_path: Path) -> None:
    rows = mails(300)
    world = World(tmp_path, rows)
    (name,) = world.night()
    world.traffic.erased = {rows[0].id}
    world.traffic.examples = deque(rows[1:])

    def kill(stage: str) -> None:
        if stage == "examine":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.night(stage=kill)
    world.night()
    assert world.states[name] == "retired"
    assert set(world.states) - {name}, "a successor was learned without it"


def test_an_answer_that_was_asked_again_counts_as_learned(tmp_path: Path) -> None:
    """Those who remember texts learn the examination's older answers, too."""
    rows = mails(300)
    again = [
        replace(row, id=f"{turn}-{row.id}", at=row.at + 1000 * turn)
        for turn in (1, 2)
        for row in rows[-90:]
    ]
    world = World(tmp_path, [*rows, *again])
    (made,) = world.night(trainers=[RepeatsTrainer()])
    assert made.startswith("repeats")
    world.traffic.erased = {again[-1].id}
    world.traffic.examples.pop()
    world.night(trains=False)
    assert set(world.states.values()) == {"retired"}


@pytest.mark.parametrize("kept", [".trained", "trained.bin"])
def test_what_an_earlier_release_kept_of_the_rows_is_read(tmp_path: Path, kept: str) -> None:
    rows = mails(300)
    world = World(tmp_path, rows)
    (name,) = world.night()
    (file,) = world.memory.folder.glob("*.trained")
    file.rename(world.memory.folder / kept) if kept == "trained.bin" else None
    world.traffic.erased = {rows[0].id}
    world.night(trains=False)
    assert world.states[name] == "retired"


def test_a_candidate_whose_files_were_damaged_is_made_again(tmp_path: Path) -> None:
    world = World(tmp_path, mails(300))

    def kill(stage: str) -> None:
        if stage == "examine":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.night(stage=kill)
    (folder,) = (tmp_path / "specialists").glob("label-head-*")
    (folder / "card.md").write_bytes(b"")
    (made,) = world.night()
    assert made == folder.name
    assert world.states[made] == "canary"


def test_whom_somebody_retires_meanwhile_stays_so(tmp_path: Path) -> None:
    rows = mails(900)
    world = World(tmp_path, rows[:300])
    (name,) = world.night()
    world.traffic.examples.extend(rows[300:])
    world.on_hearing = lambda: world.placements.retire(name, 1.0, "by hand")
    world.night(trains=False)
    (one,) = world.placements.all()
    assert (one.state, one.why) == ("retired", "by hand")
