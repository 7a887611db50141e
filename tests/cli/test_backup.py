"""`shortstop backup` says what is not in the copy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shortstop

FILE = "lake/day=2026-11-27/part-a-000001.parquet"


@pytest.fixture
def lake(home: Path) -> Path:
    """A file of content outside the data folder."""
    (home / FILE).parent.mkdir(parents=True)
    (home / FILE).write_bytes(b"PAR1")
    (home / "home").mkdir()
    (home / "shortstop.toml").write_text(f'[traces.lake]\nfolder = "{home / "lake"}"\n')
    return home / "lake"


def test_the_lake_s_folder_is_left_and_named(shortstop: Shortstop, home: Path, lake: Path) -> None:
    done = shortstop("backup", str(home / "copy"))
    assert done.code == 0, done.err
    said = " ".join(done.out.split())
    assert f"lies in {lake} ([traces.lake]) and is not in it" in said
    assert "--lake" in said
    tree = json.loads(shortstop("backup", str(home / "copy2"), "--json").out)
    assert tree["lake_left"] == str(lake)


def test_with_lake_it_is_in_the_copy(shortstop: Shortstop, home: Path, lake: Path) -> None:
    done = shortstop("backup", "--lake", str(home / "copy"))
    assert done.code == 0, done.err
    assert f"they belong in {lake}" in " ".join(done.out.split())
    assert [p.name for p in (home / "copy" / "lake").rglob("*.parquet")] == [
        "part-a-000001.parquet"
    ]
    tree = json.loads(shortstop("backup", str(home / "copy2"), "--lake", "--json").out)
    assert (tree["lake_left"], *tree["files"]) == (
        None,
        "lake/day=2026-11-27/part-a-000001.parquet",
    )


def test_without_a_lake_nothing_is_said_of_one(shortstop: Shortstop, home: Path) -> None:
    (home / "home").mkdir()
    assert "traces.lake" not in shortstop("backup", str(home / "copy")).out
