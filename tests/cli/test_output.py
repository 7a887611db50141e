"""Everything that commands print goes through one place, and nothing in it is obeyed."""

from __future__ import annotations

import ast
import io
import json
import logging
from pathlib import Path

import pytest

from shortstop import cli
from shortstop.app.logs import FORMAT, PlainFormatter, set_up_warnings
from shortstop.cli.output import Grid, Terminal, print_json, progress, say
from tests.cli.conftest import Shortstop

COMMANDS = sorted(Path(cli.__file__).parent.glob("*.py"))
PRINTERS = {"print", "echo", "secho", "pprint", "style", "write", "writelines"}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
EVIL = "\x1b]8;;https://evil.com\x07[red]x[/]\u202eab\nKey key_9 for 'root'\x9b2J"
OBEYED = ("\x1b", "\x07", "\u202e", "\x9b", "\n")


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_no_command_prints_around_it(path: Path) -> None:
    """To print, a command needs a printer, a stream or rich; only `output` has them."""
    if path.stem == "output":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "rich" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] != "rich", f"line {node.lineno}"
            assert not {alias.name for alias in node.names} & (PRINTERS | STREAMS)
        elif isinstance(node, ast.Attribute):
            assert node.attr not in PRINTERS, f"line {node.lineno}"
            of_sys = isinstance(node.value, ast.Name) and node.value.id == "sys"
            assert not (of_sys and node.attr in STREAMS), f"line {node.lineno}"
        elif isinstance(node, ast.Name):
            assert node.id not in PRINTERS, f"line {node.lineno}"


def test_the_test_sees_what_it_should(tmp_path: Path) -> None:
    for text in (
        "print(1)",
        "import typer\ntyper.echo(1)",
        "from sys import stderr",
        "import sys\nshow = sys.stdout",
        "import rich",
    ):
        file = tmp_path / "command.py"
        file.write_text(text)
        with pytest.raises(AssertionError):
            test_no_command_prints_around_it(file)


def _harmless(printed: str, lines: int) -> None:
    assert len(printed.splitlines()) == lines
    assert not any(sign in printed.replace("\n", "") for sign in OBEYED)
    assert r"\x1b]8;;https://evil.com\x07[red]x[/]" in printed


def test_lines_tables_and_json_show_what_they_are_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(EVIL)
    _harmless(capsys.readouterr().out, 1)
    say(EVIL, err=True)
    _harmless(capsys.readouterr().err, 1)
    Terminal(width=200).line("name ", (EVIL, "green"))
    _harmless(capsys.readouterr().out, 1)
    table = Grid("Keys")
    table.columns("name", "state")
    table.row(EVIL, (EVIL, "red"))
    Terminal(width=300).table(table)
    _harmless(capsys.readouterr().out, 6)
    print_json({EVIL: [EVIL]})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {EVIL: [EVIL]}
    assert not any(sign in printed.replace("\n", "") for sign in OBEYED)


def test_an_id_is_copied_whole_from_a_narrow_table(capsys: pytest.CaptureFixture[str]) -> None:
    grid, id = Grid(), "batch_c879ae3b92031e1278cc8056"
    grid.columns("id", *(f"column {number}" for number in range(9)))
    grid.row(id, *["a text that is long"] * 9)
    Terminal(width=80).table(grid)
    assert id in capsys.readouterr().out


def test_a_bar_takes_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("bytes", hidden=False) as bar:
        bar.add_task("[red]x[/] {task.total}", total=1, completed=1)
    assert "[red]x[/] {task.total}" in capsys.readouterr().err


def test_a_log_line_is_one_event() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter(FORMAT))
    record = logging.LogRecord("shortstop", logging.ERROR, "", 0, "key %s", (EVIL,), None)
    handler.handle(record)
    first, second = stream.getvalue().splitlines()
    assert second.startswith("    Key key_9"), "a further line is none of its own"
    assert not any(sign in first + second for sign in OBEYED)


def test_what_a_command_logs_is_a_plain_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    set_up_warnings()
    logging.getLogger("shortstop.somewhere").warning("no price is known for %s", EVIL)
    said = capsys.readouterr().err
    assert said.startswith(r"no price is known for \x1b]8;;")
    assert not any(sign in said.replace("\n", "") for sign in OBEYED)


def test_names_from_the_store_and_from_files(shortstop: Shortstop, home: Path) -> None:
    assert shortstop("keys", "create", EVIL, "--tenant", "[red]t[/]").code == 0
    for options in ((), ("--json",)):
        listed = shortstop("keys", "list", *options).out
        assert "[red]t[/]" in listed
        assert not any(sign in listed.replace("\n", "") for sign in OBEYED)
    unknown = shortstop("keys", "revoke", "\x1b[2J")
    assert unknown.code == 2
    assert "\x1b" not in unknown.err
    (home / "shortstop.toml").write_text('["\\u001b]0;owned\\u0007\\nforged"]\n')
    wrong = shortstop("config", "check")
    assert wrong.code == 2
    assert "\x1b" not in wrong.err
    assert "\x07" not in wrong.err
