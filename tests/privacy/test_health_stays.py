"""Somebody's health goes to no provider without a BAA: whatever the policy, wherever it stands."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused, TargetRefused
from shortstop.privacy import labels
from shortstop.types import Caller, Json
from tests.privacy.conftest import REMOTE, guard, make, stores

ACTIONS = ("allow", "pseudonymise", "redact", "local_only", "block")
PEOPLE = ("Her name is Ms Carla Boateng, carla.boateng@inbox-mail.com.", "MRN 5518213, room 12")
ILLNESSES = ("stage 3 melanoma, starts pembrolizumab", "Dx lupus nephritis, on prednisolone 20 mg")
FILLER = "Our chairs come in many colours. " * 25

RULES = st.builds(
    PrivacyRule,
    st.sampled_from(ACTIONS),
    tier=st.sampled_from(["", "S1", "S2", "S3"]),
    labels=st.lists(st.sampled_from(sorted(labels.every())), max_size=4).map(tuple),
    direction=st.sampled_from(["request", "response", "both"]),
    min_count=st.integers(1, 5),
)
POLICIES = st.builds(
    PrivacyPolicy,
    rules=st.lists(RULES, max_size=4).map(tuple),
    dry_run=st.booleans(),
    images=st.sampled_from(["local_only", "allow"]),
    regions=st.sampled_from([(), ("eu",)]),
)
PLACES = ("system", "user", "later", "tool", "arguments", "metadata", "base64", "json")


def put(body: Json, place: str, text: str) -> None:
    turns = body["messages"]
    if place in ("system", "user", "tool"):
        turns.append({"role": place, "content": text})
    elif place == "later":
        turns += [{"role": "assistant", "content": FILLER}, {"role": "user", "content": text}]
    elif place == "arguments":
        call = {"name": "note", "arguments": f'{{"entry": "{text}"}}'}
        turns.append({"role": "assistant", "tool_calls": [{"id": "c1", "function": call}]})
    elif place == "metadata":
        body["metadata"] = {**body.get("metadata", {}), f"note{len(body)}": text}
    elif place == "base64":
        turns.append({"role": "user", "content": base64.b64encode(text.encode()).decode()})
    else:
        turns.append({"role": "user", "content": f'{{"a": {{"b": "{text}"}}}}'})


@settings(deadline=None, max_examples=150)
@given(
    POLICIES,
    st.sampled_from(PEOPLE),
    st.sampled_from(PLACES),
    st.sampled_from(ILLNESSES),
    st.sampled_from(PLACES),
    st.booleans(),
)
def test_no_policy_lets_it_out(
    policy: PrivacyPolicy, person: str, at: str, illness: str, there: str, illness_first: bool
) -> None:
    body: Json = {"model": "auto", "messages": [{"role": "user", "content": "Hello."}]}
    for place, text in sorted([(at, person), (there, illness)], reverse=illness_first):
        put(body, place, text)
    privacy = guard(PrivacyConfig(policies={"default": policy}, timeout=60))
    request = make(body)
    clearance = privacy.clear(request, Caller())
    with pytest.raises((PrivacyRefused, TargetRefused)):
        privacy.release(request, clearance, REMOTE)


EVERYTHING = PrivacyPolicy(rules=tuple(PrivacyRule("allow", tier=f"S{n}") for n in (1, 2, 3)))


@pytest.mark.parametrize("second", ["What helps against the side effects?", "CONFIDENTIAL: plan"])
def test_a_conversation_that_told_it_stays_with_those_who_may_have_it(second: str) -> None:
    config = PrivacyConfig(policies={"default": EVERYTHING})
    kept, caller = stores(), Caller(conversation="c1")
    privacy = guard(config, kept=kept)
    privacy.clear(make({"messages": [{"role": "user", "content": " ".join(PEOPLE)}]}), caller)
    request = make({"messages": [{"role": "user", "content": second}]}, "r2")
    clearance = privacy.clear(request, caller)
    with pytest.raises(TargetRefused, match="BAA"):
        privacy.release(request, clearance, REMOTE)
    signed = guard(config, kept=kept, baa=frozenset({"vendor"}))
    assert signed.release(request, clearance, REMOTE).request.id == "r2"


def test_an_address_alone_is_still_replaced_and_sent() -> None:
    config = PrivacyConfig(
        policies={"default": PrivacyPolicy(rules=(PrivacyRule("pseudonymise", tier="S2"),))}
    )
    privacy = guard(config)
    request = make({"messages": [{"role": "user", "content": "Mail carla.boateng@inbox-mail.com"}]})
    sent = privacy.release(request, privacy.clear(request, Caller()), REMOTE)
    assert "boateng" not in str(sent.request.body)
