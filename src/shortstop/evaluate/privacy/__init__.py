"""The examination of the guard: detection, tricks, round trips, tampering."""

from shortstop.evaluate.privacy.adversarial import CASES, Trick, tricks
from shortstop.evaluate.privacy.detection import (
    Examiner,
    gateway,
    harmless,
    held_back,
    request,
    rows,
)
from shortstop.evaluate.privacy.figures import Measured, PrivacyReport, Timing
from shortstop.evaluate.privacy.spans import Marked, aside, by_all, by_rules, spans
from shortstop.evaluate.privacy.trials import restoring, tampering

__all__ = [
    "CASES",
    "Examiner",
    "Marked",
    "Measured",
    "PrivacyReport",
    "Timing",
    "Trick",
    "aside",
    "by_all",
    "by_rules",
    "gateway",
    "harmless",
    "held_back",
    "request",
    "restoring",
    "rows",
    "spans",
    "tampering",
    "tricks",
]
