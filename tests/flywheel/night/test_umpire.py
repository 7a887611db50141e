"""The night's judge rules on held-out answers: within its part of the money, and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from shortstop.flywheel.appeal import Claim
from shortstop.flywheel.night import umpire
from shortstop.flywheel.night.hearing import HELD_OUT, Dispute
from shortstop.flywheel.night.umpire import FILE, NightUmpire
from shortstop.flywheel.verdicts import BothGrades
from tests.flywheel.traffic import example

ERROR = 0.1


class Bench:
    """Finds every answer better than the teacher's but "bad" and "even"; None about "unread"; its
    money ends after so many."""

    GRADES: ClassVar = {"bad": BothGrades(0.9, 0.2), "even": BothGrades(0.9, 0.9), "unread": None}

    def __init__(self, most: int = 1000) -> None:
        self.asked: list[Dispute] = []
        self._most = most

    def hear(self, disputes: Sequence[Dispute]) -> Sequence[BothGrades | None]:
        heard = disputes[: self._most - len(self.asked)]
        self.asked += heard
        return [self.GRADES.get(one.answer, BothGrades(0.2, 0.9)) for one in heard]


def claim(answer: str, number: int = 0) -> Claim:
    return Claim(example(number, "a text", '{"a": 1, "b": 2}'), answer)


@pytest.mark.parametrize(
    ("answer", "worth"), [("good", 0.9), ("bad", 0.0), ("even", 0.0), ("unread", 0.0)]
)
def test_a_win_is_worth_what_a_judge_that_errs_can_say(
    tmp_path: Path, answer: str, worth: float
) -> None:
    one = NightUmpire(Bench(), tmp_path, ERROR)
    assert one.worth(claim(answer)) is None
    assert one.rule([claim(answer)])
    assert one.worth(claim(answer)) == pytest.approx(worth)


def test_the_next_night_asks_nothing_again(tmp_path: Path) -> None:
    NightUmpire(Bench(), tmp_path, ERROR).rule([claim('{"a": 1, "b": 3}'), claim("bad", 1)])
    bench = Bench()
    later = NightUmpire(bench, tmp_path, ERROR)
    assert later.worth(claim('{"b":3,"a":1}')) == pytest.approx(0.9)
    assert later.worth(claim("bad", 1)) == 0.0
    assert later.worth(claim("bad", 2)) is None
    assert b"bad" not in (tmp_path / FILE).read_bytes()


def test_when_the_money_ends_it_says_so(tmp_path: Path) -> None:
    bench = Bench(most=1)
    one = NightUmpire(bench, tmp_path, ERROR)
    assert not one.rule([claim("good", 1), claim("good", 2)])
    assert one.worth(claim("good", 1)) is not None
    assert one.worth(claim("good", 2)) is None
    assert {dispute.specialist for dispute in bench.asked} == {HELD_OUT}


def test_it_leaves_money_for_the_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(umpire, "MOST_CLAIMS", 3)
    bench = Bench()
    one = NightUmpire(bench, tmp_path, ERROR)
    assert one.rule([claim("good", n) for n in range(3)])
    assert not one.rule([claim("good", 3)])
    assert len(bench.asked) == 3


def test_a_file_that_cannot_be_read_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"{")
    assert NightUmpire(Bench(), tmp_path, ERROR).worth(claim("good")) is None
