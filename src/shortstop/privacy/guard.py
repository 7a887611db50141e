"""The guard: judges every request. `release` decides what leaves because of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import lru_cache

from shortstop.config import PrivacyConfig
from shortstop.ports import Clock
from shortstop.privacy.audit import AuditLog
from shortstop.privacy.body import BodyFormat, holds_tokens, readable_body
from shortstop.privacy.detect.scan import Unreadable
from shortstop.privacy.detectors import GRACE, Detectors
from shortstop.privacy.failclosed import guarded
from shortstop.privacy.names.tagger import Tagger
from shortstop.privacy.policy import Policies
from shortstop.privacy.release import Releaser
from shortstop.privacy.replace.pseudonymiser import Pseudonymiser
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.taint import Taint
from shortstop.privacy.trail import AuditTrail
from shortstop.privacy.verdict import FAILED, TOO_SLOW, case_of, lasting_tier, pinned, verdict
from shortstop.privacy.watcher import Watcher
from shortstop.types import (
    Caller,
    Chunk,
    Clearance,
    Cleared,
    Finding,
    Json,
    Media,
    Opaque,
    Reply,
    Request,
    Target,
    Tier,
    ToolResult,
)

log = logging.getLogger(__name__)

SAMPLE: Json = {
    "text": "call Jane on +1 415 555 0132, card 4111 1111 1111 1111; she has asthma, what is it?"
}
REMEMBERED_NAMES = 1_000
"""Client-supplied names whose verdict is remembered."""


@dataclass(frozen=True, slots=True)
class PrivacyStores:
    """What privacy keeps from one request to the next. It outlives a guard: handed from one to
    the next, so that a reload forgets nothing. `key` is what surrogates are drawn under."""

    key: bytes
    vault: Vault
    taint: Taint
    audit: AuditLog | None = None


class PrivacyGuard:
    """Implements ports.Guard. Any failure pins the request to this machine.

    `format` is how bodies are written. `baa` lists the providers that signed a business associate
    agreement. Raises ConfigError when a tenant's document cannot be read.
    """

    def __init__(
        self,
        config: PrivacyConfig,
        format: BodyFormat,
        stores: PrivacyStores,
        clock: Clock,
        *,
        baa: frozenset[str] = frozenset(),
        watcher: Watcher | None = None,
        tagger: Tagger | None = None,
    ) -> None:
        self._timeout, self._monotonic = config.timeout, clock.monotonic
        self.timeout_s = config.timeout + GRACE
        """Seconds after which a caller need not wait for `clear` any longer."""
        self._policies = Policies(config)
        self._detectors = Detectors(config, clock.monotonic, format.words)
        self._taint, self._watcher = stores.taint, watcher
        self._words = format.words
        self._trail = AuditTrail(stores.audit, clock.time)
        pseudonymiser = Pseudonymiser(
            stores.key, stores.vault, self._detectors, format.rebuild, watcher
        )
        self._releaser = Releaser(config, self._policies, pseudonymiser, self._trail, baa, tagger)
        self._harmless = lru_cache(REMEMBERED_NAMES)(self._holds_nothing)

    def warm(self) -> None:
        """Build the detectors, some 200 ms, so that the first request need not wait for them."""
        guarded(lambda: self.findings(SAMPLE), _failed)

    def clear(self, request: Request, caller: Caller) -> Clearance:
        """The verdict. Never raises: what cannot be judged is pinned."""
        began = self._monotonic()
        clearance = self._kept(
            guarded(
                lambda: self._judge(request, caller),
                lambda error: pinned(_blame(error), request, caller),
            ),
            request,
            caller,
        )
        if self._watcher is not None:
            self._watcher.judged(clearance, self._monotonic() - began)
        return clearance

    def give_up(self, request: Request, caller: Caller) -> Clearance:
        """Pins a request whose verdict nobody waits for any longer: a detector hangs."""
        late = pinned(TOO_SLOW, request, caller)
        clearance = self._kept(late, request, caller)
        if self._watcher is not None:
            self._watcher.judged(clearance, self._timeout)
        return clearance

    def findings(self, body: Json, tenant: str = "default") -> list[Finding]:
        """Everything found. Raises Unreadable, TimeoutError, ValueError, TypeError: all pin."""
        return self._detectors.findings(body, tenant)

    def harmless(self, name: str, tenant: str) -> bool:
        """Whether a client-supplied name contains no sensitive value and may be logged verbatim."""
        return self._harmless(name, tenant)

    def _holds_nothing(self, name: str, tenant: str) -> bool:
        return guarded(
            lambda: all(f.tier < Tier.S2 for f in self.findings({"text": name}, tenant)),
            lambda _: False,
        )

    def _judge(self, request: Request, caller: Caller) -> Clearance:
        rules = self._policies.of(caller.tenant)
        body, images = readable_body(request), rules.acting.images == "allow"
        if any(_unreadable(part, images) for m in request.messages for part in m.parts):
            raise Unreadable("unknown-part")
        if holds_tokens(body, self._words):
            raise Unreadable("token-array")
        shown = self._detectors.without_images(body) if images else body
        findings = self.findings(shown, caller.tenant)
        earlier = self._taint.tier(caller.tenant, caller.conversation)
        return verdict(findings, earlier, rules, case_of(request, caller))

    def _kept(self, clearance: Clearance, request: Request, caller: Caller) -> Clearance:
        """The verdict once it is kept; pinned when it cannot be."""

        def keep() -> Clearance:
            self._taint.see(caller.tenant, caller.conversation, lasting_tier(clearance))
            self._trail.note("clear", clearance)
            return clearance

        def not_kept(error: Exception) -> Clearance:
            log.error("the verdict could not be kept (%s)", type(error).__name__)
            return pinned("verdict-not-kept", request, caller)

        return guarded(keep, not_kept)

    # ------------------------------------------------------------ leaving and coming back

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        """See Releaser.prepare. Raises PrivacyRefused."""
        return await self._releaser.prepare(request, clearance)

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """See Releaser.release. Raises PrivacyRefused."""
        return self._releaser.release(request, clearance, target)

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        """See Releaser.restore."""
        return self._releaser.restore(reply, cleared)

    def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        """See Releaser.restore_stream."""
        return self._releaser.restore_stream(chunks, cleared)


def _blame(error: Exception) -> str:
    """The reason of a verdict that could not be reached."""
    if isinstance(error, Unreadable):
        return str(error)
    _failed(error)
    return TOO_SLOW if isinstance(error, TimeoutError) else FAILED


def _failed(error: Exception) -> None:
    log.error("a detector failed (%s): requests are pinned", type(error).__name__)


def _unreadable(part: object, images: bool) -> bool:
    """Whether a part holds what no detector here can read. `images`: those may go unread."""
    if isinstance(part, Opaque):
        return True
    if isinstance(part, ToolResult):
        return any(_unreadable(inner, images) for inner in part.parts)
    if isinstance(part, Media) and not (images and part.kind == "image"):
        return part.url is None or part.url.startswith("data:")
    return False
