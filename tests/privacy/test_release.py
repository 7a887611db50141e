"""What leaves: only what was judged, only as it was judged, and only to whom the policy allows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused, StoreError, TargetRefused
from shortstop.privacy import BodyFormat, PrivacyGuard
from shortstop.privacy.audit import AuditEvent, AuditLog, records
from shortstop.privacy.replace.vault import Vault
from shortstop.stores.sqlite.surrogates import SqliteSurrogates
from shortstop.types import Caller, Clearance, Reach, Request, Target, Tier, Trace
from tests.conftest import FakeClock

from .conftest import BODIES, KEY, PSEUDONYMISE, REMOTE, chat, guard, make, stores

MAIL = "jane.doe@acme-corp.com"


def under(*rules: PrivacyRule, **more: object) -> PrivacyConfig:
    return PrivacyConfig(policies={"default": PrivacyPolicy(rules=rules, **more)})  # type: ignore[arg-type]


def judged(config: PrivacyConfig, text: str, **caller: str) -> tuple[Request, Clearance]:
    request = make(chat(text))
    return request, guard(config).clear(request, Caller(**caller))  # type: ignore[arg-type]


# ---------------------------------------------------------------- the case


def test_a_verdict_holds_however_many_requests_come_after_it() -> None:
    """The guard once remembered the callers of its last 20,000 requests, and no more."""
    judge = guard()
    request = make(chat("hello"))
    clearance = judge.clear(request, Caller())
    for n in range(20_001):
        judge.clear(make(chat("hi"), f"later-{n}"), Caller())
    assert judge.release(request, clearance, REMOTE).target == REMOTE.name


def test_a_verdict_holds_after_a_reload() -> None:
    request, clearance = judged(PSEUDONYMISE, f"write to {MAIL}", conversation="c")
    assert clearance.reach == Reach.PSEUDONYMISED
    cleared = guard(PSEUDONYMISE).release(request, clearance, REMOTE)
    assert MAIL not in repr(cleared.request)


@pytest.mark.parametrize("text", ["hello", f"write to {MAIL}"])
def test_of_the_clients_headers_only_what_holds_nothing_leaves(text: str) -> None:
    config = PrivacyConfig(policies=PSEUDONYMISE.policies, terms={"default": ("Osprey",)})
    headers = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "x-source": "search",
        "x-user": MAIL,
        "x-key": "AKIAQ3EGRV5XKJ2HNW7T",
        "x-project": "Osprey launch",
    }
    judge, request = guard(config), replace(make(chat(text)), headers=headers)
    clearance = judge.clear(request, Caller())
    released = judge.release(request, clearance, REMOTE).request
    assert set(released.headers) == {"traceparent", "x-source"}
    assert request.headers == headers, "the client's own request is not changed"


def test_a_verdict_without_its_case_releases_nothing() -> None:
    request, clearance = judged(PrivacyConfig(), "hello")
    with pytest.raises(PrivacyRefused, match="never judged"):
        guard().release(request, clearance.recorded(), REMOTE)


def test_a_verdict_about_another_request_releases_nothing() -> None:
    _, clearance = judged(PrivacyConfig(), "hello")
    with pytest.raises(PrivacyRefused, match="never judged"):
        guard().release(make(chat(MAIL), "another"), clearance, REMOTE)


async def test_names_are_not_read_for_a_request_that_was_never_judged() -> None:
    request, clearance = judged(PrivacyConfig(), "hello")
    with pytest.raises(PrivacyRefused, match="never judged"):
        await guard(PrivacyConfig(ner="en")).prepare(request, clearance.recorded())


def test_what_is_recorded_of_a_verdict_holds_no_case() -> None:
    """Nor does it change what is written: rows of before and after are of one form."""
    _, clearance = judged(PrivacyConfig(), MAIL, conversation="c")
    assert clearance.case is not UNSET
    row = Trace("r", 0.0, "t", "d", "m", "ok", 200, False, 0.1, clearance=clearance.recorded())
    assert row.clearance.case is UNSET
    written = msgspec.json.encode(row.clearance)
    assert list(msgspec.json.decode(written)) == [
        "tier", "reach", "labels", "reasons", "policy", "findings",
    ]  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(row), type=Trace) == row


# ---------------------------------------------------------------- who may get it


def test_what_is_pinned_is_never_released() -> None:
    request, clearance = judged(PrivacyConfig(), MAIL)
    with pytest.raises(PrivacyRefused, match="EMAIL and must stay"):
        guard().release(request, clearance, REMOTE)


def test_an_airgap_releases_nothing_at_all() -> None:
    request, clearance = judged(PrivacyConfig(), "hello")
    with pytest.raises(PrivacyRefused):
        guard(PrivacyConfig(airgap=True)).release(request, clearance, REMOTE)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (PrivacyPolicy(regions=("us",)), "region eu"),
        (PrivacyPolicy(providers=("other",)), "provider vendor"),
        (PrivacyPolicy(baa_required=True), "BAA"),
    ],
)
def test_a_target_that_the_policy_closes_is_refused_by_name(
    policy: PrivacyPolicy, reason: str
) -> None:
    config = PrivacyConfig(policies={"default": policy})
    request, clearance = judged(config, "hello")
    with pytest.raises(TargetRefused, match=f"big: .*{reason}"):
        guard(config).release(request, clearance, REMOTE)


@pytest.mark.parametrize("label", ["HEALTH", "MEDICAL_ID"])
def test_health_data_needs_an_agreement_under_every_policy(label: str) -> None:
    config = under(PrivacyRule("allow", tier="S3"), PrivacyRule("allow", labels=(label,)))
    request, clearance = judged(config, "hello")
    held = replace(clearance, labels=(label,))
    with pytest.raises(TargetRefused, match="BAA"):
        guard(config).release(request, held, REMOTE)
    signed = guard(config, baa=frozenset({"vendor"}))
    assert signed.release(request, held, REMOTE).target == REMOTE.name


def test_a_region_that_is_not_known_is_not_on_any_list() -> None:
    nowhere = Target("big", "big-1", local=False, provider="vendor", context=1)
    config = under(regions=("eu",))
    request, clearance = judged(config, "hello")
    with pytest.raises(TargetRefused, match="region unknown"):
        guard(config).release(request, clearance, nowhere)


# ---------------------------------------------------------------- a policy that changed meanwhile


def test_what_may_go_anywhere_no_longer_does_under_a_stricter_policy() -> None:
    request, clearance = judged(under(PrivacyRule("allow", tier="S2")), f"write to {MAIL}")
    assert clearance.reach == Reach.ANYWHERE
    for stricter in (under(), under(PrivacyRule("pseudonymise", tier="S2"))):
        with pytest.raises(PrivacyRefused, match="stricter"):
            guard(stricter).release(request, clearance, REMOTE)


def test_a_looser_policy_opens_no_verdict() -> None:
    request, clearance = judged(under(), f"write to {MAIL}")
    with pytest.raises(PrivacyRefused):
        guard(under(PrivacyRule("allow", tier="S2"))).release(request, clearance, REMOTE)


def test_a_stricter_policy_about_earlier_turns_is_heeded() -> None:
    loose, kept = under(PrivacyRule("allow", tier="S2")), stores()
    judge, caller = guard(loose, kept=kept), Caller(conversation="c")
    judge.clear(make(chat(MAIL)), caller)
    request = make(chat("send it to her"), "r2")
    clearance = judge.clear(request, caller)
    assert (clearance.labels, clearance.reach) == (("TAINT",), Reach.ANYWHERE)
    assert judge.release(request, clearance, REMOTE).target == REMOTE.name
    with pytest.raises(PrivacyRefused, match="stricter"):
        guard(under(), kept=kept).release(request, clearance, REMOTE)


def test_a_tenant_whose_policy_went_away_gets_nothing_out() -> None:
    request, clearance = judged(PrivacyConfig(), "hello")
    with pytest.raises(PrivacyRefused, match="could not be made safe"):
        guard(PrivacyConfig(tenants={"default": "gone"})).release(request, clearance, REMOTE)


# ---------------------------------------------------------------- failing closed


def test_a_vault_that_fails_lets_nothing_out(tmp_path: Path) -> None:
    store = SqliteSurrogates(tmp_path / "vault.db")
    kept = stores(Vault(lambda: 1.0, 60, store=store, key=b"k" * 32))
    request, clearance = judged(PSEUDONYMISE, f"write to {MAIL}")
    kept.vault.close()
    with pytest.raises(PrivacyRefused, match="could not be made safe"):
        guard(PSEUDONYMISE, kept=kept).release(request, clearance, REMOTE)


def test_a_body_that_cannot_be_decoded_again_lets_nothing_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(request: Request, body: object) -> Request:
        raise RuntimeError(f"cannot decode {body}")

    request, clearance = judged(PSEUDONYMISE, f"write to {MAIL}")
    judge = PrivacyGuard(PSEUDONYMISE, BodyFormat(broken, BODIES.words), stores(), FakeClock())
    with pytest.raises(PrivacyRefused, match="could not be made safe"):
        judge.release(request, clearance, REMOTE)
    assert "RuntimeError" in caplog.text
    assert "cannot decode" not in caplog.text, "an exception's text may quote the request"


def test_a_request_without_a_body_is_not_pseudonymised() -> None:
    request, clearance = judged(PSEUDONYMISE, f"write to {MAIL}")
    with pytest.raises(PrivacyRefused, match="without its body"):
        guard(PSEUDONYMISE).release(replace(request, body={}), clearance, REMOTE)


class FullDisk(AuditLog):
    def append(self, event: AuditEvent) -> None:
        raise StoreError("The audit log's disk is full.")


def test_what_cannot_be_noted_does_not_leave(tmp_path: Path) -> None:
    request, clearance = judged(PrivacyConfig(), "hello")
    judge = guard(kept=stores(audit=FullDisk(tmp_path / "a.log", KEY)))
    with pytest.raises(PrivacyRefused):
        judge.release(request, clearance, REMOTE)
    _, pinned = judged(PrivacyConfig(), MAIL)
    with pytest.raises(PrivacyRefused):
        judge.release(request, pinned, REMOTE)


# ---------------------------------------------------------------- the audit log


def test_every_release_and_every_refusal_is_noted_without_a_value(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    judge = guard(PSEUDONYMISE, kept=stores(audit=AuditLog(path, KEY)))
    caller = Caller(tenant="acme", conversation="c")
    free, secret = make(chat(f"write to {MAIL}")), make(chat("AKIAQ3EGRXQPZ7WJ2YHT"), "r2")
    judge.release(free, judge.clear(free, caller), REMOTE)
    with pytest.raises(PrivacyRefused):
        judge.release(secret, judge.clear(secret, caller), REMOTE)
    events = [r.event for r in records(path)]
    assert [(e.kind, e.request, e.target) for e in events] == [
        ("clear", "r1", None), ("release", "r1", "big"),
        ("clear", "r2", None), ("refuse", "r2", "big"),
    ]  # fmt: skip
    assert {e.tenant for e in events} == {"acme"}
    assert [e.labels for e in events[::2]] == [{"EMAIL": 1}, {"SECRET": 1}]
    assert [e.tier for e in events[::2]] == [Tier.S2, Tier.S3]
    assert MAIL not in path.read_text()
    assert "AKIA" not in path.read_text()


def test_a_policy_on_trial_notes_what_it_would_have_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    config = under(dry_run=True, providers=("other",))
    judge = guard(config, kept=stores(audit=AuditLog(path, KEY)))
    request = make(chat("hello"))
    assert judge.release(request, judge.clear(request, Caller()), REMOTE).target == "big"
    *_, event = [r.event for r in records(path)]
    assert (event.kind, event.detail) == (
        "release", "dry-run: provider vendor is not on the policy's list",
    )  # fmt: skip


# ---------------------------------------------------------------- numbers in groups


@pytest.mark.parametrize(
    "gap", [".", " | ", "\n- ", "</td><td>", '", "', "\u2009", " then ", "\u200b"], ids=ascii
)
def test_a_number_in_groups_leaves_under_one_stand_in(gap: str) -> None:
    value = gap.join(["4532", "0151", "1283", "0366"])
    request, clearance = judged(PSEUDONYMISE, f"my card\n- {value} please", conversation="c")
    assert clearance.tier == Tier.S2
    cleared = guard(PSEUDONYMISE).release(request, clearance, REMOTE)
    sent = repr(cleared.request.body)
    assert not any(group in sent for group in ("4532", "0151", "1283", "0366"))


def test_a_number_in_instalments_does_not_leave() -> None:
    turns = ["my card starts with 4532", "0151", "1283", "0366"]
    body = {"messages": [{"role": "user", "content": text} for text in turns]}
    request = make(body)
    judge = guard(PSEUDONYMISE)
    with pytest.raises(PrivacyRefused):
        judge.release(request, judge.clear(request, Caller()), REMOTE)
