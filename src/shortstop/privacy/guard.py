"""The guard: judges every request. `release` decides what leaves because of it."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import lru_cache

from msgspec.structs import replace

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
    Case,
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
    Text,
    Tier,
    ToolResult,
)

log = logging.getLogger(__name__)

SAMPLE: Json = {
    "text": "call Jane on +1 415 555 0132, card 4111 1111 1111 1111; she has asthma, what is it?"
    " My password is plain, and the API key 8aecdb3aa427124ec8bbbfd2a53df28e is old."
}
Seals = frozenset[tuple[str, str]]
_BYTES = re.compile(r"[A-Za-z0-9+/_-]{64,}={0,2}")
"""Bytes as text: base64 of nearly fifty or more."""
NOT_KEPT = "verdict-not-kept"
WARMING = 30.0
"""Seconds that building the detectors may take."""
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
        """Build the detectors, a second or two, so that the first request need not wait for them. A
        busy machine may take longer, and then no request is pinned for it."""
        guarded(lambda: self._detectors.findings(SAMPLE, timeout=WARMING), _failed)

    def clear(self, request: Request, caller: Caller) -> Clearance:
        """The verdict. Never raises: what cannot be judged is pinned."""
        began = self._monotonic()
        clearance = self._kept(self.look(request, caller), request, caller)
        if self._watcher is not None:
            self._watcher.judged(clearance, self._monotonic() - began)
        return clearance

    def look(self, request: Request, caller: Caller, earlier: Tier | None = None) -> Clearance:
        """The verdict that `clear` would give. Nothing of it is kept or counted. Never raises.

        `earlier` is what the conversation held before; None: that is looked up."""
        return guarded(
            lambda: self._judge(request, caller, earlier),
            lambda error: pinned(_blame(error), request, caller),
        )

    def noted(
        self,
        clearance: Clearance,
        request: Request,
        caller: Caller,
        seconds: float,
        *,
        kept: bool,
    ) -> Clearance:
        """The verdict, which took so long, on the trail; pinned where the conversation's tier was
        not `kept`, or this cannot be. Never raises."""

        def note() -> Clearance:
            self._trail.note("clear", clearance)
            return clearance

        if kept:
            noted = guarded(note, lambda error: _not_kept(error, request, caller))
        else:
            noted = pinned(NOT_KEPT, request, caller)
        if self._watcher is not None:
            self._watcher.judged(noted, seconds)
        return noted

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
        return guarded(lambda: self._harmless(name, tenant), lambda _: False)

    def _holds_nothing(self, name: str, tenant: str) -> bool:
        """What failed is not remembered. Raises as `findings` does."""
        return all(f.tier < Tier.S2 for f in self.findings({"text": name}, tenant))

    def _judge(self, request: Request, caller: Caller, earlier: Tier | None) -> Clearance:
        rules = self._policies.of(caller.tenant)
        body, images = readable_body(request), rules.acting.images == "allow"
        seals = self._words.seals
        odd = [p for m in request.messages for p in m.parts if type(p) is not Text]
        if any(_unreadable(part, images, seals) for part in odd):
            raise Unreadable("unknown-part")
        if holds_tokens(body, self._words):
            raise Unreadable("token-array")
        shown = self._detectors.without_images(body) if images else body
        findings = self.findings(shown, caller.tenant)
        if earlier is None:
            earlier = self._taint.tier(caller.tenant, caller.conversation)
        return verdict(findings, earlier, rules, case_of(request, caller))

    def _kept(self, clearance: Clearance, request: Request, caller: Caller) -> Clearance:
        """The verdict once it is kept; pinned when it cannot be."""

        def keep() -> Clearance:
            self._taint.see(caller.tenant, caller.conversation, lasting_tier(clearance))
            self._trail.note("clear", clearance)
            return clearance

        return guarded(keep, lambda error: _not_kept(error, request, caller))

    # ------------------------------------------------------------ leaving and coming back

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        """See Releaser.prepare. Raises PrivacyRefused."""
        return await self._releaser.prepare(request, clearance)

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """See Releaser.release. Raises PrivacyRefused. Of the client's headers goes along what
        holds nothing, whatever the policy: there is no place in them for a surrogate."""
        if request.headers and isinstance(clearance.case, Case):
            tenant = clearance.case.tenant
            told = {n: v for n, v in request.headers.items() if self.harmless(v, tenant)}
            request = replace(request, headers=told)
        return self._releaser.release(request, clearance, target)

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        """See Releaser.restore."""
        return self._releaser.restore(reply, cleared)

    def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        """See Releaser.restore_stream."""
        return self._releaser.restore_stream(chunks, cleared)


def _not_kept(error: Exception, request: Request, caller: Caller) -> Clearance:
    log.error("the verdict could not be kept (%s)", type(error).__name__)
    return pinned(NOT_KEPT, request, caller)


def _blame(error: Exception) -> str:
    """The reason of a verdict that could not be reached."""
    if isinstance(error, Unreadable):
        return str(error)
    _failed(error)
    return TOO_SLOW if isinstance(error, TimeoutError) else FAILED


def _failed(error: Exception) -> None:
    log.error("a detector failed (%s): requests are pinned", type(error).__name__)


def _unreadable(part: object, images: bool, seals: Seals) -> bool:
    """Whether a part holds what no detector here can read. `images`: those may go unread."""
    if isinstance(part, Opaque):
        return _holds_bytes(part.raw, seals)
    if isinstance(part, ToolResult):
        return any(_unreadable(inner, images, seals) for inner in part.parts)
    if isinstance(part, Media) and not (images and part.kind == "image"):
        return part.url is None or part.url.startswith("data:")
    return False


def _holds_bytes(value: object, seals: Seals) -> bool:
    """Whether a block that only its vendor knows holds a file or a cipher, beside what this vendor
    is known to seal for itself. Its other strings are read as text."""
    if isinstance(value, dict):
        kind = value.get("type")
        return any(
            _holds_bytes(inner, seals) for key, inner in value.items() if (kind, key) not in seals
        )
    if isinstance(value, list):
        return any(_holds_bytes(inner, seals) for inner in value)
    return isinstance(value, str) and (
        value.startswith("data:") or _BYTES.fullmatch(value) is not None
    )
