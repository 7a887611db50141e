"""The list of commands: under headings, each summed up in a line."""

from __future__ import annotations

import pytest
from typer.core import TyperGroup

from shortstop.cli.commands import COMMANDS, PANELS, Commands
from tests.cli.conftest import Shortstop


def test_every_command_stands_under_a_heading(shortstop: Shortstop) -> None:
    shown = shortstop("--help").out
    assert all(f" {panel} " in shown for panel in PANELS)
    assert " Commands " not in shown
    assert sum(map(len, PANELS.values())) == len(COMMANDS), "no command stands under two"


@pytest.mark.parametrize("name", Commands())
def test_a_command_is_summed_up_in_one_line(name: str) -> None:
    """A list of commands shows the first paragraph of each, line breaks and all."""
    command = Commands()[name]
    inner = command.commands.values() if isinstance(command, TyperGroup) else ()
    for one in (command, *inner):
        assert "\n" not in (one.help or "").partition("\n\n")[0], one.name
