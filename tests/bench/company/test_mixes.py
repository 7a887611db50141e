"""Shares, volumes and weights of mixes."""

from __future__ import annotations

import pytest
from bench.company.bill import spend_shares
from bench.company.mixes import MIXES, shares, volumes, weights


@pytest.mark.parametrize("mix", sorted(MIXES))
def test_shares_sum_to_one_over_what_there_is(mix: str) -> None:
    assert sum(shares(mix, {"label", "tools", "hard"}).values()) == pytest.approx(1)


def test_a_single_mix_has_its_shares_as_volumes() -> None:
    made = volumes("equal", {"label", "hard"}, 0.5)
    assert made == {"label": 500, "hard": 500}


def test_weights_give_a_day_the_shares_of_its_mix() -> None:
    counts = {"label": 900, "hard": 100, "bank": 10}
    weight = weights("equal", counts)
    assert weight["label"] * 900 == pytest.approx(weight["hard"] * 100)
    assert weight["bank"] == 0
    assert weight["label"] * 900 + weight["hard"] * 100 == pytest.approx(1000)


def test_an_unknown_mix_is_an_error() -> None:
    with pytest.raises(KeyError):
        shares("none", {"label"})


def test_the_bill_says_what_could_be_saved_at_best() -> None:
    shares = spend_shares("support", {"label": 0.001, "hard": 0.02})
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["hard"] == pytest.approx(0.1 * 0.02 / (0.1 * 0.02 + 0.45 * 0.001))
