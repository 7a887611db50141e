"""Policies: the same decision when a request is judged and when it leaves; the strictest wins."""

from __future__ import annotations

import pytest

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused
from shortstop.privacy import lint, policy
from shortstop.types import Caller, Clearance, Finding, Reach, Request, Tier

from .conftest import REMOTE, chat, guard, make

MAIL, KEY = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"


def under(*rules: PrivacyRule, **more: object) -> PrivacyConfig:
    return PrivacyConfig(policies={"default": PrivacyPolicy(rules=rules, **more)})  # type: ignore[arg-type]


def judged(config: PrivacyConfig, text: str, caller: Caller) -> tuple[Request, Clearance]:
    request = make(chat(text))
    return request, guard(config).clear(request, caller)


@pytest.mark.parametrize("stand_in", ["pseudonymise", "redact"])
def test_what_a_rule_for_one_route_takes_out_is_gone_when_it_leaves(stand_in: str) -> None:
    """A rule with a route was once forgotten between the verdict and the release."""
    judge = guard(under(PrivacyRule(stand_in, tier="S2", route="mail")))
    request, mailer = make(chat(f"write to {MAIL}")), Caller(task="mail")
    clearance = judge.clear(request, mailer)
    assert clearance.reach == Reach.PSEUDONYMISED
    assert MAIL not in repr(judge.release(request, clearance, REMOTE).request.body)
    assert judge.clear(request, Caller(task="other")).reach == Reach.LOCAL_ONLY


def test_a_policy_that_grew_stricter_meanwhile_is_heeded() -> None:
    loose, tight = under(PrivacyRule("pseudonymise", tier="S2")), under()
    request, clearance = judged(loose, f"write to {MAIL}", Caller())
    later = guard(tight)
    later.clear(request, Caller())
    with pytest.raises(PrivacyRefused):
        later.release(request, clearance, REMOTE)


@pytest.mark.parametrize("stand_in", ["pseudonymise", "redact"])
def test_no_stand_in_lets_tier_s3_out(stand_in: str) -> None:
    config = under(PrivacyRule(stand_in, tier="S3"), PrivacyRule(stand_in, labels=("SECRET",)))
    assert judged(config, f"the key is {KEY}", Caller())[1].reach == Reach.LOCAL_ONLY
    assert len(lint.problems(config)) == 2


def test_a_count_is_of_all_that_a_rule_speaks_of() -> None:
    """Three values of one tier, each of another kind, are three."""
    many = PrivacyRule("block", tier="S2", min_count=3)
    config = under(many, PrivacyRule("pseudonymise", tier="S2"))
    two, three = f"{MAIL}, +1 415 555 2671", f"{MAIL}, +1 415 555 2671, 5474-0399-6012-1113"
    assert judged(config, two, Caller())[1].reach == Reach.PSEUDONYMISED
    assert judged(config, three, Caller())[1].reach == Reach.REFUSED


def test_a_dry_run_changes_nothing_but_what_is_noted() -> None:
    trial = under(PrivacyRule("block", tier="S2"), dry_run=True, providers=("nobody",))
    judge, request = guard(trial), make(chat("hello"))
    clearance = judge.clear(request, Caller())
    assert judge.release(request, clearance, REMOTE).target == REMOTE.name
    _, mail = judged(trial, MAIL, Caller())
    assert mail.reach == Reach.LOCAL_ONLY
    assert "dry-run-refused" in mail.reasons


def test_every_tenant_has_its_own_policy_and_the_rest_the_default() -> None:
    config = PrivacyConfig(
        policies={
            "careful": PrivacyPolicy(version="7", rules=(PrivacyRule("block", tier="S2"),)),
            "default": PrivacyPolicy(rules=(PrivacyRule("allow", labels=("EMAIL",)),)),
        },
        tenants={"acme": "careful"},
    )
    acme, other = (judged(config, MAIL, Caller(tenant=t))[1] for t in ("acme", "other"))
    assert (acme.reach, acme.policy) == (Reach.REFUSED, "careful-7")
    assert (other.reach, other.policy) == (Reach.ANYWHERE, "default-1")


def test_a_tenant_whose_policy_is_missing_is_pinned() -> None:
    _, clearance = judged(PrivacyConfig(tenants={"default": "gone"}), "hello", Caller())
    assert (clearance.reach, clearance.tier) == (Reach.LOCAL_ONLY, Tier.S3)


def test_a_label_on_two_tiers_gets_the_strictest_answer() -> None:
    rules = PrivacyPolicy(rules=(PrivacyRule("allow", tier="S1"), PrivacyRule("block", tier="S2")))
    found = [Finding("X", Tier.S1, "a", "$"), Finding("X", Tier.S2, "b", "$")]
    assert policy.actions(rules, found) == {"X": "block"}
