"""What leaves the machine, and what comes back: the only maker of `Cleared`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from msgspec import UNSET
from msgspec.structs import replace

from shortstop.config import PrivacyConfig
from shortstop.errors import PrivacyRefused, TargetRefused
from shortstop.privacy import policy
from shortstop.privacy.body import readable_body
from shortstop.privacy.detect.combine import health_of_anybody
from shortstop.privacy.failclosed import refused_on_failure
from shortstop.privacy.leaves import Leaf, LeafReader
from shortstop.privacy.names import reader as names_reader
from shortstop.privacy.names.people import Entity
from shortstop.privacy.names.tagger import Tagger
from shortstop.privacy.policy import Policies, TenantPolicy
from shortstop.privacy.replace.pseudonymiser import Pseudonymiser
from shortstop.privacy.trail import AuditTrail
from shortstop.types import (
    Case,
    Chunk,
    Clearance,
    Cleared,
    Finding,
    Reach,
    Reply,
    Request,
    Target,
    Tier,
)

NAMES_READ = "names-read"
"""The reason by which a verdict says that `prepare` has read the names."""


class Releaser:
    """Lets judged requests go. `baa` lists the providers that signed a business associate
    agreement; without a `tagger` nothing leaves where a policy wants names out."""

    def __init__(
        self,
        config: PrivacyConfig,
        policies: Policies,
        pseudonymiser: Pseudonymiser,
        trail: AuditTrail,
        baa: frozenset[str],
        tagger: Tagger | None,
    ) -> None:
        self._airgap, self._ner = config.airgap, config.ner != "off"
        self._policies, self._baa = policies, baa
        self._pseudonymiser, self._trail = pseudonymiser, trail
        self._tagger = tagger

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        """The verdict with the request's names in it, where the tenant's policy wants them out.

        Raises PrivacyRefused when they cannot be read in time: then the request stays.
        """
        if clearance.reach >= Reach.LOCAL_ONLY or not self._ner:
            return clearance
        case = _case(request, clearance)
        with refused_on_failure("The names in this request could not be read."):
            rules = self._policies.of(case.tenant)
            if not rules.reads_names(case.route):
                return clearance
            if self._tagger is None:
                raise PrivacyRefused("Nothing here can read the names in this request.")
            names = await _names(request, self._tagger, self._pseudonymiser.reader)
            return _with_names(clearance, names, rules, case.route)

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """What may be sent to `target`, pseudonymised where the verdict says so.

        Raises PrivacyRefused when the request may not leave, TargetRefused when it may not go to
        this target.
        """
        case = _case(request, clearance)
        with refused_on_failure("This request could not be made safe to leave."):
            try:
                rules = self._policies.of(case.tenant)
                cleared = self._release(request, clearance, target, case, rules)
                self._trail.note(
                    "release", clearance, target.name, self._trial(rules, cleared, target)
                )
                return cleared
            except PrivacyRefused:
                self._trail.note("refuse", clearance, target.name)
                raise

    def _release(
        self,
        request: Request,
        clearance: Clearance,
        target: Target,
        case: Case,
        rules: TenantPolicy,
    ) -> Cleared:
        if clearance.reach >= Reach.LOCAL_ONLY or self._airgap:
            raise PrivacyRefused(
                f"This request holds {', '.join(clearance.labels) or 'unreadable parts'} "
                "and must stay on the local machine.",
                hint="Use model 'auto' or 'local', or change the privacy policy.",
            )
        objection = policy.objection(
            rules.acting, target, clearance.labels, self._baa, clearance.tier
        )
        if objection is not None:
            raise TargetRefused(f"The privacy policy keeps this from {target.name}: {objection}.")
        if self._ner and NAMES_READ not in clearance.reasons and rules.reads_names(case.route):
            raise PrivacyRefused("The names in this request were not read.")
        decided = _decided(rules, clearance, case.route) if clearance.labels else {}
        if clearance.reach == Reach.PSEUDONYMISED:
            request = self._pseudonymiser.pseudonymised(request, case, clearance.findings, decided)
        return Cleared(request, clearance, target.name)

    def _trial(self, rules: TenantPolicy, cleared: Cleared, target: Target) -> str:
        """What a policy on trial would have said about the target, for the audit log."""
        if rules.trial is None:
            return ""
        judged = cleared.clearance
        objection = policy.objection(rules.trial, target, judged.labels, self._baa, judged.tier)
        return f"dry-run: {objection}" if objection else ""

    # ------------------------------------------------------------ coming back

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        """The reply with the real values in place of their surrogates."""
        case = _pseudonymised_case(cleared)
        return reply if case is None else self._pseudonymiser.restored(reply, case)

    def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        """The same for a stream, wherever surrogates are cut."""
        case = _pseudonymised_case(cleared)
        return chunks if case is None else self._pseudonymiser.restored_stream(chunks, case)


def _case(request: Request, clearance: Clearance) -> Case:
    """Raises PrivacyRefused for a verdict that is not about this request."""
    case = clearance.case
    if case is UNSET or case.request != request.id:
        raise PrivacyRefused("This request was never judged, so it cannot leave.")
    return case


def _pseudonymised_case(cleared: Cleared) -> Case | None:
    clearance = cleared.clearance
    if clearance.reach != Reach.PSEUDONYMISED or clearance.case is UNSET:
        return None
    return clearance.case


def _decided(rules: TenantPolicy, clearance: Clearance, route: str) -> dict[str, str]:
    """Label -> action by the policy in force now.

    Raises PrivacyRefused where it is stricter than the one that the verdict went by.
    """
    decided = policy.actions(rules.acting, clearance.findings, route)
    reach = policy.reach(decided.values())
    if policy.TAINT in clearance.labels:
        taint = policy.taint_action(rules.acting, clearance.tier, route)
        reach = max(reach, policy.REACH[taint])
    if reach > clearance.reach:
        raise PrivacyRefused("The privacy policy has become stricter since the verdict.")
    return decided


async def _names(request: Request, tagger: Tagger, reader: LeafReader) -> list[Finding]:
    texts = names_reader.readable(readable_body(request), reader)
    entities = await tagger.entities([leaf.text for leaf in texts])
    return await asyncio.to_thread(_read, texts, entities)


def _read(texts: Sequence[Leaf], entities: Sequence[Sequence[Entity]]) -> list[Finding]:
    """The names, and the first word about an illness beside the name of a person."""
    names = names_reader.findings(texts, entities)
    if not any(f.label == "PERSON" for f in names):
        return names
    for leaf in texts:
        if (span := health_of_anybody(leaf.text)) is not None:
            return [*names, Finding("HEALTH", Tier.S3, "health-beside-a-name", leaf.path, *span)]
    return names


def _with_names(
    clearance: Clearance, names: list[Finding], rules: TenantPolicy, route: str
) -> Clearance:
    findings = (*clearance.findings, *names)
    decided = policy.actions(rules.acting, findings, route)
    return replace(
        clearance,
        findings=findings,
        tier=max((clearance.tier, *(f.tier for f in findings))),
        labels=tuple(sorted({*clearance.labels, *decided})),
        reasons=(*clearance.reasons, NAMES_READ),
        reach=max(clearance.reach, policy.reach(decided.values())),
    )
