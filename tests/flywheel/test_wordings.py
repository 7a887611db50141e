"""Wordings are grouped and held out whole, and the guard's threshold is proven on what failed."""

from __future__ import annotations

import numpy as np

from shortstop.flywheel.wordings import group_folds, groups, least_similarity, recur

ALIKE = ["my name is _name_", "hello my name is _name_", "pay _sum_ to _name_ by noon"]


def test_what_is_worded_alike_is_one_group() -> None:
    found = groups([*ALIKE, "pay _sum_ to _name_ by noon today", ""])
    assert found.tolist() == [0, 0, 2, 2, 4]
    assert recur(found)
    assert not recur(np.arange(9))


def test_groups_are_held_out_whole_and_evenly() -> None:
    group = np.repeat(np.arange(40), 5)
    folds = group_folds(group, 4, seed=3)
    assert all(len(set(folds[group == one].tolist())) == 1 for one in range(40))
    assert np.bincount(folds).tolist() == [50] * 4


def test_the_guard_begins_where_unseen_wordings_are_right_often_enough() -> None:
    similarity = np.linspace(0, 1, 400)
    right = similarity > 0.6
    found = least_similarity(similarity.tolist(), right.tolist(), 0.95)
    assert 0.55 < found <= 0.62


def test_without_proof_it_begins_above_the_best_known_failure() -> None:
    assert 0.7 < least_similarity([0.9, 0.7, 0.5], [True, False, True], 0.95) < 0.71
    assert least_similarity([0.9, 0.7], [True, True], 0.95) == 0.7
    assert least_similarity([], [], 0.95) == 0.0
