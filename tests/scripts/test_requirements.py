"""The pinned requirements are one resolution, hashed, and name no registry."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(ROOT.glob("requirements*.txt"))
LINE = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)(?: ; [^\\]+?)? ?\\?$", re.MULTILINE)
"""A pin: name and version, and perhaps the environments that it is for."""


def pins(path: Path) -> dict[str, set[str]]:
    """Versions by package: more than one where they differ between environments."""
    found: dict[str, set[str]] = {}
    for name, version in LINE.findall(path.read_text(encoding="utf-8")):
        found.setdefault(name.lower(), set()).add(version)
    return found


def test_the_files_are_those_that_make_lock_writes() -> None:
    names = {path.name for path in FILES}
    assert names == {
        f"requirements{part}.txt"
        for part in (
            "",
            "-dev",
            "-docs",
            "-ner",
            "-learn",
            "-adapter",
            "-postgres",
            "-lake",
            "-release",
        )
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"-o {name}" in makefile for name in names)


@pytest.mark.parametrize(("one", "other"), list(combinations(FILES, 2)), ids=lambda path: path.name)
def test_a_package_has_one_version_in_all_files(one: Path, other: Path) -> None:
    """So that the extras can be installed beside each other, in any order."""
    first, second = pins(one), pins(other)
    shared = first.keys() & second.keys()
    assert len(shared) > 20
    assert {name: first[name] for name in shared} == {name: second[name] for name in shared}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_pin_is_hashed_and_no_line_names_a_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.M), "an option for a hash, and no other"
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(LINE.findall(text)), "every entry is pinned to one version"
    assert [e.split()[0] for e in entries if "--hash=sha256:" not in e] == []


@pytest.mark.parametrize(
    ("file", "extras"),
    [
        ("requirements.txt", ("demo", "build")),
        ("requirements-dev.txt", ("demo", "build", "learn", "postgres", "dev")),
        ("requirements-ner.txt", ("demo", "build", "ner")),
        ("requirements-postgres.txt", ("demo", "build", "postgres")),
        ("requirements-lake.txt", ("demo", "build", "postgres", "lake")),
        ("requirements-learn.txt", ("demo", "build", "learn")),
        ("requirements-adapter.txt", ("demo", "build", "learn", "adapter")),
        ("requirements-docs.txt", ("docs",)),
    ],
)
def test_what_the_project_asks_for_is_pinned(file: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + [
        requirement for extra in extras for requirement in project["optional-dependencies"][extra]
    ]
    names = {re.split(r"[<>=;\[ ]", requirement)[0].lower() for requirement in wanted}
    assert names <= pins(ROOT / file).keys()
