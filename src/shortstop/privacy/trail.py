"""Notes privacy's decisions in the audit log, where one is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal

from msgspec import UNSET

from shortstop.privacy.audit import AuditEvent, AuditLog
from shortstop.types import Clearance

Kind = Literal["clear", "release", "refuse"]


class AuditTrail:
    """Without a `log` nothing is noted. `clock` gives Unix time in seconds."""

    def __init__(self, log: AuditLog | None, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock

    def note(
        self,
        kind: Kind,
        verdict: Clearance,
        target: str | None = None,
        detail: str = "",
    ) -> None:
        """One decision about the request of `verdict.case`.

        Raises ValueError for a verdict without its case, StoreError or OSError when the log cannot
        be written.
        """
        if self._log is None:
            return
        if verdict.case is UNSET:
            raise ValueError("a verdict without its case")
        self._log.append(
            AuditEvent(
                at=self._clock(),
                kind=kind,
                tenant=verdict.case.tenant,
                request=verdict.case.request,
                tier=verdict.tier,
                reach=verdict.reach,
                labels=dict(Counter(f.label for f in verdict.findings)),
                reasons=verdict.reasons,
                policy=verdict.policy,
                target=target,
                detail=detail,
            )
        )
