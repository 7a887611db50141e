"""The commands."""

from shortstop.cli.main import main

__all__ = ["main"]
