"""A night over recorded traffic: learned by proof, resumed after a kill, refused in words."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.app import night
from shortstop.app.anchors import keep_anchors
from shortstop.app.night import HowNight, Onlooker, planned, spend_night
from shortstop.app.workshop import Workshop
from shortstop.errors import ConfigError, StoreError
from shortstop.flywheel.gather import TaskKey
from shortstop.flywheel.mine.decisions import DecisionFile, Decisions, merge, pinned, renamed
from shortstop.flywheel.night.lock import sole_night
from shortstop.flywheel.night.report import TaskReport
from shortstop.flywheel.night.task import TaskNight
from shortstop.registry.placements import Placements
from shortstop.specialists import artefact
from shortstop.specialists.query import Query
from tests.app.recorded import NOW, TOML, config, dated, erase, record, trace_of, workshop_of
from tests.flywheel.traffic import mails

pytest.importorskip("sklearn", reason="needs the extra [learn]")


def still_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own process keeps its place, and time stands."""
    monkeypatch.setattr(night, "step_aside", lambda: None)
    monkeypatch.setattr(night.time, "time", lambda: NOW + 1)


@pytest.fixture(autouse=True)
def _still_here(monkeypatch: pytest.MonkeyPatch) -> None:
    still_here(monkeypatch)


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after one night over 1,500 mails, for copies."""
    home = tmp_path_factory.mktemp("first-night")
    with pytest.MonkeyPatch.context() as monkeypatch:
        still_here(monkeypatch)
        spend_night(learned_from(home))
    return home


@pytest.fixture
def next_day(first_night: Path, tmp_path: Path) -> Workshop:
    """The workshop of a copy of it in `tmp_path`."""
    shutil.copytree(first_night, tmp_path, dirs_exist_ok=True)
    return workshop_of(config(tmp_path))


def learned_from(home: Path, rows: int = 1500, seed: int = 0) -> Workshop:
    settings = config(home)
    record(settings, [trace_of(e) for e in dated(mails(rows, seed=seed))])
    return workshop_of(settings)


def test_a_task_is_learned_and_put_on_trial(tmp_path: Path) -> None:
    report = spend_night(learned_from(tmp_path))
    (task,) = report.tasks
    assert (task.task, task.requests, task.tenant) == ("mail", 1500, "acme")
    (made,) = [kind for kind in task.kinds if kind.name]
    assert (made.kind, made.state) == ("label-head", "canary")
    assert made.served > 0.8
    (placed,) = Placements(tmp_path).serving()
    assert (placed.name, placed.state, placed.task) == (made.name, "canary", "mail")
    assert (tmp_path / "specialists" / made.name / "manifest.json").exists()


def test_a_second_night_changes_nothing_without_new_traffic(
    next_day: Workshop, tmp_path: Path
) -> None:
    before = Placements(tmp_path).all()
    (task,) = spend_night(next_day).tasks
    assert Placements(tmp_path).all() == before
    assert [kind.state for kind in task.kinds if kind.name] == ["canary"]


def test_what_holds_on_its_trial_goes_live(
    next_day: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = dated(mails(400, seed=9), NOW + 86_000)
    record(next_day.config, [trace_of(replace(e, id=f"later-{e.id}")) for e in later])
    monkeypatch.setattr(night.time, "time", lambda: NOW + 86_400)
    spend_night(next_day)
    assert [one.state for one in Placements(tmp_path).serving()] == ["live"]


def test_a_look_promotes_by_proof_and_trains_nobody(
    next_day: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sorted((tmp_path / "specialists").glob("*-*"))
    state = next((tmp_path / "workshop" / "tasks").glob("*/state.json")).read_bytes()
    for quarter in (1, 2):
        now = NOW + 20_000 * quarter
        later = dated(mails(200, seed=quarter), now - 400)
        record(next_day.config, [trace_of(replace(e, id=f"{quarter}-{e.id}")) for e in later])
        monkeypatch.setattr(night.time, "time", lambda now=now: now)
        report = spend_night(next_day, how=HowNight(look=True))
    assert [one.state for one in Placements(tmp_path).serving()] == ["live"]
    assert [kind.name != "" for kind in report.tasks[0].kinds] == [True], "nothing was tried"
    assert sorted((tmp_path / "specialists").glob("*-*")) == made
    (after,) = (tmp_path / "workshop" / "tasks").glob("*/state.json")
    assert after.read_bytes() == state


def test_a_look_takes_back_who_loses(
    next_day: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [replace(e, answer="fees") for e in dated(mails(300, seed=9), NOW + 20_000)]
    record(next_day.config, [trace_of(replace(e, id=f"later-{e.id}")) for e in later])
    monkeypatch.setattr(night.time, "time", lambda: NOW + 20_400)
    spend_night(next_day, how=HowNight(look=True))
    assert placed_states(tmp_path) == ["retired"]


def test_a_look_leaves_a_killed_night_and_what_nobody_serves_alone(tmp_path: Path) -> None:
    workshop = learned_from(tmp_path)

    def kill(task: str, now: str) -> None:
        raise Killed

    with pytest.raises(Killed):
        spend_night(workshop, onlooker=Onlooker(stage=kill))
    before = (tmp_path / "workshop" / "night.json").read_bytes()
    report = spend_night(workshop, how=HowNight(look=True))
    assert report.tasks == ()
    assert (tmp_path / "workshop" / "night.json").read_bytes() == before


class Killed(BaseException):
    """Ends the night as a kill does: nothing after it is done."""


@pytest.mark.parametrize("stage", ["curate", "train", "examine"])
def test_a_night_that_was_killed_goes_on(tmp_path: Path, stage: str) -> None:
    workshop = learned_from(tmp_path)

    def kill(task: str, now: str) -> None:
        if now == stage:
            raise Killed

    with pytest.raises(Killed):
        spend_night(workshop, onlooker=Onlooker(stage=kill))
    assert not Placements(tmp_path).serving()
    made_before = sorted(p.name for p in (tmp_path / "specialists").glob("label-head-*"))
    assert bool(made_before) == (stage == "examine")
    spend_night(workshop)
    (placed,) = Placements(tmp_path).serving()
    if stage == "examine":
        assert [placed.name] == made_before  # it was not trained again


def test_a_new_night_sweeps_what_a_killed_one_began_to_keep(tmp_path: Path) -> None:
    draft = tmp_path / "specialists" / ".draft-x"
    draft.mkdir(parents=True)
    (draft / "texts.bin").write_bytes(b"words of traffic")
    os.utime(draft, (1.0, 1.0))
    spend_night(learned_from(tmp_path, rows=10))
    assert not draft.exists()


def test_two_nights_at_once_are_refused(tmp_path: Path) -> None:
    workshop = learned_from(tmp_path, rows=10)
    with (
        sole_night(workshop.paths.workshop, "process 7, since noon"),
        pytest.raises(ConfigError, match="Another night is at work: process 7, since noon"),
    ):
        spend_night(workshop)


def test_a_full_disk_ends_the_night_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = learned_from(tmp_path)
    real = artefact.create_file

    def full(path: Path, data: bytes) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(artefact, "create_file", full)
    with pytest.raises(StoreError, match="No space left"):
        spend_night(workshop)
    assert not Placements(tmp_path).all()
    monkeypatch.setattr(artefact, "create_file", real)
    spend_night(workshop)
    assert Placements(tmp_path).serving()


@pytest.mark.parametrize("why", ["anchors.bin", "This is a fault of Shortstop: ZeroDivisionError"])
def test_a_task_that_cannot_be_learned_keeps_no_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    settings = config(tmp_path)
    rows = dated([*mails(600), *(replace(e, id=f"b-{e.id}", task="bad") for e in mails(700))])
    record(settings, [trace_of(e) for e in rows])
    workshop = workshop_of(settings)
    if why == "anchors.bin":
        keep_anchors(workshop, [trace_of(rows[-1])])
        (anchors,) = (tmp_path / "workshop").glob("tasks/*/anchors.bin")
        anchors.write_bytes(b"torn")
    else:
        real = TaskNight.learn

        def learn(self: TaskNight, stage: Callable[[str], None]) -> TaskReport:
            if self.traffic.key.task == "bad":
                raise ZeroDivisionError(rows[-1].query.text)
            return real(self, stage)

        monkeypatch.setattr(TaskNight, "learn", learn)
    first, second = spend_night(workshop).tasks
    assert (first.task, second.task) == ("bad", "mail")
    assert why in first.why
    assert rows[-1].query.text not in first.why
    assert [one.task for one in Placements(tmp_path).serving()] == ["mail"]


def test_a_specialist_that_was_tampered_with_is_taken_back(
    next_day: Workshop, tmp_path: Path
) -> None:
    (placed,) = Placements(tmp_path).serving()
    about = tmp_path / "specialists" / placed.name / "about.json"
    about.write_bytes(about.read_bytes() + b" ")
    spend_night(next_day)
    (gone,) = [one for one in Placements(tmp_path).all() if one.name == placed.name]
    assert gone.state == "retired"
    assert "is not what was promoted" in gone.why


def test_without_a_teacher_it_says_which_line_allows_one(tmp_path: Path) -> None:
    settings = config(tmp_path, toml=TOML.replace("teacher = true", ""))
    record(settings, [trace_of(e) for e in dated(mails(20))])
    with pytest.raises(ConfigError, match="Nothing can be learned") as refused:
        spend_night(workshop_of(settings))
    assert "`teacher = true` under [upstreams.vendor]" in refused.value.hint


def test_a_task_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No traffic was recorded of the task 'post'"):
        spend_night(learned_from(tmp_path, rows=10), ["post"])


def test_a_log_with_one_row_is_no_reason_to_fail(tmp_path: Path) -> None:
    (task,) = spend_night(learned_from(tmp_path, rows=1)).tasks
    assert "100 are needed" in task.why


def test_when_the_time_is_up_the_rest_waits(tmp_path: Path) -> None:
    settings = config(tmp_path, "minutes = 0.000001\n")
    record(settings, [trace_of(e) for e in dated(mails(20))])
    report = spend_night(workshop_of(settings))
    assert (report.tasks, report.unfinished) == ((), ("mail",))
    assert "minutes" in report.why


def placed_states(home: Path) -> list[str]:
    return [one.state for one in Placements(home).all()]


def test_who_fails_an_anchor_is_refused(tmp_path: Path) -> None:
    workshop = learned_from(tmp_path)
    anchor = replace(mails(1)[0], id="must", query=Query("my card is lost"), answer="loan")
    keep_anchors(workshop, [trace_of(replace(anchor, at=NOW))])
    (task,) = spend_night(workshop).tasks
    (made,) = [kind for kind in task.kinds if kind.name]
    assert (made.state, made.why) == ("retired", "It fails the anchor 'must'.")
    spend_night(workshop)
    assert placed_states(tmp_path) == ["retired"]  # it does not come again


def test_what_was_erased_is_out_of_the_next_and_the_last_goes(tmp_path: Path) -> None:
    settings = config(tmp_path)
    rows = [replace(e, conversation=f"c{n}") for n, e in enumerate(dated(mails(1500)))]
    record(settings, [trace_of(e) for e in rows])
    workshop = workshop_of(settings)
    spend_night(workshop)
    (before,) = Placements(tmp_path).serving()
    erase(settings, "acme", "c3")
    spend_night(workshop)
    gone = Placements(tmp_path).all()[0]
    assert (gone.name, gone.state) == (before.name, "retired")
    assert "erased" in gone.why
    (after,) = Placements(tmp_path).serving()
    card = json.loads((tmp_path / "specialists" / after.name / "card.json").read_bytes())
    assert card["left_out"]["no-content"] == 1


def test_what_ends_for_an_erasure_leaves_no_files(tmp_path: Path) -> None:
    """Though its task was merged when it learned, and is not any more."""
    settings = config(tmp_path)
    rows = [replace(e, conversation=f"c{n}", task=f"t-{n % 2}")
            for n, e in enumerate(dated(mails(1500)))]  # fmt: skip
    record(settings, [trace_of(e) for e in rows])
    keys = [TaskKey("acme", "t-0"), TaskKey("acme", "t-1")]
    DecisionFile(tmp_path / "workshop").write(merge(Decisions(), keys))
    workshop = workshop_of(settings)
    spend_night(workshop)
    before = {one.name for one in Placements(tmp_path).serving()}
    assert len(before) == 2
    DecisionFile(tmp_path / "workshop").write(Decisions())
    erase(settings, "acme", "c3")
    report = spend_night(workshop)
    gone = {kind.name for task in report.tasks for kind in task.kinds if kind.state == "retired"}
    assert gone == before
    assert not [name for name in before if (tmp_path / "specialists" / name).exists()]


def test_merged_tasks_learn_from_each_other(tmp_path: Path) -> None:
    settings = config(tmp_path)
    rows = dated(mails(1500))
    record(settings, [trace_of(replace(e, task=f"t-{n % 2}")) for n, e in enumerate(rows)])
    keys = [TaskKey("acme", "t-0"), TaskKey("acme", "t-1")]
    DecisionFile(tmp_path / "workshop").write(merge(Decisions(), keys))
    tasks = spend_night(workshop_of(settings)).tasks
    assert [task.trained > 1000 for task in tasks] == [True, True]
    assert {one.task for one in Placements(tmp_path).serving()} == {"t-0", "t-1"}


def test_a_teacher_that_answers_at_random_teaches_nobody(tmp_path: Path) -> None:
    settings = config(tmp_path)
    record(settings, [trace_of(e) for e in dated(mails(900, noise=1.0))])
    (task,) = spend_night(workshop_of(settings)).tasks
    assert not [kind for kind in task.kinds if kind.name]
    assert not Placements(tmp_path).all()


def test_a_teacher_that_turns_over_night_ends_the_trial(
    next_day: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [replace(e, answer="fees") for e in dated(mails(300, seed=9), NOW + 86_000)]
    record(next_day.config, [trace_of(replace(e, id=f"later-{e.id}")) for e in later])
    monkeypatch.setattr(night.time, "time", lambda: NOW + 86_400)
    spend_night(next_day)
    first = Placements(tmp_path).all()[0]
    assert first.state == "retired"
    assert "It loses" in first.why


def test_pinned_and_named_tasks_come_first(tmp_path: Path) -> None:
    settings = config(tmp_path)
    record(settings, [trace_of(replace(e, task=f"t-{n}")) for n, e in enumerate(dated(mails(3)))])
    decided = pinned(renamed(Decisions(), TaskKey("acme", "t-2"), "post"), TaskKey("acme", "t-2"),
                     pin=True)  # fmt: skip
    DecisionFile(tmp_path / "workshop").write(decided)
    plan = planned(workshop_of(settings), (), NOW + 1)
    assert [key.task for key in plan.keys] == ["t-2", "t-0", "t-1"]
    assert [key.task for key in planned(workshop_of(settings), ["post"], NOW + 1).keys] == ["t-2"]
