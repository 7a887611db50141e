"""The log: one line an event. What names and messages hold is shown, never obeyed."""

from __future__ import annotations

import logging

from shortstop.console.visible import visible

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
CONTINUED = "\n    "
"""Before each further line of an event, so that none looks like an event of its own."""


class PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return CONTINUED.join(map(visible, super().format(record).split("\n")))


def set_up_warnings() -> None:
    """For commands that keep no log: what is logged all the same is a plain line on standard error,
    from level WARNING on."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(PlainFormatter())


def set_up_logging() -> None:
    """To standard error, from level INFO on. Does nothing where logging is set up already."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter(FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
