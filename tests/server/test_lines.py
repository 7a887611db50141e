"""Lines of batches are requests like all others, but for who waits: nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shortstop.accounts import Grant
from shortstop.app.gateway import Shortstop
from shortstop.batches import Batch, BatchLine, LineAnswer
from shortstop.batches.batch import BatchTerms
from shortstop.server.lines import LineAsker
from shortstop.types import Admission, Answer, Caller, Request
from shortstop.types.batches import LinePlace
from tests.app.parts import Home
from tests.coroutines import at_once
from tests.server.scripted import ScriptedModel
from tests.stores.contract.batches import batch_row

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONFIG = """
[models.small]
url = "{url}"
context = 4096
[upstreams.vendor]
base_url = "{url}"
api_key_env = "VENDOR_KEY"
[upstreams.vendor.models.big]
price = "gpt-6.1-sol"
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel().running() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def gateway(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Shortstop]:
    home = Home(tmp_path)
    home.configure(CONFIG.format(url=model.url))
    made = Shortstop(home.config, home.source)
    try:
        yield made
    finally:
        made.abandon()


def batch(key: str | None = None, endpoint: str = "/v1/chat/completions", **headers: str) -> Batch:
    row = batch_row("batch_1", "file-1", tenant="default" if key is None else "acme")
    return Batch(row, BatchTerms(endpoint, key, headers))


async def ask(gateway: Shortstop, batch: Batch, said: str, **more: Any) -> LineAnswer:
    body = {"model": "small", "messages": [{"role": "user", "content": said}]} | more
    line = BatchLine(1, "r1", "small", json.dumps(body).encode())
    return await LineAsker(gateway)(batch, line, LinePlace(batch.id, 1))


async def test_a_line_has_the_answer_that_a_client_would_have(gateway: Shortstop) -> None:
    answer = await ask(gateway, batch(), "!say yes")
    assert (answer.status, answer.again) == (200, None)
    assert answer.request_id.startswith("req_")
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == "yes"
    assert answer.conversation.startswith("~"), "it is erased by its first words"


async def test_nobody_waits_for_it(gateway: Shortstop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Request, Caller]] = []

    async def answered(request: Request, caller: Caller, admission: Admission) -> Answer:
        seen.append((request, caller))
        raise RuntimeError

    monkeypatch.setattr(gateway, "answer", answered)
    answer = await ask(gateway, batch(**{"x-shortstop-task": "mail"}), "hello")
    assert answer.status == 500
    [(request, caller)] = seen
    assert request.party.background
    assert (caller.task, caller.tag) == ("mail", "batch_1"), "its rows are found by the batch"


async def test_its_key_pays_and_its_limits_hold_by_half(gateway: Shortstop) -> None:
    _, key = gateway.accounts.create(Grant(name="a batch's", tenant="acme", rpm=4))
    answers = [await ask(gateway, batch(key.id), "!say yes") for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 429], "half is left for clients"
    assert answers[2].again is not None
    assert 0 < answers[2].again <= 60
    assert at_once(gateway.accounts.admitted(gateway.accounts.caller_with(key.id), 0)).headers


async def test_an_exhausted_budget_is_the_answer(gateway: Shortstop) -> None:
    poor = Grant(name="poor", tenant="acme", budget_usd=Decimal("0.000000001"))
    _, key = gateway.accounts.create(poor)
    answer = await ask(gateway, batch(key.id), "!say yes", model="big")
    assert (answer.status, answer.again) == (429, None), "no later try would do better"
    assert b"insufficient_quota" in answer.body


async def test_a_key_that_was_revoked_asks_nothing(
    gateway: Shortstop, model: ScriptedModel
) -> None:
    _, key = gateway.accounts.create(Grant(name="gone", tenant="acme"))
    gateway.accounts.keys.revoke(key.id)
    before = len(model.received)
    for id in (key.id, "key_unheard_of", None):
        answer = await ask(gateway, batch(id), "!say yes")
        assert (answer.status, answer.again) == (401, None)
    assert len(model.received) == before


async def test_what_fails_for_now_is_asked_again(gateway: Shortstop) -> None:
    assert (await ask(gateway, batch(), "!status 503")).again is not None
    assert (await ask(gateway, batch(), "!status 400")).again is None
    assert (await ask(gateway, batch(), "hello", temperature="hot")).again is None


async def test_a_cancelled_line_leaves_the_model(gateway: Shortstop, model: ScriptedModel) -> None:
    model.asked.clear()
    model.abandoned.clear()
    asking = asyncio.create_task(ask(gateway, batch(), "!hang"))
    await model.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(10):
        await model.abandoned.wait()


async def test_models_are_known_by_all_their_names(gateway: Shortstop) -> None:
    asker = LineAsker(gateway)
    assert all(asker.knows(batch(), name) for name in ("auto", "local", "small"))
    assert not asker.knows(batch(), "gpt-unheard-of")
