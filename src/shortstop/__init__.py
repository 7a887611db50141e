"""Shortstop: an SLM-first, LLM-backup gateway. `open` reads what one has recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shortstop.app.notebook import RecordedTraffic

__all__ = ["__version__", "open"]

__version__ = "0.2.0"


def open(folder: str | Path | None = None, config: str | Path | None = None) -> RecordedTraffic:
    """What the gateway with this data folder, or this configuration file, has recorded: traces,
    grades and sums, for notebooks. See `shortstop.app.notebook`. Raises ConfigError."""
    from shortstop.app.notebook import open_recorded

    return open_recorded(folder, config)
