"""Rules for replies: taken out or kept back, whole and streamed; everybody else's pass unread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused
from shortstop.privacy.replies import Replies
from shortstop.types import (
    Caller,
    Choice,
    Chunk,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    Tier,
    ToolCall,
    ToolDelta,
)

from .conftest import guard

MAIL, KEY = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"
ACME = Caller(tenant="acme")


def replies(*rules: PrivacyRule, dry_run: bool = False) -> Replies:
    policy = PrivacyPolicy(rules=rules, dry_run=dry_run)
    config = PrivacyConfig(policies={"p": policy}, tenants={"acme": "p"})
    return Replies(config, guard(config))


REDACT = PrivacyRule("redact", labels=("EMAIL",), direction="reply")
BLOCK = PrivacyRule("block", tier="S3", direction="both")


def reply(text: str) -> Reply:
    choice = Choice(parts=(Text(text), ToolCall("c1", "send", f'{{"to":"{MAIL}"}}')), finish="stop")
    return Reply("r", "m", (choice,), body={"choices": [{"message": {"content": text}}]})


def streamed(answers: Replies, chunks: list[Chunk]) -> list[Chunk]:
    async def source() -> AsyncGenerator[Chunk, None]:
        for chunk in chunks:
            yield chunk

    async def run() -> list[Chunk]:
        return [chunk async for chunk in answers.stream(source(), ACME)]

    return asyncio.run(run())


def test_only_tenants_with_rules_for_replies_are_read() -> None:
    assert replies(REDACT).reads(ACME)
    assert replies(BLOCK).reads(ACME)
    assert not replies(REDACT).reads(Caller(tenant="other"))
    assert not replies(REDACT, dry_run=True).reads(ACME)
    assert not replies(PrivacyRule("redact", labels=("EMAIL",))).reads(ACME)


def test_values_are_taken_out_of_text_calls_and_body() -> None:
    found = replies(REDACT).whole(reply(f"Write to {MAIL}."), ACME)
    assert MAIL not in msgspec.json.encode(msgspec.to_builtins(found)).decode()
    assert found.choices[0].text == "Write to [EMAIL]."
    assert found.choices[0].parts[1].arguments == '{"to":"[EMAIL]"}'


def test_an_answer_without_such_values_passes_untouched() -> None:
    clean = Reply("r", "m", (Choice(parts=(Text("All is well."),)),), body={"x": 1})
    assert replies(REDACT, BLOCK).whole(clean, ACME) is clean


def test_what_no_rule_names_is_allowed_and_what_is_blocked_is_kept_back() -> None:
    secret = Reply("r", "m", (Choice(parts=(Text(f"key {KEY}"),)),))
    assert replies(REDACT).whole(secret, ACME) is secret
    with pytest.raises(PrivacyRefused, match="keeps back"):
        replies(BLOCK).whole(secret, ACME)


def test_a_value_that_cannot_be_taken_out_keeps_the_answer_back() -> None:
    hidden = "".join(f"%{ord(c):02X}" for c in MAIL)
    with pytest.raises(PrivacyRefused):
        replies(REDACT).whole(Reply("r", "m", (Choice(parts=(Text(hidden),)),)), ACME)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_streams_are_cleaned_over_any_chunking(cuts: list[int]) -> None:
    text, pieces, at = f"Dear all, write to {MAIL} or call. Thanks!", [], 0
    for cut in cuts:
        pieces.append(text[at : at + cut])
        at += cut
    pieces.append(text[at:])
    chunks = [Chunk(text=p, wire={"text": p}) for p in pieces] + [Chunk(finish="stop")]
    found = streamed(replies(REDACT), chunks)
    assert "".join(c.text for c in found) == text.replace(MAIL, "[EMAIL]")
    assert all(c.wire is None for c in found)
    assert found[-1].finish == "stop"


def test_streamed_tool_arguments_are_cleaned() -> None:
    chunks = [
        Chunk(tools=(ToolDelta(0, id="c1", name="send", arguments='{"to":"jane.doe@ac'),)),
        Chunk(tools=(ToolDelta(0, arguments='me-corp.com"}'),)),
        Chunk(finish="tool_calls"),
    ]
    found = streamed(replies(REDACT), chunks)
    assert "".join(d.arguments for c in found for d in c.tools) == '{"to":"[EMAIL]"}'
    assert found[0].tools[0].name == "send"


def test_a_blocked_stream_says_nothing_first() -> None:
    with pytest.raises(PrivacyRefused):
        streamed(replies(BLOCK), [Chunk(text="your key is "), Chunk(text=KEY)])


def test_a_detector_that_fails_keeps_the_answer_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = replies(REDACT)
    monkeypatch.setattr(answers._guard, "findings", lambda *a: 1 / 0)
    with pytest.raises(PrivacyRefused):
        answers.whole(reply("hello"), ACME)


# ---------------------------------------------------------------- other parts, choices and rules


def of(*parts: Part, index: int = 0) -> Reply:
    return Reply("r", "m", (Choice(index=index, parts=parts),))


@pytest.mark.parametrize(
    ("part", "tier"),
    [
        (Text("hello"), Tier.S0),
        (Text(f"to {MAIL}"), Tier.S2),
        (Text(f"key {KEY}"), Tier.S3),
        (Thinking(f"key {KEY}"), Tier.S3),
        (Refusal(f"key {KEY}"), Tier.S3),
        (ToolCall("c", "f", f'{{"x": "{KEY}"}}'), Tier.S3),
        (Text("x" * 3_000_000), Tier.S3),
    ],
    ids=["nothing", "mail", "text", "thinking", "refusal", "call", "unreadable"],
)
def test_an_answers_tier_is_that_of_all_it_says(part: Part, tier: Tier) -> None:
    assert replies().tier(of(part, Text("fine")), ACME) == tier
    assert replies().tier(Reply("r", "m", ()), ACME) == Tier.S0


def test_what_cannot_be_read_is_of_the_highest(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = replies()
    monkeypatch.setattr(answers._guard, "findings", lambda *a: 1 / 0)
    assert answers.tier(of(Text("hello")), ACME) == Tier.S3


def test_a_tenants_own_terms_count_in_answers_too() -> None:
    config = PrivacyConfig(terms={"acme": ("Project Osprey",)})
    answers = Replies(config, guard(config))
    assert answers.tier(of(Text("on project osprey")), ACME) == Tier.S3
    assert answers.tier(of(Text("on project osprey")), Caller()) == Tier.S0


@pytest.mark.parametrize("action", ["redact", "pseudonymise"])
def test_in_an_answer_a_stand_in_is_the_label(action: str) -> None:
    """There is nobody who could turn another name back."""
    rule = PrivacyRule(action, tier="S2", direction="reply")  # type: ignore[arg-type]
    cleaned = replies(rule).whole(of(Thinking(MAIL), Refusal(f"Not {MAIL}")), ACME)
    assert cleaned.choices[0].parts == (Thinking("[EMAIL]"), Refusal("Not [EMAIL]"))


def test_a_rule_for_one_route_is_for_that_route() -> None:
    rule = PrivacyRule("redact", labels=("EMAIL",), direction="reply", route="mail")
    answers, text = replies(rule), of(Text(MAIL))
    assert answers.whole(text, ACME) is text
    cleaned = answers.whole(text, Caller(tenant="acme", task="mail"))
    assert cleaned.choices[0].text == "[EMAIL]"


def test_the_choices_of_a_stream_are_cleaned_each_by_itself() -> None:
    chunks = [
        Chunk(index=0, text="to jane.doe@ac"),
        Chunk(index=1, text="Hello "),
        Chunk(index=0, text="me-corp.com"),
        Chunk(index=1, text=MAIL),
        Chunk(index=0, thinking=f"About {MAIL}"),
        Chunk(index=0, finish="stop"),
        Chunk(index=1, finish="stop"),
    ]
    cleaned = streamed(replies(REDACT), chunks)
    assert "".join(c.text for c in cleaned if c.index == 0) == "to [EMAIL]"
    assert "".join(c.text for c in cleaned if c.index == 1) == "Hello [EMAIL]"
    assert "".join(c.thinking for c in cleaned) == "About [EMAIL]"
    assert [c.finish for c in cleaned[-2:]] == ["stop", "stop"]


def test_a_clean_stream_passes_chunk_by_chunk_as_it_came() -> None:
    chunks = [Chunk(text="all is "), Chunk(text="well", wire={"x": 1}), Chunk(finish="stop")]
    assert streamed(replies(REDACT, BLOCK), chunks) == chunks


async def test_a_blocked_stream_is_closed_at_the_model() -> None:
    closed = []

    async def source() -> AsyncGenerator[Chunk, None]:
        try:
            yield Chunk(text=f"your key is {KEY}")
        finally:
            closed.append(True)

    stream = replies(BLOCK).stream(source(), ACME)
    with pytest.raises(PrivacyRefused, match="SECRET, which the privacy policy keeps back"):
        await anext(stream)
    assert closed == [True]


def test_a_tenant_whose_policy_is_missing_gets_no_answer_unread() -> None:
    config = PrivacyConfig(tenants={"acme": "gone"})
    with pytest.raises(LookupError, match="acme"):
        Replies(config, guard(config)).reads(ACME)
