"""What is kept of a request and its answer: by policy, by tier, never more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shortstop.config import TracesConfig
from shortstop.traces.content import ContentPolicy, Redact
from shortstop.traces.document import decode
from shortstop.traces.seal import Seal
from shortstop.types import Clearance, Finding, Json, Reach, Tier, Trace
from tests.traces.example import LOCAL, trace

S3 = Clearance(Tier.S3, Reach.LOCAL_ONLY, labels=("iban",))


def document(config: TracesConfig, original: Trace, redact: Redact | None = None) -> Json:
    tree: Json = msgspec.json.decode(ContentPolicy(config, redact).seal(original))
    return tree


def kept(config: TracesConfig, original: Trace, redact: Redact | None = None) -> Json:
    found = decode(ContentPolicy(config, redact).seal(original))
    return {"request": found.request, "response": found.response}


NOTHING = {"request": None, "response": None}
ALL = {"request": LOCAL.request, "response": LOCAL.response}


@pytest.mark.parametrize(
    ("config", "tier", "expected"),
    [
        (TracesConfig(), Tier.S0, ALL),
        (TracesConfig(), Tier.S2, ALL),
        (TracesConfig(), Tier.S3, NOTHING),
        (TracesConfig(sensitive_content="full"), Tier.S3, ALL),
        (TracesConfig(content="digest"), Tier.S0, NOTHING),
        (TracesConfig(content="redacted"), Tier.S0, NOTHING),
    ],
)
def test_content_by_policy(config: TracesConfig, tier: Tier, expected: Json) -> None:
    clearance = Clearance(tier, Reach.ANYWHERE)
    assert kept(config, trace(clearance=clearance)) == expected


def test_redacted_content_is_what_the_redactor_leaves() -> None:
    def redact(body: Json, tenant: str) -> Json:
        return {"tenant": tenant, "keys": sorted(body)}

    config = TracesConfig(sensitive_content="redacted")
    original = trace(clearance=S3)
    tree = document(config, original, redact)
    assert {name: tree[name] for name in NOTHING} == {
        "request": {"tenant": original.tenant, "keys": ["messages"]},
        "response": {"tenant": original.tenant, "keys": ["choices"]},
    }


def test_a_redacted_answer_is_read_as_an_answer_again() -> None:
    def redact(body: Json, tenant: str) -> Json:
        text = msgspec.json.encode(body).replace(b"card_arrival", b"[LABEL]")
        redacted: Json = msgspec.json.decode(text)
        return redacted

    response = kept(TracesConfig(content="redacted"), LOCAL, redact)["response"]
    assert [choice.text for choice in response] == ["[LABEL]"]


def test_a_redactor_that_fails_keeps_nothing() -> None:
    def redact(body: Json, tenant: str) -> Json:
        raise KeyError("oops")

    assert kept(TracesConfig(content="redacted"), LOCAL, redact) == NOTHING


def test_content_that_json_cannot_hold_is_left_out() -> None:
    broken = trace(request={"text": "\ud800"})
    assert kept(TracesConfig(), broken) == NOTHING


@pytest.mark.parametrize(
    "config", [TracesConfig(content="digest"), TracesConfig(content="redacted")]
)
def test_without_the_content_no_place_of_a_finding_is_kept(config: TracesConfig) -> None:
    """The key of an object can be the secret itself."""
    clearance = Clearance(
        Tier.S2, Reach.ANYWHERE, findings=(Finding("EMAIL", Tier.S2, "email", "$.jane@acme.com"),)
    )
    found = decode(ContentPolicy(config).seal(trace(clearance=clearance))).clearance.findings
    assert [(one.label, one.path) for one in found] == [("EMAIL", "")]
    sealed = ContentPolicy(TracesConfig(), seal=Seal("key")).seal(trace(clearance=clearance))
    assert b"jane" not in sealed


def test_what_is_sealed_is_opened_by_its_key_alone() -> None:
    sealed = ContentPolicy(TracesConfig(), seal=Seal("key")).seal(LOCAL)
    with_key: Any = decode(sealed, Seal("key"))
    assert {"request": with_key.request, "response": with_key.response} == ALL
    without: Any = decode(sealed)
    assert {"request": without.request, "response": without.response} == NOTHING
