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
from shortstop.types import Caller, Choice, Chunk, Reply, Text, ToolCall, ToolDelta

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
