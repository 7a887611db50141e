"""How requests are judged over this process's stores."""

from __future__ import annotations

from shortstop.app.resources import Resources
from shortstop.pipeline.clearing import Clearing
from shortstop.privacy import PrivacyGuard
from shortstop.privacy.recall import Recall


def build_clearing(resources: Resources, guard: PrivacyGuard) -> Clearing:
    """Beside the event loop where the stores are on another machine."""
    calls, taint = resources.calls, resources.shared_taint
    recall = None if taint is None else Recall(guard, taint, calls)
    return Clearing(guard, guard.timeout_s, recall, calls)
