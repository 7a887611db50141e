"""One pointer: a promotion replaces, a rollback restores, a damaged file places nobody."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from shortstop.registry.placements import FILE, FOLDER, KEPT, Placement, Placements
from shortstop.types.decision import TargetState

SPAWN = multiprocessing.get_context("spawn")


def placed(
    name: str, state: TargetState = "live", task: str = "mail", at: float = 1.0
) -> Placement:
    return Placement(name, "acme", task, state, at)


@pytest.fixture
def placements(tmp_path: Path) -> Placements:
    return Placements(tmp_path)


def states(placements: Placements) -> dict[str, TargetState]:
    return {one.name: one.state for one in placements.all()}


def test_nobody_is_placed_at_first(placements: Placements) -> None:
    assert placements.all() == []
    assert placements.serving() == []


def test_one_that_goes_live_replaces_the_one_before(placements: Placements) -> None:
    placements.place(placed("one"))
    placements.place(placed("two", "shadow"))
    assert states(placements) == {"one": "live", "two": "shadow"}
    placements.place(placed("two", "live", at=2.0))
    assert states(placements) == {"one": "retired", "two": "live"}
    assert [one.name for one in placements.serving()] == ["two"]


def test_kinds_of_one_task_are_apart_and_answer_beside_each_other(placements: Placements) -> None:
    placements.place(placed("copy-1"))
    placements.place(placed("label-head-1"))
    placements.place(placed("label-head-2"))
    assert states(placements) == {
        "copy-1": "live",
        "label-head-1": "retired",
        "label-head-2": "live",
    }


def test_a_canary_stands_beside_the_one_that_it_may_replace(placements: Placements) -> None:
    placements.place(placed("copy-1"))
    placements.place(placed("copy-2", "canary"))
    assert states(placements) == {"copy-1": "live", "copy-2": "canary"}
    placements.place(placed("copy-3", "canary"))
    assert states(placements)["copy-2"] == "retired"
    restored = placements.roll_back("copy-3", 5.0, "alarm")
    assert restored is not None
    assert (restored.name, restored.state) == ("copy-2", "canary"), "as what it was before"
    placements.place(placed("copy-2", "live"))
    assert states(placements)["copy-1"] == "retired"


def test_rolled_back_twice_is_rolled_back_once(placements: Placements) -> None:
    placements.place(placed("one"))
    placements.place(placed("two"))
    assert placements.roll_back("two", 3.0, "alarm") is not None
    assert placements.roll_back("two", 4.0, "again") is None
    assert placements.all()[1].why == "alarm"


def test_retired_nobody_comes_back(placements: Placements) -> None:
    placements.place(placed("one"))
    placements.place(placed("two"))
    placements.retire("two", 3.0, "unwanted")
    assert states(placements) == {"one": "retired", "two": "retired"}
    with pytest.raises(KeyError):
        placements.retire("none", 3.0, "unwanted")


def test_one_that_was_replaced_and_then_retired_does_not_come_back(placements: Placements) -> None:
    placements.place(placed("one"))
    placements.place(placed("two"))
    placements.retire("one", 3.0, "unwanted")
    assert placements.roll_back("two", 4.0, "alarm") is None
    assert states(placements) == {"one": "retired", "two": "retired"}


def test_who_was_moved_meanwhile_stays_where_he_was_put(placements: Placements) -> None:
    placements.place(placed("one", "canary"))
    placements.retire("one", 3.0, "unwanted")
    placements.place(placed("one", "live"), seen="canary")
    assert states(placements) == {"one": "retired"}
    placements.place(placed("one", "shadow"), seen="retired")
    placements.place(placed("two", "shadow"), seen="candidate")
    assert states(placements) == {"one": "shadow", "two": "shadow"}


def test_each_change_has_a_stamp_of_its_own(placements: Placements) -> None:
    stamps = [placements.stamp()]
    for number in range(3):
        placements.place(placed(f"s-{number}", at=float(number)))
        stamps.append(placements.stamp())
    assert stamps[0] == ()
    assert len(set(stamps)) == 4


def test_tasks_and_tenants_are_apart(placements: Placements) -> None:
    placements.place(placed("one"))
    placements.place(placed("two", task="other"))
    placements.place(Placement("three", "rival", "mail", "live", 1.0))
    assert set(states(placements).values()) == {"live"}


def test_rolled_back_the_one_before_it_answers_again(placements: Placements) -> None:
    placements.place(placed("one"))
    placements.place(placed("two"))
    restored = placements.roll_back("two", 3.0, "alarm")
    assert restored is not None
    assert (restored.name, restored.state) == ("one", "live")
    assert states(placements) == {"one": "live", "two": "retired"}
    assert placements.roll_back("one", 4.0, "alarm") is None
    assert placements.serving() == []


def test_nobody_of_that_name_can_be_rolled_back(placements: Placements) -> None:
    with pytest.raises(KeyError):
        placements.roll_back("none", 1.0, "alarm")


@pytest.mark.parametrize("data", [b"", b"[", b'{"a": 1}', b'[{"name": 1}]', b"\xff"])
def test_a_damaged_file_places_nobody(placements: Placements, tmp_path: Path, data: bytes) -> None:
    placements.place(placed("one"))
    (tmp_path / FOLDER / FILE).write_bytes(data)
    assert placements.all() == []


def test_only_its_owner_reads_it(placements: Placements) -> None:
    placements.place(placed("one"))
    for path in (placements.folder, *placements.folder.iterdir()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_what_has_ended_is_remembered_up_to_a_number(placements: Placements) -> None:
    for number in range(KEPT + 20):
        placements.place(placed(f"s{number}", at=float(number)))
    names = [one.name for one in placements.all()]
    assert len(names) == KEPT + 1
    assert names[-1] == f"s{KEPT + 19}"


def _place(home: Path, number: int) -> None:
    for i in range(20):
        Placements(home).place(placed(f"p{number}-{i}", "shadow", task=f"t{number}-{i}"))


@pytest.mark.slow
def test_no_placement_is_lost_however_many_place_at_once(tmp_path: Path) -> None:
    processes = [SPAWN.Process(target=_place, args=(tmp_path, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len(Placements(tmp_path).all()) == 60
