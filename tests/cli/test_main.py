"""What every command promises: help with all its options, one sentence for what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup, TyperOption

from shortstop import __version__
from shortstop.cli.main import app
from tests.cli.conftest import Shortstop
from tests.stores.test_reports import ROWS, filled

Words = tuple[str, ...]


def commands(
    group: TyperGroup, words: Words = ()
) -> Iterator[tuple[Words, TyperCommand | TyperGroup]]:
    """Every command below `group`, groups included, by its words."""
    for name, command in group.commands.items():
        assert isinstance(command, TyperCommand | TyperGroup)
        yield (*words, name), command
        if isinstance(command, TyperGroup):
            yield from commands(command, (*words, name))


ROOT = typer.main.get_command(app)
assert isinstance(ROOT, TyperGroup)
ALL = dict(commands(ROOT))
LEAVES = [words for words, command in ALL.items() if isinstance(command, TyperCommand)]


def options(words: Words) -> dict[str, TyperOption]:
    """The options of a command by the name of their argument in the code."""
    return {p.name or "": p for p in ALL[words].params if isinstance(p, TyperOption)}


def test_the_commands_are_these() -> None:
    assert {" ".join(words) for words in LEAVES} >= {
        "serve", "doctor", "models", "pull", "report", "replay", "contract", "keys create",
        "keys list", "keys revoke", "config check", "privacy explain", "privacy lint",
        "audit verify", "audit export", "bench routing", "bench privacy",
    }  # fmt: skip


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_says_what_a_command_does_and_names_its_options(
    shortstop: Shortstop, words: Words
) -> None:
    result = shortstop(*words, "--help")
    assert result.code == 0
    assert f"shortstop {' '.join(words)}" in result.out
    assert ALL[words].help, "it says what it does"
    for option in options(words).values():
        assert option.opts[0] in result.out
        said = option.help or ""
        assert Text.from_markup(said).plain == said, "nothing in it is taken for markup"


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_shared_options_are_the_same_everywhere(words: Words) -> None:
    """One spelling and one sentence, from cli/options.py."""
    shared = options(words)
    if "as_json" in shared:
        assert shared["as_json"].opts == ["--json"]
        assert shared["as_json"].help == "Print as JSON, for machines."
    if "config" in shared:
        assert shared["config"].opts == ["--config", "-c"]
        assert str(shared["config"].help).startswith("TOML file; default ./shortstop.toml")


def test_without_a_command_there_is_help(shortstop: Shortstop) -> None:
    result = shortstop()
    assert "Usage" in result.out + result.err
    assert "serve" in result.out + result.err


def test_the_version(shortstop: Shortstop) -> None:
    assert shortstop("--version").out == f"shortstop {__version__}\n"


BEFORE_THE_FIRST_START = [
    (("report",), 2, "run `shortstop serve` first"),
    (("tasks",), 2, "run `shortstop serve` first"),
    (("teams", "report"), 2, "run `shortstop serve` first"),
    (("keys", "list"), 0, "shortstop keys create"),
    (("teams", "list"), 0, "shortstop teams create-organisation"),
    (("batch", "list"), 0, "/v1/batches"),
    (("specialists", "list"), 0, "shortstop learn"),
    (("contract",), 0, "compared with the frontier"),
]


@pytest.mark.parametrize(("arguments", "code", "says"), BEFORE_THE_FIRST_START, ids=str)
def test_where_there_is_nothing_yet_it_says_what_makes_something(
    shortstop: Shortstop, arguments: Words, code: int, says: str
) -> None:
    result = shortstop(*arguments)
    assert result.code == code
    assert says in result.out + result.err


@pytest.mark.parametrize("words", ["report", "tasks", "teams report"])
def test_a_gateway_that_nobody_has_asked_says_how_rows_come(
    shortstop: Shortstop, home: Path, words: str
) -> None:
    (home / "home").mkdir()
    filled(home / "home" / "traces.db", [])
    result = shortstop(*words.split())
    assert result.code == 0
    assert "shortstop serve" in result.out
    assert "shortstop traces import LOG" in result.out


BAD = [
    (("config", "check", "absent.toml"), "Cannot read absent.toml: No such file or directory."),
    (("serve", "--config", "absent.toml"), "Cannot read absent.toml"),
    (("doctor", "--config", "absent.toml"), "Cannot read absent.toml"),
    (("models", "--config", "absent.toml"), "Cannot read absent.toml"),
    (("contract", "--config", "absent.toml"), "Cannot read absent.toml"),
    (("report", "--db", "absent.db"), "Cannot read absent.db"),
    (("report", "--since", "yesterday"), "'yesterday' is no time."),
    (("report", "--since", "99999999w"), "'99999999w' is no time."),
    (("keys", "create", "x", "--budget", "lots"), "'lots' is not an amount of US dollars"),
    (("keys", "create", "x", "--expires", "7y"), "'7y' is not a length of time"),
    (("keys", "revoke", "nobody"), "No active key is called 'nobody'."),
    (("pull", "gpt-99"), "There is no model called 'gpt-99'."),
    (("pull", "absent.gguf"), "There is no file absent.gguf."),
    (("replay",), "Which log? Give a JSONL file."),
    (("bench", "routing", "--data", "absent.csv"), "There is no table at absent.csv."),
    (("audit", "verify"), "There is no audit log."),
]


@pytest.mark.parametrize(("arguments", "says"), BAD, ids=lambda a: " ".join(a[:3]))
def test_bad_input_is_one_sentence_and_no_traceback(
    shortstop: Shortstop, arguments: Words, says: str
) -> None:
    result = shortstop(*arguments)
    assert result.code == 2
    lines = [line for line in result.err.splitlines() if line.startswith("shortstop: ")]
    assert len(lines) == 1
    assert says in lines[0]
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("serve", "--port", "99999"),
        ("serve", "--workers", "0"),
        ("report", "--by", "colour"),
        ("keys", "create"),
        ("keys", "create", "x", "--period", "year"),
        ("keys", "create", "x", "--rpm", "0"),
        ("models", "--yaml"),
    ],
    ids=" ".join,
)
def test_wrong_use_points_to_the_help(shortstop: Shortstop, arguments: Words) -> None:
    result = shortstop(*arguments)
    assert result.code == 2
    assert "--help" in result.err
    assert "Traceback" not in result.err


def test_a_folder_that_cannot_be_used_is_named(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("SHORTSTOP_HOME", str(home / "file" / "home"))
    result = shortstop("models")
    assert result.code == 2
    folder = home / "file" / "home"
    assert result.err.startswith(
        f"shortstop: The data folder {folder} cannot be made: Not a directory.\n"
    )


def test_a_page_that_cannot_be_written_is_named(shortstop: Shortstop, home: Path) -> None:
    filled(home / "traces.db", ROWS)
    result = shortstop("report", "--db", "traces.db", "--html", "absent/page.html")
    assert result.code == 2
    assert result.err == "shortstop: Cannot use absent/page.html: No such file or directory.\n" + (
        "  Check the path: the file, or the folder to write it to, is missing.\n"
    )


def test_an_interrupt_is_no_traceback(
    shortstop: Shortstop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["shortstop.cli.models"].registry, "open", interrupted)
    result = shortstop("models")
    assert result.code == 130
    assert "Traceback" not in result.err
