"""Fail closed, policies, canonical offsets, the open data."""

from __future__ import annotations

import base64
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused
from shortstop.evaluate.privacy import detection
from shortstop.privacy import lint, policy
from shortstop.privacy.detect.canonical import canonical
from shortstop.types import Caller, Finding, Json, Message, Opaque, Reach, Request, Tier
from tests.conftest import FakeClock

from .conftest import REMOTE, chat, guard, make


@given(st.text(max_size=60))
def test_canonical_offsets_stay_inside_and_rise(text: str) -> None:
    view = canonical(text)
    places = [view.raw(i) for i in range(len(view.text) + 1)]
    assert places == sorted(places)
    assert all(0 <= p <= len(text) for p in places)


@given(st.text(max_size=200))
def test_clear_never_raises(text: str) -> None:
    assert guard().clear(make(chat(text)), Caller()).reach <= Reach.REFUSED


def test_a_crashing_detector_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("shortstop.privacy.detectors.scan", crash)
    verdict = guard().clear(make(chat("hello")), Caller())
    assert (verdict.tier, verdict.reach) == (Tier.S3, Reach.LOCAL_ONLY)
    assert verdict.reasons == ("detector-failed",)


def test_a_slow_detector_pins() -> None:
    class Hurrying(FakeClock):
        def monotonic(self) -> float:
            self.advance(10)
            return self.now

    judge = guard(PrivacyConfig(timeout=5), clock=Hurrying())
    verdict = judge.clear(make(chat("hello")), Caller())
    assert verdict.reasons == ("detector-too-slow",)


def test_oversize_is_decided_at_once() -> None:
    request = make(chat("x" * 10_000_000))
    start = time.perf_counter()
    assert guard().clear(request, Caller()).reach == Reach.LOCAL_ONLY
    assert time.perf_counter() - start < 0.5


def test_an_unknown_part_pins() -> None:
    message = Message("user", (Opaque("hologram", {}),))
    request = Request("r", "openai.chat", {"messages": []}, "auto", (message,))
    assert guard().clear(request, Caller()).reasons == ("unknown-part",)


def turn(*blocks: Json) -> Json:
    return {"messages": [{"role": "assistant", "content": list(blocks)}]}


def seal(text: str = "", size: int = 400) -> str:
    """What a vendor sends along with thinking: cipher, in base64."""
    return base64.b64encode(text.encode() or random.Random(1).randbytes(size)).decode()


CIPHERS: list[Callable[[str], Json]] = [
    lambda s: turn({"type": "thinking", "thinking": "", "signature": s}),
    lambda s: turn({"type": "redacted_thinking", "data": s}),
    lambda s: {"input": [{"type": "reasoning", "summary": [], "encrypted_content": s}]},
]


@pytest.mark.parametrize("body", CIPHERS)
def test_a_vendors_own_cipher_may_go_back(body: Callable[[str], Json]) -> None:
    """Without it no agent that thinks gets beyond its first tool call."""
    judge = guard()
    assert judge.clear(make(body(seal())), Caller()).reach == Reach.ANYWHERE
    for text in ("AKIAQ3EGRV5XKJ2HNW7T", seal("the key is AKIAQ3EGRV5XKJ2HNW7T"),
                 "jane.doe@example.org", seal("write to jane.doe@example.org")):  # fmt: skip
        assert judge.clear(make(body(text)), Caller()).reach == Reach.LOCAL_ONLY, text


@pytest.mark.parametrize(
    "body",
    [
        chat(seal()),
        turn({"type": "text", "signature": seal()}),
        turn({"type": "tool_use", "input": {"type": "thinking", "signature": seal()}}),
        {"metadata": {"type": "redacted_thinking", "data": seal()}, "messages": []},
    ],
)
def test_a_cipher_elsewhere_is_unreadable(body: Json) -> None:
    assert guard().clear(make(body), Caller()).reasons == ("unreadable-blob",)


@given(st.uuids(version=4) | st.uuids(version=5))
def test_a_uuid_is_no_number(id: uuid.UUID) -> None:
    """Agents name their session in every request: one accident would pin all of it."""
    told = {"metadata": {"session_id": str(id)}, "input": [{"type": "message", "id": f"msg_{id}"}]}
    found = guard().clear(make(told), Caller()).labels
    assert {"CARD", "IBAN", "PHONE"}.isdisjoint(found)


ACTIONS = st.sampled_from(policy.SEVERITY)
RULES = st.lists(st.builds(PrivacyRule, ACTIONS, tier=st.sampled_from(["S2", "S3"])), max_size=4)


@given(RULES, RULES)
def test_more_rules_never_loosen(some: list[PrivacyRule], more: list[PrivacyRule]) -> None:
    """Among rules that hold for a label, adding one can only make the answer stricter."""
    base = [*some, PrivacyRule("allow", tier="S2")]
    finding = [Finding("EMAIL", Tier.S2, "email", "$")]
    loose = policy.actions(PrivacyPolicy(rules=tuple(base)), finding)["EMAIL"]
    tight = policy.actions(PrivacyPolicy(rules=tuple(base + more)), finding)["EMAIL"]
    assert policy.SEVERITY.index(tight) >= policy.SEVERITY.index(loose)


def test_provider_region_and_baa() -> None:
    allowed = PrivacyPolicy(regions=("us",))
    judge = guard(PrivacyConfig(policies={"default": allowed}))
    request = make(chat("hello"))
    with pytest.raises(PrivacyRefused, match="region"):
        judge.release(request, judge.clear(request, Caller()), REMOTE)
    needs = guard(PrivacyConfig(policies={"default": PrivacyPolicy(baa_required=True)}))
    with pytest.raises(PrivacyRefused, match="BAA"):
        needs.release(request, needs.clear(request, Caller()), REMOTE)


def test_lint_names_what_is_wrong() -> None:
    bad = PrivacyPolicy(rules=(PrivacyRule("allow", tier="S3"), PrivacyRule("block", ("NOPE",))))
    found = lint.problems(PrivacyConfig(policies={"p": bad}, tenants={"a": "q"}))
    assert len(found) == 3


def test_terms_and_documents_never_leave(tmp_path: Path) -> None:
    document = tmp_path / "plan.txt"
    document.write_text("the quick plan is to open twelve new shops in the north before winter")
    config = PrivacyConfig(
        terms={"default": ("Project Osprey",)}, documents={"default": (str(document),)}
    )
    for text in (
        "tell me of project osprey",
        "so: open twelve new shops in the north before winter",
    ):
        assert guard(config).clear(make(chat(text)), Caller()).tier == Tier.S3


def test_the_held_back_half_of_the_open_data(shared_data: Path) -> None:
    rows = detection.read_rows(shared_data / "privacy" / "gateway_dev.jsonl")
    unseen = [r for r in rows if detection.is_held_back(r["id"])]
    examiner = detection.Examiner()
    missed = [r["id"] for r in unseen if r["sensitive"] and examiner.tier(r["text"]) < Tier.S2]
    pinned = [r["id"] for r in unseen if not r["sensitive"] and examiner.tier(r["text"]) >= Tier.S2]
    assert len(missed) <= 5
    assert len(pinned) <= 2
