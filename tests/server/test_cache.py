"""Exact answers again, over real HTTP: whole and streamed, on the books, and gone when erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.server.conftest import Gateway, running_gateway

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
CACHE = '[cache]\nuse = "all"\n[privacy]\ntimeout = 60\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cached(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home: Path = tmp_path_factory.mktemp("cached")
    async with running_gateway(home, more=CACHE) as running:
        yield running


async def ask(
    gateway: Gateway, text: str, headers: dict[str, str] | None = None, **more: Any
) -> tuple[str, str, Any]:
    """Who answered, what, and the headers."""
    body = {"model": "big", "messages": [{"role": "user", "content": text}], **more}
    async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["x-shortstop-target"], await answer.text(), answer.headers


async def test_the_same_question_costs_nothing_and_says_so(cached: Gateway) -> None:
    first, said, _ = await ask(cached, "!say one")
    again, same, headers = await ask(cached, "!say one")
    assert (first, again) == ("big", "cache")
    assert '"content":"one"' in said.replace(" ", "")
    assert '"content":"one"' in same.replace(" ", "")
    assert "cached" in headers["x-shortstop-decision"]
    assert Decimal(headers["x-shortstop-cost"]) < Decimal("0.000001")
    assert Decimal(headers["x-shortstop-saved"]) > 0
    assert len(cached.frontier.received) == 1


async def test_a_stream_is_given_again_as_a_stream_and_the_other_way_round(cached: Gateway) -> None:
    await ask(cached, "!say two")
    again, events, _ = await ask(cached, "!say two", stream=True)
    assert again == "cache"
    assert events.startswith("data: ")
    assert events.rstrip().endswith("data: [DONE]")
    assert "two" in events
    await ask(cached, "!say three", stream=True)
    again, whole, _ = await ask(cached, "!say three")
    assert (again, "three" in whole) == ("cache", True)


async def test_who_wants_a_new_answer_gets_one(cached: Gateway) -> None:
    await ask(cached, "!say four")
    again, _, _ = await ask(cached, "!say four", {"x-shortstop-cache": "bypass"})
    assert again == "big"
    body = {"model": "big", "messages": [{"role": "user", "content": "a"}]}
    odd = {"x-shortstop-cache": "perhaps"}
    async with cached.http.post("/v1/chat/completions", json=body, headers=odd) as answer:
        assert answer.status == 400


async def test_what_is_pinned_is_asked_again(cached: Gateway) -> None:
    text = "!say my card is 4111 1111 1111 1111"
    targets = [(await ask(cached, text, model="auto"))[0] for _ in range(2)]
    assert targets == ["small", "small"]


async def test_what_is_erased_is_asked_again(cached: Gateway) -> None:
    await ask(cached, "!say five", {"x-shortstop-conversation": "mine"})
    erase = cached.http.delete("/admin/conversations/default/mine", headers=cached.admin)
    async with erase as answer:
        assert answer.status == 200
    again, _, _ = await ask(cached, "!say five")
    assert again == "big"
