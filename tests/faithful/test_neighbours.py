"""Every client dialect sees what is right of the odd answers' neighbours."""

from __future__ import annotations

from pathlib import Path

from tests.faithful.neighbours import ALL, judge
from tests.faithful.played import stage


async def test_every_client_sees_what_is_right(tmp_path: Path) -> None:
    async with stage(tmp_path) as played:
        wrong = {one.name: found for one in ALL if (found := await judge(played, one))}
    assert wrong == {}


def test_there_are_many() -> None:
    assert len({one.name for one in ALL}) == len(ALL) > 400
