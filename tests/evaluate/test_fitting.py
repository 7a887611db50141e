"""Honest folds: no estimate of a row was made by a model that had seen it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shortstop.config import RoutingConfig
from shortstop.evaluate.fitting import (
    LANDMARKS,
    fit,
    learned_from,
    levels,
    looks_at,
    out_of_fold,
    task_shift,
    with_answer,
)
from shortstop.evaluate.pair_table import PairTable
from shortstop.evaluate.ranking import apgr, recovered
from shortstop.routing import packaged
from shortstop.routing.estimates import KERNEL_KNOWN
from shortstop.routing.features import prompt_features
from tests.evaluate.own import own_table


@pytest.fixture(scope="module")
def table() -> PairTable:
    return own_table()


def test_what_is_measured_is_what_the_router_uses() -> None:
    assert RoutingConfig().landmarks == LANDMARKS


def test_estimates_rank_hard_questions_above_easy_ones(table: PairTable) -> None:
    rows = table.where("own")
    gaps, smalls = out_of_fold(table, rows, table.fold[rows])
    assert apgr(recovered(gaps, table.small, table.big)) > 0.7
    assert np.corrcoef(smalls, table.small)[0, 1] > 0.5


def test_a_row_s_own_outcome_does_not_reach_its_estimate(table: PairTable) -> None:
    rows = table.where("own")
    folds = table.fold[rows]
    turned = table.small.copy()
    member = folds == 2
    turned[member] = 1 - turned[member]
    gaps, smalls = out_of_fold(table, rows, folds)
    again = out_of_fold(replace(table, small=turned), rows, folds)
    assert np.array_equal(gaps[member], again[0][member])
    assert np.array_equal(smalls[member], again[1][member])
    assert not np.array_equal(gaps[~member], again[0][~member])


def test_neither_does_it_reach_the_look(table: PairTable) -> None:
    rows = table.where("own")
    folds = table.fold[rows]
    gaps, _ = out_of_fold(table, rows, folds)
    member = folds == 1
    turned = np.where(member, 1 - table.small, table.small)
    other = replace(table, small=turned)
    after = with_answer(looks_at(table, rows, gaps, agreement=True), folds)
    again = with_answer(looks_at(other, rows, gaps, agreement=True), folds)
    assert np.array_equal(after[member], again[member])
    assert not np.array_equal(after[~member], again[~member])
    assert np.array_equal(levels(table, rows, folds)[member], levels(other, rows, folds)[member])


def test_a_look_at_telling_answers_ranks_better(table: PairTable) -> None:
    """Here the words of the answer give the hard questions away."""
    rows = table.where("own")
    folds = table.fold[rows]
    blind = np.zeros(len(rows))
    after = with_answer(looks_at(table, rows, blind, agreement=False), folds)
    assert apgr(recovered(after, table.small, table.big)) > 0.7


def test_fitting_is_reproducible(table: PairTable) -> None:
    rows = table.where("own")
    features = table.features[3]
    assert fit(table, rows).expect(features) == fit(table, rows).expect(features)
    assert fit(table, rows, seed=1).expect(features) != fit(table, rows).expect(features)


def test_a_prompt_of_another_kind_is_novel_as_it_is_to_the_router(table: PairTable) -> None:
    fitted = fit(table, table.where("own"))
    poem = prompt_features("Ein Gedicht über das herbstliche Meer", packaged().embedder)
    assert fitted.novel(poem)
    assert not fitted.novel(table.features[0])
    nearest = float(fitted.index.kernel(poem.dense)[:-1].max())
    assert nearest < KERNEL_KNOWN


def test_a_task_s_mean_comes_from_the_other_folds_and_is_shrunk() -> None:
    labels = np.array(["a"] * 40 + ["b"] * 2)
    folds = np.array([0, 1] * 21)
    missed = np.where(labels == "a", 1.0, -1.0)
    shift = task_shift(labels, folds, missed)
    assert shift[0] == pytest.approx(20 / 40)
    assert shift[-1] == pytest.approx(-1 / 21), "one row says little"
    missed[0] = 100.0
    assert task_shift(labels, folds, missed)[0] == shift[0]


def test_more_requests_teach_more(table: PairTable) -> None:
    rows = table.where("own")
    few, many = (
        apgr(recovered(learned_from(table, rows, n, both=True), table.small, table.big))
        for n in (10, 200)
    )
    assert many > few
    one_sided = learned_from(table, rows, 200, both=False)
    assert apgr(recovered(one_sided, table.small, table.big)) > 0.6
