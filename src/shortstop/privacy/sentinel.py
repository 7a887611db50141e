"""The guard: judges every request, and alone makes what may leave."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable

from shortstop.config import PrivacyConfig
from shortstop.errors import PrivacyRefused
from shortstop.privacy.leaves import leaves
from shortstop.privacy.patterns import find
from shortstop.types import (
    Caller,
    Chunk,
    Clearance,
    Cleared,
    Finding,
    Json,
    Opaque,
    Reach,
    Reply,
    Request,
    Target,
    Tier,
)

log = logging.getLogger(__name__)


class Sentinel:
    """Implements ports.Guard. From tier S2 a request stays local; any failure pins as well."""

    def __init__(self, config: PrivacyConfig, rebuild: Callable[[Request, Json], Request]) -> None:
        self._config = config
        self._rebuild = rebuild

    def clear(self, request: Request, caller: Caller) -> Clearance:
        """Never raises: what cannot be judged is pinned."""
        try:
            return self._judge(request)
        except Exception as error:  # fail closed, whatever a detector does
            log.error("a detector failed (%s): the request is pinned", type(error).__name__)
            return _pinned("detector-failed")

    def _judge(self, request: Request) -> Clearance:
        if any(isinstance(p, Opaque) for m in request.messages for p in m.parts):
            return _pinned("unknown-part")
        findings: list[Finding] = []
        scanned = 0
        for path, text in leaves(request.body):
            scanned += len(text)
            if scanned > self._config.max_scan_chars:
                return _pinned("too-large-to-scan")
            for m in find(text):
                found = m.pattern
                findings.append(Finding(found.label, found.tier, found.rule, path, m.start, m.end))
        tier = max((f.tier for f in findings), default=Tier.S0)
        return Clearance(
            tier=tier,
            reach=Reach.LOCAL_ONLY if tier >= Tier.S2 else Reach.ANYWHERE,
            labels=tuple(sorted({f.label for f in findings})),
            reasons=tuple(sorted({f.rule for f in findings})),
            findings=tuple(findings),
        )

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """Raises PrivacyRefused when the request may not leave."""
        if clearance.reach >= Reach.LOCAL_ONLY:
            raise PrivacyRefused(
                f"This request holds {', '.join(clearance.labels) or 'unreadable parts'} "
                "and must stay on the local machine.",
                hint="Use model 'auto' or 'local', or change the privacy policy.",
            )
        return Cleared(request, clearance, target.name)

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        return reply

    def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        return chunks


def _pinned(reason: str) -> Clearance:
    return Clearance(Tier.S3, Reach.LOCAL_ONLY, ("UNREADABLE",), (reason,))
