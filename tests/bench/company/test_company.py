"""A day of the tiny company through a real gateway, real inference and a real frontier."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from bench.company.company import Choices, Company
from bench.company.sources import Source
from rich.console import Console

from shortstop import registry

MODEL = registry.home(None, os.environ) / "models"


@pytest.mark.slow
@pytest.mark.skipif(not MODEL.is_dir(), reason="the default model is not installed: make model")
async def test_a_day(tmp_path: Path, sources: list[Source]) -> None:
    labels = [source for source in sources if source.kind == "label"]
    choices = Choices(mix="support", days=1, scale=0.03, speed=1000, rest=1.0, pause=1.0, looks=1)
    company = Company(labels, choices, tmp_path / "work", Console(file=io.StringIO()))
    run = await company.run()
    (day,) = run["days"]
    assert day["requests"] == 60
    assert day["tasks"]["some_labels"]["requests"] == 60
    assert [(look["status"], look["placed"]) for look in day["looks"]] == [(0, [])]
    assert run["frontier"]["unknown"] == 0
    assert day["mixes"]["support"]["all_llm_usd"] > 0
    assert day["report"]["total"]["requests"] >= 20
