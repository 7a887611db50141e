"""The ways of a request in one configuration: chats and embeddings over the same books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from shortstop import dialects
from shortstop.accounts import Grant
from shortstop.app.gateway import ANYBODY, Shortstop
from shortstop.dialects.embeddings import decode_request
from shortstop.errors import QuotaExceeded, ShortstopError
from shortstop.routing.learner import Learner
from shortstop.routing.looks import LearnedCheck
from shortstop.types import UNMETERED, Caller, Look, Request, Trace
from tests.app.parts import Home
from tests.server.scripted import ScriptedModel

FAR = """
[upstreams.vendor]
base_url = "{url}"
retries = 0
[upstreams.vendor.models.big]
price = "gpt-6.1-sol"
[upstreams.vendor.models.vectors]
model = "text-embedding-3-small"
abilities = ["embeddings"]
[prices.text-embedding-3-small]
input = 0.02
output = 0
"""
LOCAL = '[models.small]\nurl = "{url}/v1"\n'


class Rig:
    """A gateway in this process between two scripted models."""

    def __init__(self, gateway: Shortstop, small: ScriptedModel, big: ScriptedModel) -> None:
        self.gateway, self.small, self.big = gateway, small, big

    async def chat(self, text: str, model: str = "auto", caller: Caller = ANYBODY) -> str:
        answer = await self.gateway.answer(asked(text, model), caller, UNMETERED)
        assert answer.reply is not None
        return answer.reply.text

    async def embed(self, text: str, model: str = "auto", caller: Caller = ANYBODY) -> None:
        body = {"model": model, "input": [text]}
        await self.gateway.embed(decode_request(body), "req_e", caller, UNMETERED)


@asynccontextmanager
async def rig(home: Home, more: str = "") -> AsyncIterator[Rig]:
    async with ScriptedModel("small").running() as small, ScriptedModel("big").running() as big:
        home.configure(LOCAL.format(url=small.url) + FAR.format(url=big.url) + more)
        gateway = Shortstop(home.config, home.source)
        async with gateway.running():
            yield Rig(gateway, small, big)


def asked(text: str, model: str = "auto") -> Request:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 50}
    return dialects.get("openai.chat").decode_request(body, f"req_{model}")


async def test_the_router_learns_from_chats_and_not_from_embeddings(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[str] = []
    monkeypatch.setattr(Learner, "observe", lambda self, trace: learned.append(trace.id))
    async with rig(home, "[routing]\nshadow_rate = 0\n") as house:
        await house.embed("a text")
        await house.chat("!say yes", "small")
        text = house.gateway.metrics().decode()
    assert learned == ["req_small"]
    assert text.count('outcome="ok"') >= 2, "both are counted"


async def test_both_are_held_to_the_keys_budget(home: Home) -> None:
    async with rig(home) as house:
        accounts = house.gateway.accounts
        grant = Grant(name="k", budget_usd=Decimal("0.000000001"))
        caller = house.gateway.identify(accounts.create(grant)[0])
        with pytest.raises(QuotaExceeded):
            await house.chat("Hi", "big", caller)
        with pytest.raises(QuotaExceeded):
            await house.embed("Hi", "vectors", caller)
        assert (house.big.received, house.small.received) == ([], [])
        await house.embed("Hi", "static", caller)


async def test_what_both_cost_is_spent_and_nothing_stays_set_aside(home: Home) -> None:
    async with rig(home) as house:
        accounts = house.gateway.accounts
        secret, key = accounts.create(Grant(name="k", budget_usd=Decimal(1)))
        caller = house.gateway.identify(secret)
        await house.chat("!say yes", "big", caller)
        spent = accounts.balance(key).spent
        assert spent > 0
        await house.embed("!hi", "vectors", caller)
        balance = accounts.balance(key)
        assert balance.spent > spent
        with pytest.raises(ShortstopError):
            await house.chat("!status 500", "big", caller)
        assert accounts.balance(key).held == 0


async def test_privacy_is_waited_for_as_long_as_it_is_configured(home: Home) -> None:
    async with rig(home, "[privacy]\ntimeout = 0.5\n") as house:
        pipelines = house.gateway._runtime.pipelines
        assert pipelines.clearing._timeout_s == house.gateway._runtime.guard.timeout_s
        assert 0.5 <= pipelines.clearing._timeout_s < 0.6


async def test_answers_tell_what_the_policy_lets_them(home: Home) -> None:
    rule = '{ action = "redact", labels = ["EMAIL"], direction = "reply" }'
    async with rig(home, f"[privacy.policies.default]\nrules = [{rule}]\n") as house:
        assert await house.chat("!say jane.doe@example.com", "small") == "[EMAIL]"
    async with rig(home) as house:
        assert await house.chat("!say jane.doe@example.com", "small") == "jane.doe@example.com"


async def test_the_router_looks_at_a_local_answer_even_where_nothing_else_is_left(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Look] = []
    monkeypatch.setattr(LearnedCheck, "accept", lambda self, look: bool(looks.append(look)))
    task = '[tasks.mail]\nmatch = "never"\n[routing]\nexploration = 0\nshadow_rate = 0\n'
    async with rig(home, task + "min_score = 0\n") as house:
        house.big.fail_times = 1
        caller = Caller(task="mail")
        answer = await house.gateway.answer(asked("!say yes"), caller, UNMETERED)
    assert answer.target == "small", "the frontier failed, and the local answer is taken"
    assert (answer.draft, len(looks)) == (True, 1)


async def test_rows_of_both_are_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(home) as house:
        kept: list[Trace] = []
        traces = house.gateway._resources.traces
        append = traces.append

        def noted(trace: Trace) -> None:
            kept.append(trace)
            append(trace)

        monkeypatch.setattr(traces, "append", noted)
        await house.embed("a text")
        await house.chat("!say yes", "small")
        await asyncio.to_thread(traces.flush)
    assert [(row.dialect, row.target) for row in kept] == [
        ("openai.embeddings", "static"),
        ("openai.chat", "small"),
    ]
