"""Request ids: unique, and in the order of time."""

from __future__ import annotations

import time

from shortstop.server.ids import Ids


def test_ids_are_unique_and_look_alike() -> None:
    make = Ids()
    made = [make() for _ in range(5_000)]  # over many pools
    assert len(set(made)) == len(made)
    assert all(len(id) == 36 and id.startswith("req_") and int(id[4:], 16) for id in made)


def test_they_grow_with_time() -> None:
    make = Ids()
    before = f"req_{time.time_ns() // 1_000_000:012x}"
    assert before <= make()[: len(before)] <= f"req_{time.time_ns() // 1_000_000:012x}"


def test_two_makers_share_nothing() -> None:
    one, other = Ids(), Ids()
    assert not {one()[16:] for _ in range(100)} & {other()[16:] for _ in range(100)}
