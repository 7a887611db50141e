"""A registry in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop import registry
from shortstop.registry import Registry


@pytest.fixture
def models(tmp_path: Path) -> Registry:
    return registry.open(tmp_path / "home")
