from __future__ import annotations

import os

import pytest

from shortstop import registry
from shortstop.registry import ModelRecord


@pytest.fixture(scope="session")
def model() -> ModelRecord:
    """The installed default model; `make test` fetches it."""
    found = registry.open(registry.home(None, os.environ)).find("builtin")
    if found is None:
        pytest.skip("the default model is not installed: run `make model`")
    return found
