"""The guard: judges every request, and alone makes what may leave."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from shortstop.config import PrivacyConfig, PrivacyPolicy
from shortstop.errors import ConfigError, PrivacyRefused, TargetRefused
from shortstop.privacy import policy
from shortstop.privacy.audit import AuditLog, Event
from shortstop.privacy.detect.alarm import alarm
from shortstop.privacy.detect.register import Register
from shortstop.privacy.detect.scan import Unreadable, scan
from shortstop.privacy.images import without_images
from shortstop.privacy.leaves import Leaf, leaves
from shortstop.privacy.names import reader
from shortstop.privacy.names.tagger import Tagger
from shortstop.privacy.replace import answers, pseudonyms
from shortstop.privacy.replace.restore import Restorer
from shortstop.privacy.replace.surrogates import SurrogateFactory
from shortstop.privacy.replace.vault import Scope, Vault
from shortstop.privacy.taint import Taint
from shortstop.types import (
    Caller,
    Chunk,
    Clearance,
    Cleared,
    Finding,
    Json,
    Media,
    Opaque,
    Reach,
    Reply,
    Request,
    Target,
    Tier,
    ToolResult,
)

log = logging.getLogger(__name__)

Rebuild = Callable[[Request, Json], Request]
NAMES_READ = "names-read"
REMEMBERED = 20_000
"""Requests in flight whose caller is remembered between `clear` and `restore`."""

GRACE = 0.02
"""Seconds beyond the time limit before a detector that does not heed it is stopped."""
NAMES = 1_000
"""Names of tasks whose verdict is remembered."""


class Watcher(Protocol):
    """Counts what privacy does."""

    def judged(self, clearance: Clearance, seconds: float) -> None: ...

    def stood_in(self, labels: Iterable[str]) -> None:
        """Values that leave as a stand-in, by label."""

    def missed(self) -> None:
        """An answer holds a stand-in that cannot be turned back."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What a request was judged as: the same must hold when it is let go."""

    scope: Scope
    route: str


class PrivacyGuard:
    """Implements ports.Guard. Any failure pins.

    `rebuild` decodes a rewritten body in the request's own dialect. `baa` lists the providers that
    signed a business associate agreement. `taint` and `vault` may be handed from one guard to the
    next, so that a reload forgets nothing.
    """

    def __init__(
        self,
        config: PrivacyConfig,
        rebuild: Rebuild,
        *,
        key: bytes | None = None,
        baa: frozenset[str] = frozenset(),
        taint: Taint | None = None,
        vault: Vault | None = None,
        audit: AuditLog | None = None,
        watcher: Watcher | None = None,
        tagger: Tagger | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._config, self._rebuild, self._baa = config, rebuild, baa
        self._key = key or privacy_key(config, os.environ)
        self.taint = taint if taint is not None else Taint()
        self.vault = vault if vault is not None else Vault(clock, config.vault_hours * 3600)
        self._audit, self._clock, self._monotonic = audit, clock, monotonic
        self._watcher, self._tagger = watcher, tagger
        self._cases: OrderedDict[str, _Case] = OrderedDict()
        self._names: dict[tuple[str, str], bool] = {}
        self._registers = {
            tenant: Register(
                config.terms.get(tenant, ()),
                [_document(f, tenant) for f in config.documents.get(tenant, ())],
            )
            for tenant in {*config.terms, *config.documents}
        }

    # ------------------------------------------------------------ judging

    def warm(self) -> None:
        """Build the detectors, some 200 ms, so that the first request need not wait for them."""
        try:
            self.findings({"text": "call Jane on +1 415 555 0132, card 4111 1111 1111 1111"})
        except Exception as error:
            log.error("a detector failed (%s): requests will be pinned", type(error).__name__)

    def clear(self, request: Request, caller: Caller) -> Clearance:
        """Never raises: what cannot be judged is pinned."""
        began = time.perf_counter()
        clearance = self._clear(request, caller)
        if self._watcher is not None:
            self._watcher.judged(clearance, time.perf_counter() - began)
        return clearance

    def _clear(self, request: Request, caller: Caller) -> Clearance:
        try:
            clearance = self._judge(request, caller)
        except Unreadable as error:
            clearance = _pinned(str(error))
        except Exception as error:  # fail closed, whatever a detector does
            log.error("a detector failed (%s): the request is pinned", type(error).__name__)
            late = isinstance(error, TimeoutError)
            clearance = _pinned("detector-too-slow" if late else "detector-failed")
        return self._kept(request, caller, clearance)

    def give_up(self, request: Request, caller: Caller) -> Clearance:
        """Pinned: somebody else's detectors hang."""
        self._remember(request, caller)
        clearance = self._kept(request, caller, _pinned("detector-too-slow"))
        if self._watcher is not None:
            self._watcher.judged(clearance, self._config.timeout)
        return clearance

    def _kept(self, request: Request, caller: Caller, clearance: Clearance) -> Clearance:
        try:
            self.taint.see(caller.tenant, caller.conversation, clearance.tier)
            self._note("clear", request, caller.tenant, clearance)
        except Exception as error:
            log.error("the verdict could not be kept (%s)", type(error).__name__)
            return _pinned("verdict-not-kept")
        return clearance

    def _judge(self, request: Request, caller: Caller) -> Clearance:
        self._remember(request, caller)
        name, rules = policy.chosen(self._config, caller.tenant)
        body, images = _body(request), policy.in_force(rules).images == "allow"
        if any(_unreadable(p, images) for m in request.messages for p in m.parts):
            raise Unreadable("unknown-part")
        findings = self.findings(without_images(body) if images else body, caller.tenant)
        seen = self.taint.tier(caller.tenant, caller.conversation)
        return _verdict(findings, seen, name, rules, caller.task or "*")

    def findings(self, body: Json, tenant: str = "default") -> list[Finding]:
        """Everything found. Raises Unreadable, TimeoutError, ValueError: all of them pin."""
        deadline = self._monotonic() + self._config.timeout

        def tick() -> None:
            if self._monotonic() > deadline:
                raise TimeoutError("the detectors ran out of time")

        room, kept = self._config.max_scan_chars, list[Leaf]()
        for leaf in leaves(body):
            room -= len(leaf.text)
            if room < 0:
                raise Unreadable("too-large-to-scan")
            kept.append(leaf)
        with alarm(self._config.timeout + GRACE):
            return scan(kept, self._registers.get(tenant), tick)

    def harmless(self, name: str, tenant: str) -> bool:
        """Whether a name that a client gives to something may be written down as it is."""
        known = self._names.get((name, tenant))
        if known is None:
            known = self._names[name, tenant] = self._harmless(name, tenant)
            if len(self._names) > NAMES:
                self._names.pop(next(iter(self._names)))
        return known

    def _harmless(self, name: str, tenant: str) -> bool:
        try:
            return all(f.tier < Tier.S2 for f in self.findings({"text": name}, tenant))
        except Exception:  # what cannot be read is no name
            return False

    # ------------------------------------------------------------ letting go

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        """The verdict with the names in it, where the tenant's policy wants them out.

        Raises PrivacyRefused when they cannot be read in time: then the request stays.
        """
        if clearance.reach >= Reach.LOCAL_ONLY or not self._wants_names(request):
            return clearance
        if self._tagger is None:
            raise PrivacyRefused("Nothing here can read the names in this request.")
        try:
            told = reader.told(_body(request))
            seen = await self._tagger.entities([leaf.text for leaf in told])
            read = await asyncio.to_thread(reader.findings, told, seen)
            found = (*clearance.findings, *read)
        except Exception as error:
            log.error("names could not be read (%s): the request stays", type(error).__name__)
            raise PrivacyRefused("The names in this request could not be read.") from error
        case = self._case(request)
        _, rules = policy.chosen(self._config, case.scope[0])
        decided = policy.actions(rules, found, case.route)
        return msgspec.structs.replace(
            clearance,
            findings=found,
            tier=max(clearance.tier, *(f.tier for f in found)) if found else clearance.tier,
            labels=tuple(sorted({*clearance.labels, *decided})),
            reasons=(*clearance.reasons, NAMES_READ),
            reach=max(clearance.reach, policy.reach(decided.values())),
        )

    def _wants_names(self, request: Request) -> bool:
        if self._config.ner == "off":
            return False
        case = self._case(request)
        _, rules = policy.chosen(self._config, case.scope[0])
        return not rules.dry_run and policy.reads_names(rules, case.route)

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """Raises PrivacyRefused when the request may not leave."""
        tenant = self._scope(request)[0]
        try:
            cleared = self._release(request, clearance, target, tenant)
            would = self._would_object(clearance, target, tenant)
            self._note("release", request, tenant, clearance, target.name, would)
        except PrivacyRefused:
            self._note("refuse", request, tenant, clearance, target.name)
            raise
        except Exception as error:
            log.error("a request could not be released (%s)", type(error).__name__)
            raise PrivacyRefused("This request could not be made safe to leave.") from error
        return cleared

    def _release(
        self, request: Request, clearance: Clearance, target: Target, tenant: str
    ) -> Cleared:
        if clearance.reach >= Reach.LOCAL_ONLY or self._config.airgap:
            raise PrivacyRefused(
                f"This request holds {', '.join(clearance.labels) or 'unreadable parts'} "
                "and must stay on the local machine.",
                hint="Use model 'auto' or 'local', or change the privacy policy.",
            )
        rules = policy.in_force(policy.chosen(self._config, tenant)[1])
        objection = policy.objection(rules, target, clearance.labels, self._baa)
        if objection is not None:
            raise TargetRefused(f"The privacy policy keeps this from {target.name}: {objection}.")
        if self._wants_names(request) and NAMES_READ not in clearance.reasons:
            raise PrivacyRefused("The names in this request were not read.")
        if clearance.reach == Reach.PSEUDONYMISED:
            request = self._pseudonymised(request, clearance, rules)
        return Cleared(request, clearance, target.name)

    def _would_object(self, clearance: Clearance, target: Target, tenant: str) -> str:
        """What a policy on trial would have said about the target, for the audit log."""
        _, rules = policy.chosen(self._config, tenant)
        if not rules.dry_run:
            return ""
        objection = policy.objection(rules, target, clearance.labels, self._baa)
        return f"dry-run: {objection}" if objection else ""

    def _pseudonymised(
        self, request: Request, clearance: Clearance, rules: PrivacyPolicy
    ) -> Request:
        case = self._case(request)
        scope, decided = case.scope, policy.actions(rules, clearance.findings, case.route)
        if policy.reach(decided.values()) > Reach.PSEUDONYMISED:
            raise PrivacyRefused("The privacy policy has become stricter meanwhile.")
        taken = [f for f in clearance.findings if decided[f.label] in policy.STANDING_IN]
        if not request.body:
            raise PrivacyRefused("A request without its body cannot be pseudonymised.")
        plain, named = pseudonyms.split(taken)
        values = pseudonyms.values_of(request.body, plain)
        people = {
            name: label
            for name, label in pseudonyms.names_of(request.body, named).items()
            if name not in values
        }
        redact = frozenset(label for label, a in decided.items() if a == "redact")
        labels = values | people
        put, back = pseudonyms.mint(
            labels, redact, self.vault.get(scope), request.body, SurrogateFactory(self._key, *scope)
        )
        plainly = {value: put[value] for value in values}
        body = pseudonyms.rewrite(request.body, plainly)
        self._look_again(body, plainly, {f.label for f in plain}, scope[0])
        body = pseudonyms.rename(body, {name: put[name] for name in people})
        self.vault.put(scope, back)
        if self._watcher is not None:
            self._watcher.stood_in(labels[value] for value in put)
        return self._rebuild(request, body)

    def _look_again(
        self, body: Json, put: Mapping[str, str], labels: set[str], tenant: str
    ) -> None:
        """What was to be taken out must be gone, in every reading."""
        blanked = pseudonyms.rewrite(body, dict.fromkeys(put.values(), " "))
        left = [f for f in self.findings(blanked, tenant) if f.label in labels]
        if left:
            raise PrivacyRefused(f"{left[0].label} could not be taken out of the request.")

    # ------------------------------------------------------------ coming back

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        restorer = self._restorer(cleared)
        return reply if restorer is None else answers.whole(reply, restorer, self._missed)

    def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        restorer = self._restorer(cleared)
        if restorer is None:
            return chunks
        return answers.stream(chunks, restorer, self._missed)

    def _restorer(self, cleared: Cleared) -> Restorer | None:
        if cleared.clearance.reach != Reach.PSEUDONYMISED:
            return None
        values = self.vault.get(self._scope(cleared.request))
        return Restorer(values) if values else None

    def _missed(self) -> None:
        if self._watcher is not None:
            self._watcher.missed()

    def erase(self, tenant: str, conversation: str) -> bool:
        """Forget a conversation's values for good."""
        return self.vault.erase((tenant, conversation))

    # ------------------------------------------------------------ memory

    def _remember(self, request: Request, caller: Caller) -> None:
        conversation = caller.conversation or f"unnamed-{_opening(request)}"
        self._cases[request.id] = _Case((caller.tenant, conversation), caller.task or "*")
        self._cases.move_to_end(request.id)
        while len(self._cases) > REMEMBERED:
            self._cases.popitem(last=False)

    def _case(self, request: Request) -> _Case:
        case = self._cases.get(request.id)
        if case is None:
            raise PrivacyRefused("This request was never judged, so it cannot leave.")
        return case

    def _scope(self, request: Request) -> Scope:
        return self._case(request).scope

    def _note(
        self,
        kind: str,
        request: Request,
        tenant: str,
        verdict: Clearance,
        target: str | None = None,
        detail: str = "",
    ) -> None:
        if self._audit is None:
            return
        self._audit.append(
            Event(
                at=self._clock(),
                kind=kind,
                tenant=tenant,
                request=request.id,
                tier=verdict.tier,
                reach=verdict.reach,
                labels=dict(Counter(f.label for f in verdict.findings)),
                reasons=verdict.reasons,
                policy=verdict.policy,
                target=target,
                detail=detail,
            )
        )


def _document(path: str, tenant: str) -> str:
    """Raises ConfigError: a document that cannot be read cannot be protected."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"The document {path!r} of tenant {tenant!r} cannot be read: {why}."
        ) from error


def _verdict(
    findings: list[Finding], seen: Tier, name: str, rules: PrivacyPolicy, route: str
) -> Clearance:
    if not findings and seen == Tier.S0 and not rules.dry_run:
        return Clearance(Tier.S0, Reach.ANYWHERE, policy=name)
    own = max((f.tier for f in findings), default=Tier.S0)
    tier = max(own, seen)
    acting = policy.in_force(rules)
    decided = list(policy.actions(acting, findings, route).values())
    reasons = {f.rule for f in findings}
    if seen > own:
        taint = Finding("TAINT", seen, "taint", "")
        decided.append(policy.action(acting, taint, [taint], route))
        reasons.add(f"conversation-saw-{seen.name}")
    if rules.dry_run:
        would = policy.reach(policy.actions(rules, findings, route).values())
        reasons.add(f"dry-run-{would.name.lower()}")
    return Clearance(
        tier=tier,
        reach=policy.reach(decided),
        labels=tuple(sorted({f.label for f in findings} | ({"TAINT"} if seen > own else set()))),
        reasons=tuple(sorted(reasons)),
        policy=name,
        findings=tuple(findings),
    )


def _unreadable(part: object, images: bool) -> bool:
    """Whether a part holds what no detector here can read. `images`: those may go unread."""
    if isinstance(part, Opaque):
        return True
    if isinstance(part, ToolResult):
        return any(_unreadable(p, images) for p in part.parts)
    if isinstance(part, Media) and not (images and part.kind == "image"):
        return part.url is None or part.url.startswith("data:")
    return False


def _body(request: Request) -> Json:
    if request.body:
        return request.body
    plain: Json = msgspec.to_builtins(request)
    return {k: v for k, v in plain.items() if k not in ("id", "dialect", "body")}


def _opening(request: Request) -> str:
    """How a conversation begins, for clients that do not name it."""
    first = next((m.text for m in request.messages if m.role == "user"), request.id)
    return hashlib.blake2b(first.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def privacy_key(config: PrivacyConfig, env: Mapping[str, str]) -> bytes:
    """The key of surrogates and audit: the operator's, or one that lasts as long as the process."""
    given = env.get(config.key_env)
    return hashlib.sha256(given.encode()).digest() if given else os.urandom(32)


def audit_key(config: PrivacyConfig, env: Mapping[str, str]) -> bytes:
    """The operator's key. Raises ConfigError without one: nobody could check such a log later."""
    if not env.get(config.key_env):
        raise ConfigError(
            f"[privacy] `audit` needs a key in ${config.key_env}.",
            hint="Set it to a long random text and keep it: it proves the log, today and later.",
        )
    return privacy_key(config, env)


def _pinned(reason: str) -> Clearance:
    return Clearance(Tier.S3, Reach.LOCAL_ONLY, ("UNREADABLE",), (reason,))
