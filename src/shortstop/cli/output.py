"""Printing values as JSON."""

from __future__ import annotations

import json
import sys

import msgspec
import typer


def print_json(value: object) -> None:
    """One indented JSON document on standard output. Money and other decimals are strings."""
    print_document(msgspec.json.encode(value))


def print_document(document: bytes) -> None:
    """A JSON document, indented; with escapes where the output cannot write all characters."""
    text = msgspec.json.format(document).decode()
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = json.dumps(json.loads(document), indent=2)
    typer.echo(text)
