"""Real values come back over any chunking."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import PrivacyRefused
from shortstop.privacy import PrivacyGuard
from shortstop.privacy.replace.restore import Buffer, Restorer
from shortstop.privacy.replace.vault import Vault
from shortstop.stores.sqlite.surrogates import SqliteSurrogates
from shortstop.types import Caller, Choice, Chunk, Reach, Reply, Text, ToolDelta

from .conftest import PSEUDONYMISE, REMOTE, chat, guard, make

VALUES = {"ab": "X", "abc": 'Y"q\n', "bcd": "Z", "person-kx@example.org": "jane@acme.com"}


@given(st.text("abcdx@", max_size=40), st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_chunking_makes_no_difference(text: str, sizes: list[int]) -> None:
    restorer, out, at, i = Restorer(VALUES), "", 0, 0
    buffer = Buffer(restorer)
    while at < len(text):
        out += buffer.push(text[at : at + sizes[i % len(sizes)]])
        at, i = at + sizes[i % len(sizes)], i + 1
    assert out + buffer.push("", final=True) == restorer.text(text)


def test_twenty_thousand_random_chunkings() -> None:
    draw, restorer = random.Random(1), Restorer(VALUES)
    for n in range(20_000):
        pieces = draw.choices([*VALUES, "a", " ", "é", "ABC", "person-"], k=6)
        text, escaped = "".join(pieces), bool(n % 2)
        buffer, out, at = Buffer(restorer, escaped=escaped), "", 0
        while at < len(text):
            step = draw.randint(1, 6)
            out += buffer.push(text[at : at + step])
            at += step
        assert out + buffer.push("", final=True) == restorer.text(text, escaped=escaped)


def test_a_request_is_pseudonymised_and_its_answer_restored() -> None:
    sentinel = guard(PSEUDONYMISE)
    request = make(chat("Write to jane.doe@acme.com and call +49 30 901820."))
    verdict = sentinel.clear(request, Caller(conversation="c"))
    assert verdict.reach == Reach.PSEUDONYMISED
    cleared = sentinel.release(request, verdict, REMOTE)
    sent = cleared.request.messages[0].text
    assert "acme" not in json.dumps(cleared.request.body)
    assert "901820" not in sent
    reply = Reply("r", "m", (Choice(parts=(Text(sent.upper()),)),))
    assert "jane.doe@acme.com" in sentinel.restore(reply, cleared).text
    again = sentinel.release(request, verdict, REMOTE)
    assert again.request.body == cleared.request.body


def test_a_value_in_an_encoding_is_not_released() -> None:
    sentinel = guard(PSEUDONYMISE)
    request = make(chat("jane.doe%40acme.com"))
    verdict = sentinel.clear(request, Caller())
    with pytest.raises(PrivacyRefused):
        sentinel.release(request, verdict, REMOTE)


def test_local_only_is_never_released() -> None:
    sentinel = guard()
    request = make(chat("jane.doe@acme.com"))
    with pytest.raises(PrivacyRefused):
        sentinel.release(request, sentinel.clear(request, Caller()), REMOTE)


def test_a_request_that_was_never_judged_is_not_released() -> None:
    sentinel = guard()
    request = make(chat("hello"))
    verdict = guard().clear(request, Caller())
    with pytest.raises(PrivacyRefused):
        sentinel.release(request, verdict, REMOTE)


async def test_streams_restore_text_and_tool_arguments() -> None:
    sentinel = guard(PSEUDONYMISE)
    request = make(chat("Write to jane.doe@acme.com"))
    cleared = sentinel.release(request, sentinel.clear(request, Caller()), REMOTE)
    sent = cleared.request.messages[0].text.split()[-1]

    async def source() -> AsyncGenerator[Chunk, None]:
        for c in f"Hi {sent}!":
            yield Chunk(text=c, wire={"raw": c})
        for i, c in enumerate(json.dumps({"to": sent})):
            yield Chunk(tools=(ToolDelta(0, id="t" if i == 0 else None, arguments=c),))
        yield Chunk(finish="tool_calls")

    chunks = [c async for c in sentinel.restore_stream(source(), cleared)]
    assert "".join(c.text for c in chunks) == "Hi jane.doe@acme.com!"
    arguments = "".join(d.arguments for c in chunks for d in c.tools)
    assert json.loads(arguments) == {"to": "jane.doe@acme.com"}
    assert all(c.wire is None for c in chunks)


def test_erased_means_gone() -> None:
    sentinel = guard(PSEUDONYMISE)
    request = make(chat("Write to jane.doe@acme.com"))
    verdict = sentinel.clear(request, Caller(conversation="c"))
    cleared = sentinel.release(request, verdict, REMOTE)
    assert sentinel.erase("default", "c")
    sent = Reply("r", "m", (Choice(parts=(Text(cleared.request.messages[0].text),)),))
    assert sentinel.restore(sent, cleared) == sent


def test_a_restart_loses_no_restores(tmp_path: Path) -> None:
    def after_start() -> PrivacyGuard:
        vault = Vault(lambda: 1.0, 60, store=SqliteSurrogates(tmp_path / "vault.db"), key=b"k" * 32)
        return guard(PSEUDONYMISE, vault=vault)

    caller = Caller(conversation="c")
    before, first = after_start(), make(chat("Write to jane.doe@acme.com"))
    sent = before.release(first, before.clear(first, caller), REMOTE).request.messages[0].text
    after, second = after_start(), make(chat("and to bob@acme.com?"), "r2")
    cleared = after.release(second, after.clear(second, caller), REMOTE)
    reply = Reply("r", "m", (Choice(parts=(Text(f"You said: {sent}"),)),))
    assert after.restore(reply, cleared).text == "You said: Write to jane.doe@acme.com"
