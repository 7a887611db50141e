"""Tasks that nobody declared: found, stable, bounded."""

from __future__ import annotations

import numpy as np

from shortstop.routing import packaged
from shortstop.routing.clusters import MAX_CLUSTERS, MIN_CLUSTER_SIZE, TaskClusters

WIDTH = 16


def unit(*at: float) -> np.ndarray:
    vector = np.zeros(WIDTH, np.float32)
    vector[: len(at)] = at
    return vector / np.linalg.norm(vector)


def test_a_kind_is_a_task_once_it_was_met_often() -> None:
    kinds = TaskClusters(WIDTH)
    names = [kinds.add(unit(1.0, 0.1 * (i % 3))) for i in range(MIN_CLUSTER_SIZE + 5)]
    assert names[: MIN_CLUSTER_SIZE - 1] == [None] * (MIN_CLUSTER_SIZE - 1)
    assert names[-1] is not None
    assert names[-1].startswith("k-")
    assert kinds.add(unit(0.0, 1.0)) is None


def test_the_same_order_gives_the_same_names_and_they_survive_saving() -> None:
    draws = np.random.default_rng(3)
    places = [p / np.linalg.norm(p) for p in draws.normal(size=(500, WIDTH)).astype(np.float32)]
    places += [unit(1.0)] * 50
    one, two = TaskClusters(WIDTH), TaskClusters(WIDTH)
    first = [one.add(p) for p in places]
    assert first == [two.add(p) for p in places]
    again = TaskClusters.unpacked(one.packed(), one.names)
    assert again.add(unit(1.0)) == one.add(unit(1.0)) == first[-1]


def test_memory_is_bounded_and_grown_kinds_are_never_pushed_out() -> None:
    kinds = TaskClusters(WIDTH)
    for _ in range(MIN_CLUSTER_SIZE + 2):
        grown = kinds.add(unit(1.0))
    draws = np.random.default_rng(5)
    for place in draws.normal(size=(3000, WIDTH)).astype(np.float32):
        kinds.add(place / np.linalg.norm(place))
    assert len(kinds.names) <= MAX_CLUSTERS
    assert kinds.add(unit(1.0)) == grown


def test_a_kind_is_found_without_a_note_of_it() -> None:
    kinds = TaskClusters(4)
    place = np.array([1, 0, 0, 0], np.float32)
    for _ in range(MIN_CLUSTER_SIZE + 1):
        assert kinds.find(place) is None
        name = kinds.add(place)
    assert kinds.find(place) == name
    before = kinds.packed()["met"].tolist()
    kinds.find(place)
    assert kinds.find(place[::-1].copy()) is None
    assert kinds.packed()["met"].tolist() == before


def test_a_text_without_a_known_word_is_of_no_kind() -> None:
    kinds = TaskClusters(WIDTH)
    assert kinds.add(np.zeros(WIDTH, np.float32)) is None
    assert not kinds.names


def test_paraphrases_meet_and_other_matters_do_not() -> None:
    embedder = packaged().embedder
    kinds = TaskClusters(embedder.width)
    for i in range(MIN_CLUSTER_SIZE + 1):
        kinds.add(embedder.embed(f"where is my parcel, order number {i}"))
    assert kinds.add(embedder.embed("where is my parcel please")) is not None
    assert kinds.add(embedder.embed("write a poem about the autumn sea")) is None
