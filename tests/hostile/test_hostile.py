"""Every hostile request gets what is right, from a real gateway process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.collection import GROUPS


@pytest.mark.parametrize("group", GROUPS)
async def test_every_case_is_right(group: str, tmp_path: Path) -> None:
    cases, house = GROUPS[group]
    async with house(tmp_path) as running:
        assert await cases.wrong(running) == {}


def test_there_are_many() -> None:
    assert sum(len(cases.all) for cases, _ in GROUPS.values()) >= 150
