"""The same training on a Ray cluster of two workers on this machine."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from shortstop.errors import ConfigError
from shortstop.flywheel.curate.dataset import Dataset, curate
from shortstop.flywheel.curate.frozen import Frozen
from shortstop.flywheel.examples import Example
from shortstop.flywheel.learn import KeptNowhere, taught
from shortstop.flywheel.night.cluster import Cluster
from shortstop.flywheel.trainer import NotLearned, Recipe
from shortstop.flywheel.trainers import TRAINERS
from shortstop.routing import grade
from tests.flywheel.traffic import invoices

RECIPE = Recipe(0.9, None, now=7.0)


def exactly(answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)


def test_without_ray_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"needs the extra \[ray\]"):
        Cluster("ray://127.0.0.1:1")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_makes_the_same_specialists_as_here() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [learn]")
    ray = pytest.importorskip("ray", reason="needs the extra [ray]")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        teach = Cluster("local").teach(lambda: None, None)
        data = curate(invoices(260), Frozen())
        there = teach(data, exactly, RECIPE, TRAINERS, KeptNowhere())
        here = taught(data, exactly, RECIPE)
        for one, same in zip(there.learned, here.learned, strict=True):
            assert one.manifest.kind == same.manifest.kind
            assert one.manifest.lineage == same.manifest.lineage
            assert one.held_out == same.held_out != {}
            assert one.manifest.gate.thresholds == pytest.approx(same.manifest.gate.thresholds)
        assert there.refused == here.refused
        assert there.learned
        with pytest.raises(NotLearned, match="are needed"):
            teach(Dataset([], [], [], Counter()), exactly, RECIPE, TRAINERS, KeptNowhere())
    finally:
        ray.shutdown()
