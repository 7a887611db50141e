"""The company's configuration is one that the gateway accepts; the nights' changes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.company.apps import App
from bench.company.night import changes
from bench.company.setting import FRONTIER, prepared

from shortstop.config import load
from shortstop.registry.placements import Placement


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
def test_the_configuration_is_valid(tmp_path: Path, apps: list[App], dialect: str) -> None:
    setting = prepared(tmp_path / "work", apps, dialect)
    config = load(setting.config, {})
    assert FRONTIER in config.upstreams["vendor"].models
    assert config.upstreams["vendor"].dialect == dialect
    assert config.upstreams["vendor"].teacher
    routes = [rule.route for rule in config.privacy.policies["default"].rules]
    assert routes == [app.task for app in apps if app.kind == "extract"]


def test_only_changes_of_state_are_told() -> None:
    one = Placement("head-1", "company", "t", "shadow", 1.0, "new")
    two = Placement("head-2", "company", "u", "live", 1.0)
    promoted = Placement("head-1", "company", "t", "live", 2.0, "proven")
    assert changes([one, two], [promoted, two]) == [
        {"name": "head-1", "task": "t", "from": "shadow", "to": "live", "why": "proven"}
    ]
