from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batches.world import World, opened_world
from tests.conftest import FakeClock


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> Iterator[World]:
    with opened_world(tmp_path, clock) as opened:
        yield opened
