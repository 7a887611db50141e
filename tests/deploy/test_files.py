"""The files that deploy Shortstop fit what they deploy."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from scripts.build_dashboard import FILE, dashboard
from scripts.release_notes import newest

from shortstop import __version__
from shortstop.cli.demo import demo_root
from shortstop.config import parse
from shortstop.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]


def test_the_dashboard_is_the_one_that_is_built() -> None:
    assert FILE.read_text() == dashboard()
    panels = json.loads(dashboard())["panels"]
    assert len({(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}) == len(panels)


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    known = {family.name for family in Metrics().registry.collect()}
    asked = set(re.findall(r"shortstop_\w+", dashboard().split('"uid": "shortstop"')[1]))
    names = {re.sub(r"_(total|bucket)$", "", name) for name in asked}
    assert names <= known


@pytest.mark.parametrize("name", ["container.toml", "compose.toml"])
def test_the_configurations_let_nobody_in_without_a_key(name: str) -> None:
    config = parse((ROOT / "deploy" / name).read_text(), {})
    assert (config.server.host, config.server.auth) == ("0.0.0.0", "required")


def test_the_image_holds_what_it_copies() -> None:
    text = (ROOT / "Dockerfile").read_text()
    lines = re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE)
    copied = [word for line in lines for word in line.split()]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    for path in copied:
        assert (ROOT / path).exists(), path
        assert path in kept or any(k.startswith(f"{path}/") for k in kept), path
    assert "USER 10001:0" in text
    assert "HEALTHCHECK" in text


def test_release_notes_are_the_newest_section() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    notes = newest(changelog)
    assert notes.startswith("### ")
    assert "\n## " not in notes
    assert newest("# C\n\n## [Unreleased]\n\n## [0.1.0]\n\nthat") == "that\n"
    with pytest.raises(ValueError):
        newest("# Changelog")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert released[0] == __version__


def test_a_wheel_holds_the_demo() -> None:
    tree = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = tree["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all((ROOT / path).exists() for path in included)
    modules = re.findall(r"^from bench\.(\w+)", "".join(_sources()), re.MULTILINE)
    assert {f"bench/{name}" for name in modules} <= {p.removesuffix(".py") for p in included}
    assert demo_root() == ROOT


def _sources() -> list[str]:
    folder = ROOT / "bench"
    names = ("tracer.py", "__main__.py")
    files = [p for p in folder.glob("company/*.py") if p.name not in names]
    return [p.read_text() for p in (*files, folder / "demo.py")]


def test_the_recipes_for_engines_are_configurations() -> None:
    text = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    section = text.partition("## Engines behind one address")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```toml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    config = parse(blocks[0], {})
    assert {name: model.model for name, model in config.models.items()} == {
        "base": "base",
        "tickets": "lora-3f9a61c2d40b7e85",
    }
