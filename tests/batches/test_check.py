"""A whole input file: what is wrong with it, with the numbers of its lines."""

from __future__ import annotations

from shortstop.batches.batch import Fault
from shortstop.batches.check import MOST_FAULTS, InputCheck
from tests.batches.world import ENDPOINT, line


def checked(*lines: bytes) -> InputCheck:
    check = InputCheck(ENDPOINT, lambda model: model == "auto")
    for number, data in enumerate(lines, 1):
        if not check.full:
            check.add(number, data)
    check.done()
    return check


def test_a_sound_file_has_so_many_requests() -> None:
    check = checked(line("a"), b"  ", line("b"), b"")
    assert (check.total, check.faults) == (2, [])


def test_every_mistake_is_told_with_its_line() -> None:
    check = checked(line("a"), b"{oops", line("a"), b"", line("c", model="gone"))
    assert [(f.line, f.code, f.param) for f in check.faults] == [
        (2, "invalid_json_line", None),
        (3, "duplicate_custom_id", "custom_id"),
        (5, "model_not_found", "body.model"),
    ]


def test_an_empty_file_is_a_mistake() -> None:
    assert checked(b" ", b"").faults == [
        Fault("empty_file", "The input file holds no request.")
    ]  # fmt: skip


def test_of_many_mistakes_the_first_are_told() -> None:
    check = checked(*[b"?"] * 1000)
    assert len(check.faults) == MOST_FAULTS


def test_names_are_told_apart_whatever_they_hold() -> None:
    assert checked(line("\ud83d\ude00"), line("\ud83d\ude01")).faults == []


def test_each_model_is_looked_up_once() -> None:
    asked: list[str] = []

    def knows(model: str) -> bool:
        asked.append(model)
        return True

    check = InputCheck(ENDPOINT, knows)
    for number in range(50):
        check.add(number, line(f"r{number}", model=f"m{number % 2}"))
    assert sorted(asked) == ["m0", "m1"]
