"""Memory goes back when the process has grown, and nobody tries for nothing for ever."""

from __future__ import annotations

from shortstop.app.memory import FIRST, LONGEST, SPARE, Trimmer, give_back_memory, resident


class Process:
    """A heap of which `free` bytes can go back; a second passes with each call."""

    def __init__(self) -> None:
        self.size, self.free, self.time = 100_000_000, 0, 0.0
        self.trims: list[float] = []
        self.trimmer = Trimmer(lambda: self.size, self._trim, lambda: self.time)

    def _trim(self) -> None:
        self.trims.append(self.time)
        self.size, self.free = self.size - self.free, 0

    def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.time += 1
            self.trimmer()


def test_a_process_that_has_not_grown_is_left_alone() -> None:
    process = Process()
    process.passes(100)
    process.size += SPARE // 2
    process.passes(100)
    assert process.trims == []


def test_what_is_free_goes_back_within_seconds() -> None:
    process = Process()
    process.passes(5)
    process.size += 3 * SPARE
    process.passes(2)
    process.free = 3 * SPARE
    process.passes(int(FIRST) + 2)
    assert process.size == 100_000_000
    assert len(process.trims) <= 2


def test_where_nothing_is_free_it_is_tried_ever_more_seldom() -> None:
    process = Process()
    process.size += 2 * SPARE
    process.passes(3600)
    assert len(process.trims) < 20
    assert process.trims[-1] - process.trims[-2] >= LONGEST
    process.size += 2 * SPARE
    process.free = 2 * SPARE
    process.passes(int(FIRST) + 2)
    assert process.free == 0


def test_this_process_has_a_size_and_survives_it() -> None:
    give_back_memory()
    assert resident() > 1_000_000
