"""Printing values as JSON."""

from __future__ import annotations

import msgspec
import typer


def print_json(value: object) -> None:
    """One indented JSON document on standard output. Money and other decimals are strings."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
