"""The examination of the guard: detection, tricks, round trips, tampering."""

from .adversarial import CASES, Trick, tricks
from .detection import Examiner, gateway, harmless, held_back, request, rows
from .figures import Figure, Report, Timing, wilson
from .spans import Marked, aside, by_all, by_rules, spans
from .trials import restoring, tampering

__all__ = [
    "CASES",
    "Examiner",
    "Figure",
    "Marked",
    "Report",
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
    "wilson",
]
