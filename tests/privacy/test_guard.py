"""Every request gets a verdict, and whatever fails on the way pins it."""

from __future__ import annotations

import base64
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import StoreError
from shortstop.privacy.audit import AuditEvent, AuditLog, records
from shortstop.privacy.taint import Taint
from shortstop.types import (
    Caller,
    Case,
    Clearance,
    Json,
    Media,
    Message,
    Opaque,
    Part,
    Reach,
    Request,
    Text,
    Tier,
    ToolResult,
)
from tests.conftest import FakeClock

from .conftest import KEY, UNTIMED, chat, guard, make, stores

MAIL, SECRET = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"


@UNTIMED
@given(st.text(max_size=200))
def test_clear_never_raises(text: str) -> None:
    assert guard().clear(make(chat(text)), Caller()).reach <= Reach.REFUSED


def test_a_look_says_what_clear_says_and_keeps_nothing(tmp_path: Path) -> None:
    audit, taint = AuditLog(tmp_path / "audit.log", KEY), Taint()
    judge = guard(kept=stores(taint=taint, audit=audit))
    asked, caller = make(chat(f"The key is {SECRET}")), Caller(conversation="c")
    seen = judge.look(asked, caller)
    assert taint.tier(caller.tenant, "c") == Tier.S0
    assert list(records(tmp_path / "audit.log")) == []
    cleared = judge.clear(asked, caller)
    assert (seen.tier, seen.reach, seen.labels) == (cleared.tier, cleared.reach, cleared.labels)
    assert taint.tier(caller.tenant, "c") == Tier.S3


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=12) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)


@UNTIMED
@given(st.dictionaries(st.text(max_size=12), JSON, max_size=4))
def test_nor_does_it_for_any_body(body: Json) -> None:
    verdict = guard().clear(Request("r", "openai.chat", body, "auto", ()), Caller())
    assert isinstance(verdict, Clearance)
    assert verdict.tier in Tier


# ---------------------------------------------------------------- failing closed


def test_a_crashing_detector_pins(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("boom, and the text was secret")

    monkeypatch.setattr("shortstop.privacy.detectors.scan", crash)
    verdict = guard().clear(make(chat("hello")), Caller())
    assert (verdict.tier, verdict.reach) == (Tier.S3, Reach.LOCAL_ONLY)
    assert (verdict.labels, verdict.reasons) == (("UNREADABLE",), ("detector-failed",))
    assert "RuntimeError" in caplog.text
    assert "boom" not in caplog.text, "an exception's text may quote the request"


class Hurrying(FakeClock):
    """Ten seconds pass between any two looks at it."""

    def monotonic(self) -> float:
        self.advance(10)
        return self.now


def test_a_slow_detector_pins() -> None:
    judge = guard(PrivacyConfig(timeout=5), clock=Hurrying())
    verdict = judge.clear(make(chat("hello")), Caller())
    assert verdict.reasons == ("detector-too-slow",)


def test_a_request_that_somebody_gave_up_is_pinned_but_not_its_conversation() -> None:
    judge, caller = guard(), Caller(conversation="c")
    verdict = judge.give_up(make(chat("hello")), caller)
    assert (verdict.reach, verdict.reasons) == (Reach.LOCAL_ONLY, ("detector-too-slow",))
    later = judge.clear(make(chat("hello"), "r2"), caller)
    assert (later.tier, later.labels) == (Tier.S0, ())


class Broken(Taint):
    """`tier` or `see` fails, as a store on a full disk does."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method

    def tier(self, tenant: str, conversation: str | None) -> Tier:
        if self._method == "tier":
            raise StoreError("taint.db cannot be read")
        return super().tier(tenant, conversation)

    def see(self, tenant: str, conversation: str | None, tier: Tier) -> Tier:
        if self._method == "see":
            raise StoreError("taint.db cannot be written")
        return super().see(tenant, conversation, tier)


@pytest.mark.parametrize("method", ["tier", "see"])
def test_a_taint_that_fails_pins(method: str) -> None:
    verdict = guard(kept=stores(taint=Broken(method))).clear(make(chat("hello")), Caller())
    assert (verdict.reach, verdict.reasons) == (Reach.LOCAL_ONLY, ("verdict-not-kept",))


class FullDisk(AuditLog):
    def append(self, event: AuditEvent) -> None:
        raise StoreError("The audit log's disk is full.")


def test_a_verdict_that_cannot_be_noted_pins(tmp_path: Path) -> None:
    judge = guard(kept=stores(audit=FullDisk(tmp_path / "a.log", KEY)))
    for verdict in (
        judge.clear(make(chat("hello")), Caller()),
        judge.give_up(make(chat("hello")), Caller()),
    ):
        assert (verdict.reach, verdict.reasons) == (Reach.LOCAL_ONLY, ("verdict-not-kept",))


@pytest.mark.parametrize("error", [TimeoutError(), ZeroDivisionError(), MemoryError()])
def test_a_detector_that_fails_pins_the_request_and_not_its_conversation(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    judge, caller = guard(), Caller(conversation="c")
    with monkeypatch.context() as patch:
        patch.setattr("shortstop.privacy.detectors.scan", fails)
        assert judge.clear(make(chat("hello")), caller).reach == Reach.LOCAL_ONLY
    assert judge.clear(make(chat("hello")), caller).reach == Reach.ANYWHERE


def test_a_failure_forgets_nothing_of_what_a_conversation_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge, caller = guard(), Caller(conversation="c")
    judge.clear(make(chat("my card is 4532 0151 1283 0366")), caller)
    with monkeypatch.context() as patch:
        patch.setattr("shortstop.privacy.detectors.scan", lambda *_: 1 / 0)
        judge.clear(make(chat("hello")), caller)
    assert judge.clear(make(chat("hello")), caller).tier == Tier.S2


@pytest.mark.parametrize(
    "body",
    [
        {"input": [52, 53, 51, 50, 48]},
        {"input": ["text", [101, 2023]]},
        {"prompt": [[1, 2, 3], [4, 5, 6]]},
        {"messages": [], "prompt_token_ids": [1, 15043]},
    ],
)
def test_text_as_token_numbers_stays(body: Json) -> None:
    verdict = guard().clear(make(body), Caller())
    assert (verdict.reach, verdict.reasons) == (Reach.LOCAL_ONLY, ("token-array",))


def test_other_numbers_do_not() -> None:
    body = {**chat("hello"), "n": 2, "tools": [{"enum": [1, 2, 3]}]}
    assert guard().clear(make(body), Caller()).reach == Reach.ANYWHERE


def test_the_alarm_is_off_when_nothing_hangs() -> None:
    judge = guard(PrivacyConfig(timeout=0.05))
    judge.warm()
    judge.clear(make(chat("hello")), Caller())
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        pass


def test_warming_never_raises(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shortstop.privacy.detectors.scan", lambda *_: 1 / 0)
    guard().warm()
    assert "ZeroDivisionError" in caplog.text


# ---------------------------------------------------------------- what cannot be read


def test_oversize_is_decided_at_once() -> None:
    request = make(chat("x" * 10_000_000))
    start = time.perf_counter()
    assert guard().clear(request, Caller()).reasons == ("too-large-to-scan",)
    assert time.perf_counter() - start < 0.5


PIXELS = Media("image", url="data:image/png;base64,AAAA")


@pytest.mark.parametrize(
    ("part", "readable"),
    [
        (Opaque("note", {"type": "note", "text": "fine"}), True),
        (Opaque("hologram", {"rays": "data:model/x;base64,AAAA"}), False),
        (Opaque("hologram", {"type": "hologram", "rays": ["QUJD" * 30]}), False),
        (ToolResult("c", (Opaque("hologram", {"rays": "data:,x"}),)), False),
        (ToolResult("c", (Text("fine"),)), True),
        (PIXELS, False),
        (Media("image", url=None), False),
        (Media("image", url="https://h.example/i.png"), True),
        (Media("audio", url="data:audio/wav;base64,AAAA"), False),
    ],
)
def test_a_part_that_nobody_can_read_pins(part: Part, readable: bool) -> None:
    request = Request("r", "openai.chat", {"messages": []}, "auto", (Message("user", (part,)),))
    reasons = guard().clear(request, Caller()).reasons
    assert reasons == (() if readable else ("unknown-part",))


def test_only_images_may_go_unread_where_a_policy_says_so() -> None:
    judge = guard(PrivacyConfig(policies={"default": PrivacyPolicy(images="allow")}))
    for part, free in ((PIXELS, True), (Media("audio", url="data:audio/wav;base64,AA"), False)):
        message = Message("user", (part,))
        request = Request("r", "openai.chat", {"messages": []}, "auto", (message,))
        assert (judge.clear(request, Caller()).reach == Reach.ANYWHERE) is free


def test_a_request_without_a_body_is_read_by_its_parts() -> None:
    request = Request("r", "openai.chat", {}, "auto", (Message("user", (Text(MAIL),)),))
    assert guard().clear(request, Caller()).labels == ("EMAIL",)


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


@UNTIMED
@given(st.uuids(version=4) | st.uuids(version=5))
def test_a_uuid_is_no_number(id: uuid.UUID) -> None:
    """Agents name their session in every request: one accident would pin all of it."""
    body = {"metadata": {"session_id": str(id)}, "input": [{"type": "message", "id": f"msg_{id}"}]}
    labels = guard().clear(make(body), Caller()).labels
    assert {"CARD", "IBAN", "PHONE"}.isdisjoint(labels)


# ---------------------------------------------------------------- the verdict


def test_a_verdict_says_what_was_found_and_for_whom() -> None:
    caller = Caller(tenant="acme", conversation="c", task="mail")
    verdict = guard().clear(make(chat(f"{MAIL}, {SECRET}")), caller)
    assert (verdict.tier, verdict.reach) == (Tier.S3, Reach.LOCAL_ONLY)
    assert verdict.labels == ("EMAIL", "SECRET")
    assert verdict.policy == "builtin-1"
    assert verdict.case == Case("r1", "acme", "c", "mail")
    assert MAIL not in repr(verdict)
    assert SECRET not in repr(verdict)


def test_nothing_found_is_free() -> None:
    verdict = guard().clear(make(chat("hello")), Caller())
    assert (verdict.tier, verdict.reach) == (Tier.S0, Reach.ANYWHERE)
    assert (verdict.labels, verdict.reasons, verdict.findings) == ((), (), ())


def test_an_unnamed_conversation_is_named_by_its_first_words_alone() -> None:
    judge = guard()

    def conversation(*texts: str, id: str = "r") -> str:
        case = judge.clear(make(chat(*texts), id), Caller()).case
        assert isinstance(case, Case)
        return case.conversation

    assert conversation("hello", "and more") == conversation("hello", id="s")
    assert conversation("hello") != conversation("hello there")
    assert "hello" not in conversation("hello")
    system: Json = {"messages": [{"role": "system", "content": "be brief"}]}
    one, two = (judge.clear(make(system, id), Caller()).case for id in ("a", "b"))
    assert one != two, "without a user's words each request is its own"


def test_the_highest_tier_sticks_to_its_conversation_alone() -> None:
    judge = guard()
    here = Caller(conversation="c")
    judge.clear(make(chat(SECRET)), here)
    later = judge.clear(make(chat(MAIL)), here)
    assert (later.tier, later.labels) == (Tier.S3, ("EMAIL", "TAINT"))
    assert "conversation-saw-S3" in later.reasons
    for other in (Caller(conversation="d"), Caller("acme", conversation="c"), Caller()):
        assert judge.clear(make(chat("hello")), other).reach == Reach.ANYWHERE


def test_what_is_found_again_is_no_taint() -> None:
    judge, caller = guard(), Caller(conversation="c")
    judge.clear(make(chat(MAIL)), caller)
    assert judge.clear(make(chat(MAIL)), caller).labels == ("EMAIL",)


def test_the_memory_is_handed_from_one_guard_to_the_next() -> None:
    kept, caller = stores(), Caller(conversation="c")
    guard(kept=kept).clear(make(chat(MAIL)), caller)
    assert guard(kept=kept).clear(make(chat("hello")), caller).reach == Reach.LOCAL_ONLY


def test_every_verdict_is_noted_by_counts_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    judge = guard(kept=stores(audit=AuditLog(path, KEY)), clock=FakeClock(1000.0))
    judge.clear(make(chat(f"{MAIL}, bob@acme.com")), Caller(tenant="acme"))
    (event,) = [r.event for r in records(path)]
    assert (event.at, event.kind, event.tenant, event.request) == (1000.0, "clear", "acme", "r1")
    assert (event.labels, event.policy, event.target) == ({"EMAIL": 2}, "builtin-1", None)


# ---------------------------------------------------------------- names from clients


LONG = "x" * 3_000_000


@pytest.mark.parametrize(
    ("name", "harmless"),
    [("summarise", True), ("task-7", True), (MAIL, False), (SECRET, False), (LONG, False)],
    ids=["word", "number", "mail", "secret", "long"],
)
def test_a_name_in_which_something_is_found_may_not_be_written_down(
    name: str, harmless: bool
) -> None:
    judge = guard()
    assert judge.harmless(name, "default") is harmless
    assert judge.harmless(name, "default") is harmless


def test_a_tenants_own_terms_are_no_names_for_it() -> None:
    judge = guard(PrivacyConfig(terms={"acme": ("osprey",)}))
    assert not judge.harmless("osprey", "acme")
    assert judge.harmless("osprey", "default")


def test_a_name_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judge, times = guard(), []
    monkeypatch.setattr("shortstop.privacy.detectors.scan", lambda *_: times.append(1) or [])
    for _ in range(3):
        assert judge.harmless("summarise", "default")
    assert times == [1]


def test_what_cannot_be_judged_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortstop.privacy.detectors.scan", lambda *_: 1 / 0)
    assert not guard().harmless("summarise", "default")


def test_a_rule_for_one_route_is_for_that_route() -> None:
    config = PrivacyConfig(
        policies={"default": PrivacyPolicy(rules=(PrivacyRule("allow", tier="S2", route="mail"),))}
    )
    judge = guard(config)
    assert judge.clear(make(chat(MAIL)), Caller(task="mail")).reach == Reach.ANYWHERE
    assert judge.clear(make(chat(MAIL)), Caller(task="code")).reach == Reach.LOCAL_ONLY
    assert judge.clear(make(chat(MAIL)), Caller()).reach == Reach.LOCAL_ONLY


def test_a_name_that_could_not_be_read_in_time_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = guard(PrivacyConfig(timeout=60))

    def late(*_: object) -> NoReturn:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(mine, "findings", late)
        assert not mine.harmless("mail", "acme")
    assert mine.harmless("mail", "acme")
