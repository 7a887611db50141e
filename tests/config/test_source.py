"""The configuration is read again from where it came from, the command line still on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.config import ConfigSource
from shortstop.errors import ConfigError


def test_the_command_line_wins_at_the_start_and_at_every_reload(tmp_path: Path) -> None:
    file = tmp_path / "shortstop.toml"
    file.write_text("[server]\nport = 9000\nmax_in_flight = 1")
    source = ConfigSource(file, {}, {"port": 1})
    assert (source.load().server.port, source.load().server.max_in_flight) == (1, 1)
    file.write_text("[server]\nport = 9001\nmax_in_flight = 2")
    assert (source.load().server.port, source.load().server.max_in_flight) == (1, 2)
    assert ConfigSource(file, {}).load().server.port == 9001


def test_a_file_that_has_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot read"):
        ConfigSource(tmp_path / "gone.toml", {}).load()
