"""What commands print, and the files that they write."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec
import typer

from shortstop.private_files import FILE, replace_file


def print_json(value: object) -> None:
    """One indented JSON document on standard output. Money and other decimals are strings."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def write_page(path: Path, data: bytes) -> None:
    """Write what a command made to the file that was asked for, readable by its owner alone. A pipe
    or a device is written as it is. Raises OSError."""
    if path.exists() and not path.is_file():
        path.write_bytes(data)
    else:
        replace_file(path, data)


def write_lines(path: Path | None, lines: Iterable[bytes]) -> int:
    """Write lines as they come, to a file that its owner alone can read or, without `path`, to
    standard output; how many. Raises OSError."""
    if path is None:
        return _written(sys.stdout.buffer, lines)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE)
    with open(fd, "wb") as file:
        if path.is_file():
            os.fchmod(fd, FILE)
        return _written(file, lines)


def _written(file: BinaryIO, lines: Iterable[bytes]) -> int:
    count = 0
    for count, line in enumerate(lines, start=1):  # noqa: B007 - the last one is the count
        file.write(line + b"\n")
    return count


def note(text: str) -> None:
    """One line about the work, on standard error: what is printed is for programs too."""
    typer.echo(text, err=True)
