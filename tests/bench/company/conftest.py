"""The tiny company's applications."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.company.apps import App, applications
from bench.company.sources import Source, read

from tests.bench.company.parts import written


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    return read(written(tmp_path))[0]


@pytest.fixture
def apps(sources: list[Source]) -> list[App]:
    return applications(sources)
