"""What operators decide about tasks lasts, and contradicts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.errors import ConfigError
from shortstop.flywheel.gather import TaskKey
from shortstop.flywheel.mine.decisions import (
    DecisionFile,
    Decisions,
    found,
    merge,
    named,
    pinned,
    renamed,
    split,
)

A, B, C = TaskKey("acme", "t-1"), TaskKey("acme", "t-2"), TaskKey("acme", "t-3")
ALIEN = TaskKey("umbrella", "t-1")


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = DecisionFile(tmp_path / "workshop")
    assert file.read() == Decisions()
    decided = pinned(merge(renamed(Decisions(), A, "mail"), [A, B]), C, pin=True)
    file.write(decided)
    assert file.read() == decided


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_bytes(b"{")
    with pytest.raises(ConfigError, match=r"tasks.json cannot be read"):
        DecisionFile(tmp_path).read()


def test_a_name_that_was_given_stays_and_is_given_once() -> None:
    once = named(Decisions(), {A: "sort-mail", B: "sort-mail"})
    assert [once.name(key) for key in (A, B)] == ["sort-mail", "sort-mail-t-2"]
    assert named(once, {A: "other"}) == once
    with pytest.raises(ConfigError, match="called 'sort-mail' already"):
        renamed(once, B, "sort-mail")


def test_merged_tasks_share_a_group_and_come_apart_again() -> None:
    decided = merge(merge(Decisions(), [B, C]), [A, B])
    assert {decided.group(key) for key in (A, B, C)} == {"acme/t-1"}
    apart = split(decided, C)
    assert apart.group(C) == "acme/t-3"
    assert split(apart, C).split == ("acme/t-3",)


@pytest.mark.parametrize("keys", [[A], [A, ALIEN]])
def test_what_cannot_be_merged_is_refused(keys: list[TaskKey]) -> None:
    with pytest.raises(ConfigError, match="of one tenant"):
        merge(Decisions(), keys)


def test_pins_go_again() -> None:
    assert pinned(pinned(Decisions(), A, pin=True), A, pin=False).pinned == ()


def test_a_task_is_found_by_any_of_its_names() -> None:
    decided = renamed(Decisions(), A, "mail")
    for said in ("mail", "acme/t-1"):
        assert found([A, B, ALIEN], decided, said) == A
    with pytest.raises(ConfigError, match="Several tasks"):
        found([A, ALIEN], decided, "t-1")
    with pytest.raises(ConfigError, match="No traffic"):
        found([A], decided, "post")
