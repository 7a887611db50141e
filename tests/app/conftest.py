"""A home for a gateway in this process, and engines for it that start no process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.parts import EngineFactory, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
async def factory(monkeypatch: pytest.MonkeyPatch) -> EngineFactory:
    """What makes embedded engines, alone and under a supervisor."""
    made = EngineFactory()
    monkeypatch.setattr("shortstop.app.engines.EmbeddedServer", made)
    monkeypatch.setattr("shortstop.app.supervisor.EmbeddedServer", made)
    return made
