"""Reading the file: defaults that work, a frontier from the environment, no secret inside."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop import config
from shortstop.config import Config, parse
from shortstop.errors import ConfigError

FULL = """
[server]
port = 9000

[models.small]
source = "builtin"
threads = 2

[upstreams.openai]
base_url = "https://api.openai.com/v1"
api_key_env = "OPENAI_API_KEY"

[upstreams.openai.models."gpt-6.1-sol"]
context = 400_000

[routing]
frontier = "gpt-6.1-sol"
"""


def test_without_a_file_the_embedded_model_serves_alone() -> None:
    config_ = config.from_environment({})
    assert config_.models["small"].source == "builtin"
    assert config_.upstreams == {}
    assert config_.server.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("key", "upstream"), [("OPENAI_API_KEY", "openai"), ("ANTHROPIC_API_KEY", "anthropic")]
)
def test_a_key_in_the_environment_is_a_frontier(key: str, upstream: str) -> None:
    config_ = config.from_environment({key: "sk-secret"})
    assert list(config_.upstreams) == [upstream]
    assert "sk-secret" not in repr(config_)


def test_an_empty_key_is_no_frontier() -> None:
    assert config.from_environment({"OPENAI_API_KEY": ""}).upstreams == {}


def test_a_file_is_read_whole() -> None:
    config_ = parse(FULL, {})
    assert config_.server.port == 9000
    assert config_.upstreams["openai"].models["gpt-6.1-sol"].context == 400_000
    assert config_.routing.frontier == "gpt-6.1-sol"


def test_upstreams_of_the_file_replace_those_of_the_environment() -> None:
    assert list(parse(FULL, {"ANTHROPIC_API_KEY": "k"}).upstreams) == ["openai"]
    assert parse("[upstreams]", {"ANTHROPIC_API_KEY": "k"}).upstreams == {}


def test_the_air_gap_takes_no_frontier_from_the_environment() -> None:
    assert parse("[privacy]\nairgap = true", {"OPENAI_API_KEY": "x"}).upstreams == {}


def test_the_file_beside_is_read_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load(None, {}).server.port == 8484
    (tmp_path / "shortstop.toml").write_text("[server]\nport = 9001")
    assert config.load(None, {}).server.port == 9001


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml") as caught:
        config.load(tmp_path / "nowhere.toml", {})
    assert caught.value.hint


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shortstop.toml"
    path.write_bytes(b"\xff\xfe[server]")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        config.load(path, {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot read"):
        config.load(tmp_path, {})


def test_toml_errors_are_ours() -> None:
    with pytest.raises(ConfigError, match="is not valid TOML"):
        parse("port = ", {})


@given(st.text(max_size=80))
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    try:
        assert isinstance(parse(text, {}), Config)
    except ConfigError as error:
        assert error.message


def test_a_configuration_survives_its_own_json() -> None:
    config_ = parse(FULL, {})
    assert msgspec.json.decode(msgspec.json.encode(config_), type=Config) == config_


def test_relative_paths_begin_at_the_file_wherever_a_command_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    file = folder / "shortstop.toml"
    file.write_text(
        'data_dir = "data"\n[traces]\npath = "books/rows.db"\n[privacy]\naudit = "../audit.log"\n'
    )
    monkeypatch.chdir(tmp_path)
    for path in (file, Path("etc/shortstop.toml")):
        loaded = config.load(path, {})
        assert loaded.data_dir == str(path.parent / "data")
        assert loaded.traces.path == str(path.parent / "books" / "rows.db")
        assert loaded.privacy.audit == str(path.parent / ".." / "audit.log")
    monkeypatch.chdir(folder)
    assert config.load(None, {}).data_dir == "data"


def test_absolute_paths_and_those_from_home_stay(tmp_path: Path) -> None:
    file = tmp_path / "shortstop.toml"
    for path in ("/srv/data", "~/data", "~anna/data"):
        file.write_text(f'data_dir = "{path}"\n')
        assert config.load(file, {}).data_dir == path
