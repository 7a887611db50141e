"""The floor keeps what is new out, and costs little of what is known."""

from __future__ import annotations

import numpy as np

from shortstop.flywheel.novelty import KNOWN_LOST, NEW_SERVED, similarity_floor


def test_where_they_lie_apart_nearly_nothing_new_passes() -> None:
    known, new = np.linspace(0.7, 1.0, 200).tolist(), np.linspace(0.3, 0.7, 100).tolist()
    floor = similarity_floor(known, new, 100)
    assert sum(one >= floor for one in new) <= NEW_SERVED * 100
    assert sum(one < floor for one in known) <= KNOWN_LOST * 200


def test_where_they_cannot_be_told_apart_little_is_lost() -> None:
    both = np.linspace(0.5, 1.0, 200).tolist()
    floor = similarity_floor(both, both, 200)
    assert 0 < sum(one < floor for one in both) <= KNOWN_LOST * 200 + 1


def test_where_little_new_is_answered_there_is_no_floor() -> None:
    assert similarity_floor([0.9] * 50, [0.8] * 5, 100) == 0.0
    assert similarity_floor([], [0.8] * 50, 50) == 0.0


def test_where_nothing_new_could_be_asked_the_least_known_are_left_alone() -> None:
    known = np.linspace(0.5, 1.0, 200).tolist()
    floor = similarity_floor(known, [], 0)
    assert 0 < sum(one < floor for one in known) <= KNOWN_LOST * 200
    assert similarity_floor([], [], 0) == 0.0
