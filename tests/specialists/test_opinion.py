"""What is served is what the gate lets pass, by stratum and by likeness."""

from __future__ import annotations

import pytest

from shortstop.specialists.opinion import NEVER, Gate, Opinion

GATE = Gate({"known": 0.6, "new": 0.9}, least_similarity=0.3)


@pytest.mark.parametrize(
    ("confidence", "similarity", "stratum", "served"),
    [
        (0.6, 1.0, "known", True),
        (0.59, 1.0, "known", False),
        (0.89, 1.0, "new", False),
        (0.9, 0.3, "new", True),
        (1.0, 0.29, "known", False),
        (1.0, 1.0, "all", False),
    ],
)
def test_an_opinion_passes_by_its_stratum_s_threshold_and_its_likeness(
    confidence: float, similarity: float, stratum: str, served: bool
) -> None:
    assert GATE.serves(Opinion("x", confidence, similarity, stratum)) is served


def test_never_is_never() -> None:
    assert not Gate({"all": NEVER}).serves(Opinion("x", 1.0))
