"""Every command with its arguments, options and exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from scripts.reference.markdown import code, table
from shortstop.cli.commands import Commands

EXIT_CODES = (
    ("0", "good"),
    ("1", "a check failed"),
    (
        "2",
        "wrong use, input or configuration: a sentence on standard error says what and what next",
    ),
    ("70", "a fault of Shortstop's own; please report it"),
    ("130", "interrupted"),
    ("141", "nobody reads the output any longer"),
)
_MARKUP = re.compile(r"\[/?[a-z ]*\]")


def page() -> str:
    parts = ["# Commands\n\n`shortstop COMMAND --help` says the same. Exit codes:\n"]
    parts.append(table(("code", "means"), EXIT_CODES))
    for words, command in commands():
        parts.append(f"## shortstop {words}\n\n{_plain(command.help or '')}\n")
        rows = [_row(p) for p in command.params if isinstance(p, TyperArgument | TyperOption)]
        if rows:
            parts.append(table(("takes", "is", "default"), rows))
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """Every command that does something, by its words."""
    for name, command in Commands().items():
        if isinstance(command, TyperGroup):
            if command.invoke_without_command:
                yield name, command
            inner = ((f"{name} {word}", one) for word, one in command.commands.items())
            yield from ((words, one) for words, one in inner if isinstance(one, TyperCommand))
        else:
            yield name, command


def _row(param: TyperArgument | TyperOption) -> tuple[str, str, str]:
    names = (
        (param.name or "").upper() if isinstance(param, TyperArgument) else ", ".join(param.opts)
    )
    default = param.default
    shown = "" if default in (None, False, ()) or callable(default) else code(default)
    return code(names), _plain(param.help or ""), "required" if param.required else shown


def _plain(text: str) -> str:
    return _MARKUP.sub("", text).strip()
