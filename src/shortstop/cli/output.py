"""What commands print, and the files that they write."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from shortstop.private_files import replace_file


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
