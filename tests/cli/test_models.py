"""`shortstop models` and `shortstop pull`, without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortstop.registry import catalogue
from tests.cli.conftest import Shortstop
from tests.registry.samples import gguf, write


def test_the_catalogue_is_listed(shortstop: Shortstop) -> None:
    result = shortstop("models")
    assert result.code == 0
    assert all(name in result.out for name in catalogue())
    assert "shortstop pull smollm2-135m" in result.out


def test_names_are_whole_on_a_narrow_terminal(
    shortstop: Shortstop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = shortstop("models").out
    assert all(name in out for name in catalogue())
    assert all("LFM 1.0" in line for line in out.splitlines() if line.startswith("lfm"))
    assert max(map(len, out.splitlines())) <= 80


def test_models_as_json(shortstop: Shortstop, home: Path) -> None:
    shortstop("pull", str(write(home / "Tiny.gguf")))
    tree = json.loads(shortstop("models", "--json").out)
    assert set(tree) == {"installed", "catalogue"}
    assert [model["name"] for model in tree["installed"]] == ["tiny"]
    assert {"sha256", "bytes", "source", "context", "quantisation"} <= set(tree["installed"][0])
    assert set(tree["catalogue"]) == set(catalogue())


def test_a_file_is_installed_once(shortstop: Shortstop, home: Path) -> None:
    write(home / "tiny.gguf")
    first = json.loads(shortstop("pull", "tiny.gguf", "--json").out)
    assert (first["fetched"], first["model"]["name"]) == (True, "tiny")
    assert json.loads(shortstop("pull", "tiny.gguf", "--json").out)["fetched"] is False
    again = shortstop("pull", "tiny.gguf")
    assert again.code == 0
    assert "Already installed: tiny" in again.err
    assert "installed" in shortstop("models").out


def test_a_taken_name_can_be_answered_with_another(shortstop: Shortstop, home: Path) -> None:
    write(home / "tiny.gguf")
    shortstop("pull", "tiny.gguf")
    write(home / "tiny.gguf", gguf(keys={"general.name": "Other"}))
    taken = shortstop("pull", "tiny.gguf")
    assert taken.code == 2
    assert "--as NAME" in taken.err
    assert shortstop("pull", "tiny.gguf", "--as", "tiny-2").code == 0
    names = [m["name"] for m in json.loads(shortstop("models", "--json").out)["installed"]]
    assert names == ["tiny", "tiny-2"]


def test_a_linked_file_is_not_copied(shortstop: Shortstop, home: Path) -> None:
    write(home / "tiny.gguf")
    tree = json.loads(shortstop("pull", "tiny.gguf", "--link", "--json").out)
    assert tree["model"]["file"] == str(home / "tiny.gguf")
    assert not list((home / "home").rglob("*.gguf"))


def test_the_air_gap_fetches_nothing(shortstop: Shortstop, home: Path) -> None:
    (home / "shortstop.toml").write_text("[privacy]\nairgap = true")
    result = shortstop("pull")
    assert result.code == 2
    assert "airgap = true: nothing is fetched from outside." in result.err
    write(home / "tiny.gguf")
    assert shortstop("pull", "tiny.gguf").code == 0


@pytest.mark.parametrize("named", [True, False])
def test_models_are_where_the_gateway_looks_for_them(
    shortstop: Shortstop, home: Path, named: bool
) -> None:
    """`data_dir` holds for every command, not only for `serve`."""
    file = home / ("mine.toml" if named else "shortstop.toml")
    file.write_text(f'data_dir = "{home / "data"}"')
    option = ("--config", str(file)) if named else ()
    write(home / "tiny.gguf")
    assert shortstop("pull", "tiny.gguf", *option).code == 0
    assert (home / "data" / "models" / "tiny" / "model.gguf").is_file()
    tree = json.loads(shortstop("models", "--json", *option).out)
    assert [model["name"] for model in tree["installed"]] == ["tiny"]
    assert not (home / "home").exists()


def test_what_is_no_model_is_refused(shortstop: Shortstop, home: Path) -> None:
    (home / "broken.gguf").write_bytes(b"PK zip")
    result = shortstop("pull", "broken.gguf")
    assert result.code == 2
    assert "does not begin with GGUF" in result.err
