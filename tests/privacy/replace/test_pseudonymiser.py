"""A request leaves under other names, and its answer comes back with the real ones."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused
from shortstop.privacy import PrivacyGuard
from shortstop.privacy.replace.vault import Vault
from shortstop.stores.sqlite.surrogates import SqliteSurrogates
from shortstop.types import Caller, Choice, Chunk, Cleared, Reach, Reply, Text, ToolDelta
from tests.privacy.conftest import PSEUDONYMISE, REMOTE, UNTIMED, chat, guard, make, stores

MAIL = "jane.doe@acme.com"
CALLER = Caller(conversation="c")


def sent(judge: PrivacyGuard, text: str, id: str = "r1", caller: Caller = CALLER) -> Cleared:
    request = make(chat(text), id)
    return judge.release(request, judge.clear(request, caller), REMOTE)


def text_of(cleared: Cleared) -> str:
    return cleared.request.messages[0].text


def answer(text: str) -> Reply:
    return Reply("r", "m", (Choice(parts=(Text(text),)),))


VALUES = st.sampled_from(
    [MAIL, "bob@example.de", "+49 30 901820", "5474-0399-6012-1113", "088-32-1296",
     "DE89 3704 0044 0532 0130 00"]
)  # fmt: skip
WORDS = st.sampled_from(["write to", "or", "call", "not", '"', "\n", "ünd", "and then", "{", "\\"])


@UNTIMED
@given(st.lists(st.tuples(WORDS, VALUES), min_size=1, max_size=6))
def test_what_is_sent_holds_no_value_and_comes_back_as_it_was(
    pieces: list[tuple[str, str]],
) -> None:
    text = " ".join(f"{word} {value} ." for word, value in pieces)
    judge = guard(PSEUDONYMISE)
    cleared = sent(judge, text)
    assert cleared.clearance.reach == Reach.PSEUDONYMISED
    for _, value in pieces:
        assert value not in json.dumps(cleared.request.body, ensure_ascii=False)
        assert value not in text_of(cleared)
    assert judge.restore(answer(text_of(cleared)), cleared).text == text


def test_a_request_is_pseudonymised_and_its_answer_restored() -> None:
    judge = guard(PSEUDONYMISE)
    request = make(chat("Write to jane.doe@acme.com and call +49 30 901820."))
    verdict = judge.clear(request, CALLER)
    assert verdict.reach == Reach.PSEUDONYMISED
    cleared = judge.release(request, verdict, REMOTE)
    text = text_of(cleared)
    assert "acme" not in json.dumps(cleared.request.body)
    assert "901820" not in text
    assert MAIL in judge.restore(answer(text.upper()), cleared).text
    again = judge.release(request, verdict, REMOTE)
    assert again.request.body == cleared.request.body


def test_the_next_turn_uses_the_same_surrogates_and_restores_those_of_before() -> None:
    judge = guard(PSEUDONYMISE)
    first = sent(judge, f"to {MAIL}")
    second = sent(judge, f"and to bob@acme.com, not {MAIL}", "r2")
    surrogate = text_of(first).removeprefix("to ")
    assert surrogate in text_of(second)
    assert judge.restore(answer(surrogate), second).text == MAIL


def test_another_conversation_has_others_and_sees_none_of_these() -> None:
    judge = guard(PSEUDONYMISE)
    here = sent(judge, f"to {MAIL}")
    there = sent(judge, f"to {MAIL}", "r2", Caller(conversation="d"))
    foreign = sent(judge, f"to {MAIL}", "r3", Caller(tenant="acme", conversation="c"))
    assert len({text_of(c) for c in (here, there, foreign)}) == 3
    assert judge.restore(answer(text_of(here)), there).text == text_of(here)
    assert judge.restore(answer(text_of(here)), foreign).text == text_of(here)


def test_conversations_without_a_name_are_told_apart_by_how_they_begin() -> None:
    judge = guard(PSEUDONYMISE)
    one = sent(judge, f"to {MAIL}", "r1", Caller())
    same = sent(judge, f"to {MAIL}", "r2", Caller())
    other = sent(judge, f"hello, to {MAIL}", "r3", Caller())
    assert text_of(one) == text_of(same)
    assert text_of(other) != f"hello, {text_of(one)}"


def test_a_value_that_ends_a_message_is_replaced_like_any_other() -> None:
    """It was once taken for one that goes on in the next message, which cannot be replaced."""
    judge = guard(PSEUDONYMISE)
    request = make(chat(f"write to {MAIL}", "Sure, go on"))
    cleared = judge.release(request, judge.clear(request, CALLER), REMOTE)
    assert MAIL not in repr(cleared.request.body)
    assert cleared.request.messages[1].text == "Sure, go on"


@pytest.mark.parametrize("text", ["jane.doe%40acme.com", "amFuZS5kb2VAYWNtZS5jb20gaXMgaGVycw=="])
def test_a_value_in_an_encoding_is_not_released(text: str) -> None:
    with pytest.raises(PrivacyRefused):
        sent(guard(PSEUDONYMISE), text)


def test_a_value_that_also_stands_in_an_encoding_is_not_released() -> None:
    with pytest.raises(PrivacyRefused):
        sent(guard(PSEUDONYMISE), f"{MAIL} and jane.doe%40acme.com")


def test_a_value_that_is_left_after_all_is_not_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is about to leave is examined again, whatever was done to it."""
    monkeypatch.setattr(
        "shortstop.privacy.replace.pseudonyms.rewrite", lambda body, stand_ins: body
    )
    with pytest.raises(PrivacyRefused, match="EMAIL could not be taken out"):
        sent(guard(PSEUDONYMISE), f"to {MAIL}")


REDACT = PrivacyConfig(
    policies={"default": PrivacyPolicy(rules=(PrivacyRule("redact", tier="S2"),))}
)


def test_what_is_redacted_is_gone_for_good() -> None:
    kept = stores()
    judge = guard(REDACT, kept=kept)
    cleared = sent(judge, f"to {MAIL}")
    assert text_of(cleared) == "to [EMAIL]"
    assert judge.restore(answer("to [EMAIL]"), cleared).text == "to [EMAIL]"
    assert kept.vault.get(("default", "c")) == {}


def test_of_two_actions_each_label_gets_its_own() -> None:
    rules = (PrivacyRule("redact", labels=("EMAIL",)), PrivacyRule("pseudonymise", tier="S2"))
    judge = guard(PrivacyConfig(policies={"default": PrivacyPolicy(rules=rules)}))
    text = text_of(sent(judge, f"{MAIL}, +49 30 901820"))
    assert text.startswith("[EMAIL], +1-")


async def test_streams_restore_text_and_tool_arguments() -> None:
    judge = guard(PSEUDONYMISE)
    cleared = sent(judge, f"Write to {MAIL}")
    surrogate = text_of(cleared).split()[-1]

    async def source() -> AsyncGenerator[Chunk, None]:
        for c in f"Hi {surrogate}!":
            yield Chunk(text=c, wire={"raw": c})
        for i, c in enumerate(json.dumps({"to": surrogate})):
            yield Chunk(tools=(ToolDelta(0, id="t" if i == 0 else None, arguments=c),))
        yield Chunk(finish="tool_calls")

    chunks = [c async for c in judge.restore_stream(source(), cleared)]
    assert "".join(c.text for c in chunks) == f"Hi {MAIL}!"
    arguments = "".join(d.arguments for c in chunks for d in c.tools)
    assert json.loads(arguments) == {"to": MAIL}
    assert all(c.wire is None for c in chunks)


def test_what_left_as_it_was_comes_back_untouched() -> None:
    judge = guard(PSEUDONYMISE)
    cleared = sent(judge, "hello")
    reply = answer("person-kx@example.org")
    assert judge.restore(reply, cleared) is reply

    async def source() -> AsyncGenerator[Chunk, None]:
        yield Chunk(text="x")

    stream = source()
    assert judge.restore_stream(stream, cleared) is stream


def test_erased_means_gone() -> None:
    kept = stores()
    judge = guard(PSEUDONYMISE, kept=kept)
    cleared = sent(judge, f"Write to {MAIL}")
    assert kept.vault.erase(("default", "c"))
    reply = answer(text_of(cleared))
    assert judge.restore(reply, cleared) == reply


def test_a_restart_loses_no_restores(tmp_path: Path) -> None:
    def after_start() -> PrivacyGuard:
        vault = Vault(lambda: 1.0, 60, store=SqliteSurrogates(tmp_path / "vault.db"), key=b"k" * 32)
        return guard(PSEUDONYMISE, kept=stores(vault))

    first = sent(after_start(), f"Write to {MAIL}")
    after = after_start()
    cleared = sent(after, "and to bob@acme.com?", "r2")
    reply = answer(f"You said: {text_of(first)}")
    assert after.restore(reply, cleared).text == f"You said: Write to {MAIL}"
