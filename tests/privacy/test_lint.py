"""The lint names every rule that does not do what it seems to."""

from __future__ import annotations

import pytest

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.privacy import labels, lint


def problems(*rules: PrivacyRule, **more: object) -> list[str]:
    policy = PrivacyPolicy(rules=rules, **more)  # type: ignore[arg-type]
    return lint.problems(PrivacyConfig(policies={"p": policy}))


@pytest.mark.parametrize(
    "rule",
    [
        PrivacyRule("pseudonymise", tier="S2"),
        PrivacyRule("block", labels=("SECRET", "EMAIL")),
        PrivacyRule("allow", labels=("EMAIL",)),
        PrivacyRule("local_only", tier="S3"),
        PrivacyRule("redact", tier="S3", direction="reply"),
        PrivacyRule("allow", labels=("TAINT", "PERSON")),
    ],
)
def test_a_sound_rule_has_no_problem(rule: PrivacyRule) -> None:
    assert problems(rule) == []


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (PrivacyRule("block", labels=("NOPE",)), "no detector gives the label 'NOPE'"),
        (PrivacyRule("block"), "names neither a label nor a tier, so it never holds"),
        (PrivacyRule("allow", tier="S3"), "lets secrets or unreadable parts leave"),
        (PrivacyRule("allow", labels=("SECRET",)), "lets secrets or unreadable parts leave"),
        (PrivacyRule("allow", labels=("UNREADABLE",)), "lets secrets or unreadable parts leave"),
        (PrivacyRule("redact", tier="S3"), "cannot be made harmless by redact"),
        (PrivacyRule("pseudonymise", labels=("SECRET",)), "cannot be made harmless by"),
        (PrivacyRule("redact", tier="S3", direction="both"), "cannot be made harmless by"),
    ],
)
def test_each_problem_is_named_with_its_place(rule: PrivacyRule, problem: str) -> None:
    (line,) = problems(PrivacyRule("block", tier="S2"), rule)
    assert line.startswith("policy p, rule 2: ")
    assert problem in line


def test_every_problem_of_a_rule_is_named() -> None:
    assert len(problems(PrivacyRule("allow", labels=("SECRET", "NOPE", "NEITHER")))) == 3


def test_a_strict_policy_has_an_answer_for_every_label() -> None:
    assert len(problems(strict=True)) == len(labels.every())
    some = problems(PrivacyRule("block", labels=("EMAIL",)), strict=True)
    assert len(some) == len(labels.every()) - 1
    assert not any("'EMAIL'" in line for line in some)
    both = (PrivacyRule("block", tier="S2"), PrivacyRule("block", tier="S3"))
    assert problems(*both, strict=True) == []
    assert problems(*both[:1], strict=True) != []


def test_a_tenant_without_its_policy_is_named() -> None:
    config = PrivacyConfig(
        tenants={"a": "q", "b": "default", "c": "p"}, policies={"p": PrivacyPolicy()}
    )
    assert lint.problems(config) == ["tenant a: there is no policy 'q'"]


def test_problems_of_several_policies_are_all_named() -> None:
    bad = PrivacyPolicy(rules=(PrivacyRule("allow", tier="S3"), PrivacyRule("block", ("NOPE",))))
    found = lint.problems(PrivacyConfig(policies={"p": bad, "r": bad}, tenants={"a": "q"}))
    assert len(found) == 5
