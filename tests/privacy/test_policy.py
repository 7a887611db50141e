"""Policies: the same decision when a request is judged and when it leaves; the strictest wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused
from shortstop.privacy import labels, policy
from shortstop.privacy.policy import REACH, SEVERITY, Policies, TenantPolicy
from shortstop.types import Caller, Clearance, Finding, Reach, Request, Target, Tier

from .conftest import REMOTE, chat, guard, make

MAIL, KEY = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"


def under(*rules: PrivacyRule, **more: object) -> PrivacyConfig:
    return PrivacyConfig(policies={"default": PrivacyPolicy(rules=rules, **more)})  # type: ignore[arg-type]


def judged(config: PrivacyConfig, text: str, caller: Caller) -> tuple[Request, Clearance]:
    request = make(chat(text))
    return request, guard(config).clear(request, caller)


def finding(label: str = "EMAIL", tier: Tier = Tier.S2, path: str = "$", at: int = 0) -> Finding:
    return Finding(label, tier, label.lower(), path, at, at + 5)


def acts(*rules: PrivacyRule) -> PrivacyPolicy:
    return PrivacyPolicy(rules=rules)


# ---------------------------------------------------------------- whose policy


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


def test_without_any_policy_the_built_in_one_decides() -> None:
    assert Policies(PrivacyConfig()).of("acme") == TenantPolicy("builtin-1", PrivacyPolicy())


def test_a_policy_on_trial_leaves_the_decision_to_the_built_in_one() -> None:
    own = PrivacyPolicy(version="2", rules=(PrivacyRule("block", tier="S2"),), dry_run=True)
    rules = Policies(PrivacyConfig(policies={"default": own})).of("acme")
    assert (rules.name, rules.acting, rules.trial) == ("default-2", PrivacyPolicy(), own)


def test_a_tenant_whose_policy_is_missing_is_pinned() -> None:
    config = PrivacyConfig(tenants={"default": "gone"})
    _, clearance = judged(config, "hello", Caller())
    assert (clearance.reach, clearance.tier) == (Reach.LOCAL_ONLY, Tier.S3)
    with pytest.raises(LookupError, match="default"):
        Policies(config).of("default")
    assert Policies(config).of("acme").name == "builtin-1"


# ---------------------------------------------------------------- what to do


ACTIONS = st.sampled_from(SEVERITY)
RULES = st.lists(st.builds(PrivacyRule, ACTIONS, tier=st.sampled_from(["S2", "S3"])), max_size=4)


@given(RULES, RULES)
def test_more_rules_never_loosen(some: list[PrivacyRule], more: list[PrivacyRule]) -> None:
    """Among rules that hold for a label, adding one can only make the answer stricter."""
    base = [*some, PrivacyRule("allow", tier="S2")]
    findings = [finding()]
    loose = policy.actions(acts(*base), findings)["EMAIL"]
    tight = policy.actions(acts(*base, *more), findings)["EMAIL"]
    assert SEVERITY.index(tight) >= SEVERITY.index(loose)


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["EMAIL", "PHONE", "IP"]),
        st.sampled_from([Tier.S1, Tier.S2, Tier.S3]),
        at=st.integers(0, 40),
    ),
    max_size=6,
)
COUNTED = st.lists(
    st.builds(
        PrivacyRule,
        ACTIONS,
        labels=st.lists(st.sampled_from(["EMAIL", "PHONE"]), max_size=1).map(tuple),
        tier=st.sampled_from([None, "S1", "S2", "S3"]),
        min_count=st.integers(1, 3),
    ),
    max_size=4,
)


@given(COUNTED, FINDINGS, FINDINGS)
def test_more_findings_let_nothing_go_further(
    rules: list[PrivacyRule], some: list[Finding], more: list[Finding]
) -> None:
    """Unless a rule that allows needs a number of them: then that is what it says."""
    strict = [r for r in rules if not (r.min_count > 1 and r.action == "allow")]
    alone = policy.actions(acts(*strict), some)
    together = policy.actions(acts(*strict), [*some, *more])
    counted = [r for r in strict if r.min_count > 1]
    if not counted:
        for label, action in alone.items():
            assert SEVERITY.index(together[label]) >= SEVERITY.index(action)
        assert policy.reach(together.values()) >= policy.reach(alone.values())


@given(FINDINGS)
def test_of_several_findings_the_order_does_not_matter(findings: list[Finding]) -> None:
    rules = acts(
        PrivacyRule("redact", labels=("EMAIL",), min_count=2), PrivacyRule("allow", tier="S1")
    )
    assert policy.actions(rules, findings) == policy.actions(rules, findings[::-1])


@pytest.mark.parametrize(
    ("tier", "label", "wanted"),
    [
        (Tier.S3, "SECRET", "local_only"),
        (Tier.S2, "EMAIL", "local_only"),
        (Tier.S1, "PERSON", "pseudonymise"),
        (Tier.S1, "PHONE", "pseudonymise"),
        (Tier.S1, "IP", "allow"),
        (Tier.S0, "IP", "allow"),
    ],
)
def test_what_no_rule_names_goes_by_its_tier(tier: Tier, label: str, wanted: str) -> None:
    found = finding(label, tier)
    assert policy.action(PrivacyPolicy(), found, [found]) == wanted
    assert policy.action(PrivacyPolicy(), found, [found], unnamed="block") == "block"


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (PrivacyRule("block", tier="S2"), True),
        (PrivacyRule("block", labels=("EMAIL", "X")), True),
        (PrivacyRule("block", tier="S3"), False),
        (PrivacyRule("block", labels=("PHONE",)), False),
        (PrivacyRule("block", tier="S2", route="mail"), True),
        (PrivacyRule("block", tier="S2", route="code"), False),
        (PrivacyRule("block", tier="S2", direction="both"), True),
        (PrivacyRule("block", tier="S2", direction="reply"), False),
        (PrivacyRule("block", tier="S2", min_count=2), False),
    ],
)
def test_which_rules_hold(rule: PrivacyRule, holds: bool) -> None:
    found = finding()
    action = policy.action(acts(rule), found, [found], route="mail")
    assert action == ("block" if holds else "local_only")


@pytest.mark.parametrize("stand_in", ["pseudonymise", "redact"])
def test_in_an_answer_a_secret_may_be_replaced(stand_in: str) -> None:
    """In a request it may not: there a stand-in keeps it here."""
    found = finding("SECRET", Tier.S3)
    rule = PrivacyRule(stand_in, tier="S3", direction="both")  # type: ignore[arg-type]
    assert policy.action(acts(rule), found, [found], direction="reply") == stand_in
    assert policy.action(acts(rule), found, [found]) == "local_only"


def test_what_several_detectors_find_in_one_place_is_one_value() -> None:
    rule = PrivacyRule("block", tier="S2", min_count=2)
    same = [finding(at=0), finding("PHONE", at=3)]
    apart = [finding(at=0), finding("PHONE", at=5)]
    elsewhere = [finding(at=0), finding("PHONE", path="$.x", at=0)]
    assert policy.actions(acts(rule), same)["EMAIL"] == "local_only"
    assert policy.actions(acts(rule), apart)["EMAIL"] == "block"
    assert policy.actions(acts(rule), elsewhere)["EMAIL"] == "block"


def test_a_count_is_of_all_that_a_rule_speaks_of() -> None:
    """Three values of one tier, each of another kind, are three."""
    many = PrivacyRule("block", tier="S2", min_count=3)
    config = under(many, PrivacyRule("pseudonymise", tier="S2"))
    two, three = f"{MAIL}, +1 415 555 2671", f"{MAIL}, +1 415 555 2671, 5474-0399-6012-1113"
    assert judged(config, two, Caller())[1].reach == Reach.PSEUDONYMISED
    assert judged(config, three, Caller())[1].reach == Reach.REFUSED


def test_a_label_on_two_tiers_gets_the_strictest_answer() -> None:
    rules = acts(PrivacyRule("allow", tier="S1"), PrivacyRule("block", tier="S2"))
    found = [Finding("X", Tier.S1, "a", "$"), Finding("X", Tier.S2, "b", "$")]
    assert policy.actions(rules, found) == {"X": "block"}


def test_the_most_restrictive_action_decides_how_far_a_request_may_go() -> None:
    assert policy.reach([]) == Reach.ANYWHERE
    for action in SEVERITY:
        assert policy.reach(["allow", action]) == REACH[action]
    assert [REACH[a] for a in SEVERITY] == sorted(REACH[a] for a in SEVERITY)


# ---------------------------------------------------------------- the same when it leaves


@pytest.mark.parametrize("stand_in", ["pseudonymise", "redact"])
def test_what_a_rule_for_one_route_takes_out_is_gone_when_it_leaves(stand_in: str) -> None:
    """A rule with a route was once forgotten between the verdict and the release."""
    judge = guard(under(PrivacyRule(stand_in, tier="S2", route="mail")))  # type: ignore[arg-type]
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
    config = under(PrivacyRule(stand_in, tier="S3"), PrivacyRule(stand_in, labels=("SECRET",)))  # type: ignore[arg-type]
    assert judged(config, f"the key is {KEY}", Caller())[1].reach == Reach.LOCAL_ONLY


def test_a_dry_run_changes_nothing_but_what_is_noted() -> None:
    trial = under(PrivacyRule("block", tier="S2"), dry_run=True, providers=("nobody",))
    judge, request = guard(trial), make(chat("hello"))
    clearance = judge.clear(request, Caller())
    assert judge.release(request, clearance, REMOTE).target == REMOTE.name
    _, mail = judged(trial, MAIL, Caller())
    assert mail.reach == Reach.LOCAL_ONLY
    assert "dry-run-refused" in mail.reasons


# ---------------------------------------------------------------- who may get it


@pytest.mark.parametrize(
    ("rules", "found", "objects"),
    [
        (PrivacyPolicy(), ("EMAIL",), False),
        (PrivacyPolicy(providers=("vendor",), regions=("eu",)), (), False),
        (PrivacyPolicy(providers=("other",)), (), True),
        (PrivacyPolicy(regions=("us",)), (), True),
        (PrivacyPolicy(baa_required=True), (), True),
        (PrivacyPolicy(), ("HEALTH",), True),
        (PrivacyPolicy(), ("EMAIL", "MEDICAL_ID"), True),
    ],
)
def test_whom_a_policy_objects_to(
    rules: PrivacyPolicy, found: tuple[str, ...], objects: bool
) -> None:
    assert (policy.objection(rules, REMOTE, found, frozenset()) is not None) is objects
    signed = policy.objection(rules, REMOTE, found, frozenset({"vendor"}))
    assert (signed is not None) is (objects and not rules.baa_required and not found)


def test_a_region_that_nobody_told_is_on_no_list() -> None:
    nowhere = Target("big", "big", local=False, provider="vendor", context=1)
    rules = PrivacyPolicy(regions=("eu",))
    assert "unknown" in str(policy.objection(rules, nowhere, (), frozenset()))


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("rules", "read"),
    [
        (acts(), True),
        (acts(PrivacyRule("allow", labels=("PERSON",))), True),
        (acts(PrivacyRule("allow", labels=tuple(labels.NAMES))), False),
        (acts(PrivacyRule("allow", tier="S1")), False),
        (acts(PrivacyRule("allow", tier="S1", route="code")), True),
        (acts(PrivacyRule("allow", tier="S1", route="mail")), False),
        (acts(PrivacyRule("allow", tier="S1"), PrivacyRule("redact", labels=("PLACE",))), True),
    ],
)
def test_names_are_read_where_anything_would_come_of_it(rules: PrivacyPolicy, read: bool) -> None:
    assert TenantPolicy("x", rules).reads_names("mail") is read
    assert not TenantPolicy("x", rules, trial=acts()).reads_names("mail")


# ---------------------------------------------------------------- labels


def test_labels_with_a_property_are_labels_that_exist() -> None:
    every = labels.every()
    for some in (
        labels.NAMES,
        labels.READ,
        labels.NEEDS_BAA,
        labels.IDENTIFYING,
        labels.ALWAYS_LOCAL,
    ):
        assert some
        assert some <= every
    assert labels.NAMES <= labels.READ
    assert {"EMAIL", "SECRET", "HEALTH", "TAINT"} <= every


def test_health_data_is_what_needs_an_agreement() -> None:
    assert {"HEALTH", "MEDICAL_ID"} == labels.NEEDS_BAA
