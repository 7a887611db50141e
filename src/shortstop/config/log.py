"""`[log]`: what is written to standard error."""

from __future__ import annotations

from typing import ClassVar, Literal

from shortstop.config.section import Lifetime, Section


class LogConfig(Section, frozen=True):
    """What the gateway writes to standard error.

    Events from `level` on, one a line, as text or as JSON objects. With `requests` there is a line
    for each request: its id, tenant, task, target, outcome, money and time, and never its content.
    """

    lifetime: ClassVar[Lifetime] = "process"

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    requests: bool = False
