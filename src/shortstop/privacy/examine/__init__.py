"""The examination of the guard: detection, tricks, round trips, tampering."""

from .adversarial import CASES, Trick, tricks
from .detection import Examiner, gateway, harmless, held_back, request, rows
from .figures import Figure, Report, Timing, wilson
from .trials import restoring, tampering

__all__ = [
    "CASES",
    "Examiner",
    "Figure",
    "Report",
    "Timing",
    "Trick",
    "gateway",
    "harmless",
    "held_back",
    "request",
    "restoring",
    "rows",
    "tampering",
    "tricks",
    "wilson",
]
