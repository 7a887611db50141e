"""`shortstop`: one command with subcommands, each of which has a file of its own."""

from __future__ import annotations

import errno
import os
from typing import Annotated

import typer

from shortstop import __version__
from shortstop.app.logs import set_up_warnings
from shortstop.cli.commands import LazyGroup
from shortstop.cli.output import end, flush, prepare_streams, say
from shortstop.errors import ShortstopError, fault
from shortstop.private_files import UMASK

app = typer.Typer(
    name="shortstop",
    cls=LazyGroup,
    help=(
        "An LLM gateway that answers on your own machine when that is good enough, and asks the "
        "frontier (GPT, Claude, ...) when it is not. What it finds sensitive stays here.\n\n"
        "Start with [bold]shortstop init[/], then [bold]shortstop serve[/]. "
        "[bold]shortstop COMMAND --help[/] explains a command."
    ),
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

REMEDIES = {
    errno.ENOENT: "Check the path: the file, or the folder to write it to, is missing.",
    errno.EACCES: "Choose a place that you may use, or run it as the user who owns this one.",
    errno.EPERM: "Choose a place that you may use, or run it as the user who owns this one.",
    errno.EROFS: "Choose a place that can be written.",
    errno.ENOSPC: "Make room, or choose another disk.",
    errno.ENOTDIR: "Check the path: a part of it is a file.",
    errno.EISDIR: "Name a file in that folder.",
}
"""What to do next about what the system refuses."""


@app.callback(invoke_without_command=True)
def top(
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
) -> None:
    if version:
        say(f"shortstop {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point: what the user can fix is one sentence and a hint, never a traceback.

    Exit codes: 0 good, 1 a check failed, 2 wrong use, input or configuration, 70 a fault of
    Shortstop's own, 130 interrupted, 141 nobody reads the output any longer.
    """
    os.umask(UMASK)
    set_up_warnings()
    prepare_streams()
    try:
        try:
            app()
        finally:
            flush()
    except ShortstopError as error:
        end(2, error.message, error.hint)
    except BrokenPipeError:
        end(141)
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        end(2, f"Cannot use{place}: {error.strerror or error}.", REMEDIES.get(error.errno or 0, ""))
    except KeyboardInterrupt:
        end(130)
    except Exception as error:
        end(70, fault(error), "Please report it with this line.")
