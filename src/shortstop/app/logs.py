"""The log: one line an event. What names and messages hold is shown, never obeyed."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from shortstop.config import LogConfig
from shortstop.console.visible import visible
from shortstop.types import Trace

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
CONTINUED = "\n    "
"""Before each further line of an event, so that none looks like an event of its own."""

requests = logging.getLogger("shortstop.requests")


class PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        line = " ".join([super().format(record), *(f"{k}={_word(v)}" for k, v in fields.items())])
        return CONTINUED.join(map(visible, line.split("\n")))


class JsonFormatter(logging.Formatter):
    """One object a line; JSON escapes what a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event)


FORMATTERS = {"text": PlainFormatter(FORMAT), "json": JsonFormatter()}


def set_up_warnings() -> None:
    """For commands that keep no log: what is logged all the same is a plain line on standard error,
    from level WARNING on."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(PlainFormatter())


def set_up_logging(config: LogConfig) -> None:
    """To standard error. Does nothing where logging is set up already."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[config.format])
    logging.basicConfig(level=config.level.upper(), handlers=[handler])


def log_request(trace: Trace) -> None:
    """A line about a request; an observer of traces."""
    decision, bill = trace.decision, trace.bill
    fields = {
        "request": trace.id,
        "tenant": trace.tenant,
        "key": trace.key,
        "task": decision.task if decision else None,
        "target": trace.target,
        "outcome": trace.outcome,
        "status": trace.status,
        "tier": trace.clearance.tier.name,
        "usd": None if bill is None or bill.cost is None else float(bill.cost),
        "seconds": round(trace.seconds, 4),
    }
    requests.info("answered", extra={"fields": fields})


def _word(value: object) -> str:
    """A value as one word: quoted where it has blanks, "-" where there is none."""
    if value is None or value == "":
        return "-"
    text = f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(' "=') else text
