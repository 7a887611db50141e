"""Several keys of a vendor, and models that stand in, through a real gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shortstop.stores.sqlite.reading import SqliteReports
from tests.server.conftest import KEY, Gateway, running_gateway
from tests.server.scripted import ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE = """
[routing.fallbacks.big]
context = ["huge"]
content_filter = ["medium"]
rate_limit = ["medium"]
outage = ["medium", "huge"]
[routing.fallbacks.small]
outage = ["medium"]

[upstreams.vendor.deployments.first]
[upstreams.vendor.deployments.second]
base_url = "{second}"
{label}

[upstreams.other]
base_url = "{other}"
retries = 0
breaker_failures = 50
[upstreams.other.models.medium]
price = "gpt-6.1-sol"
auto = false
[upstreams.other.models.huge]
price = "gpt-6.1-sol"
auto = false
"""
SECRET = f"my key is {KEY}"


@dataclass
class Town:
    """`first` and `second` serve `big`, `other` serves `medium` and `huge`."""

    gateway: Gateway
    second: ScriptedModel
    other: ScriptedModel

    @property
    def first(self) -> ScriptedModel:
        return self.gateway.frontier

    @property
    def keys(self) -> tuple[ScriptedModel, ScriptedModel]:
        return self.first, self.second

    def configure(self, label: str = "") -> None:
        more = MORE.format(second=self.second.url, other=self.other.url, label=label)
        self.gateway.configure(more=more)

    def trouble(self, text: str) -> None:
        for model in self.keys:
            model.trouble = text

    async def ask(
        self, said: str = "!say yes", *, stream: bool = False, model: str = "big", named: str = "c"
    ) -> tuple[int, str, str]:
        """Status, who answered, and the text of the answer."""
        body = {"model": model, "messages": [{"role": "user", "content": said}], "stream": stream}
        headers = {"x-shortstop-conversation": named}
        async with self.gateway.http.post(
            "/v1/chat/completions", json=body, headers=headers
        ) as answer:
            data = await answer.text()
            who = answer.headers.get("x-shortstop-target", "")
            return answer.status, who, _text(data) if answer.status == 200 else data


def _text(data: str) -> str:
    if not data.startswith("data:"):
        return str(json.loads(data)["choices"][0]["message"]["content"])
    frames = [line.removeprefix("data: ") for line in data.split("\n\n") if line]
    trees: list[dict[str, Any]] = [json.loads(frame) for frame in frames if frame != "[DONE]"]
    deltas = [choice["delta"] for tree in trees for choice in tree.get("choices", ())]
    return "".join(delta.get("content") or "" for delta in deltas).strip()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    home = tmp_path_factory.mktemp("keys")
    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(ScriptedModel("big").running())
        other = await stack.enter_async_context(ScriptedModel("other").running())
        more = MORE.format(second=second.url, other=other.url, label="")
        gateway = await stack.enter_async_context(running_gateway(home, more=more))
        yield Town(gateway, second, other)


@pytest_asyncio.fixture(loop_scope="module")
async def town(house: Town) -> AsyncIterator[Town]:
    """As new, but for what rests."""
    for model in (*house.keys, house.other, house.gateway.local):
        model.received.clear()
    yield house
    for model in (*house.keys, house.other, house.gateway.local):
        model.trouble, model.filters = "", False


both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def test_conversations_keep_their_key_and_all_keys_are_used(town: Town) -> None:
    for number in range(12):
        town.first.received.clear()
        town.second.received.clear()
        for _ in range(2):
            assert (await town.ask(named=f"talk-{number}"))[0] == 200
        assert {len(model.received) for model in town.keys} == {0, 2}
    async with town.gateway.http.get("/metrics") as answer:
        metrics = await answer.text()
    for label in ("vendor/first", "vendor/second"):
        counted = f'shortstop_deployment_attempts_total{{deployment="{label}",outcome="ok"}}'
        assert counted in metrics
    assert 'deployment="vendor/first",kind="prompt"' in metrics


@both
@pytest.mark.parametrize(
    ("trouble", "by"),
    [
        ("400 code=context_length_exceeded", "huge"),
        ("400 code=content_filter", "medium"),
        ("503", "medium"),
        ("401", "medium"),
        ("429 code=rate_limit_exceeded", "medium"),
    ],
)
async def test_a_named_model_that_cannot_answer_is_stood_in_for(
    town: Town, trouble: str, by: str, stream: bool
) -> None:
    town.trouble(trouble)
    assert await town.ask(stream=stream) == (200, by, "yes")
    assert [body["model"] for body in town.other.bodies] == [by]


@both
async def test_an_answer_that_the_vendors_filter_stopped_is_stood_in_for(
    town: Town, stream: bool
) -> None:
    for model in town.keys:
        model.filters = True
    assert await town.ask(stream=stream) == (200, "medium", "yes")


@both
async def test_where_nobody_can_the_client_gets_the_error(town: Town, stream: bool) -> None:
    town.trouble("400 code=context_length_exceeded")
    town.other.trouble = "503"
    status, _, told = await town.ask(stream=stream)
    assert status == 502
    assert "error" in json.loads(told)


async def test_what_is_the_clients_fault_is_its_own(town: Town) -> None:
    town.trouble("400 code=invalid_value")
    status, _, told = await town.ask()
    assert (status, json.loads(told)["error"]["code"]) == (400, "invalid_value")
    assert town.other.received == []


async def test_a_stream_that_breaks_is_not_taken_over(town: Town) -> None:
    status, who, text = await town.ask("!half one two", stream=True)
    assert (status, who, text) == (200, "big", "one two")
    assert town.other.received == []


@both
async def test_what_must_stay_is_stood_in_for_by_nobody_elsewhere(town: Town, stream: bool) -> None:
    town.gateway.local.trouble = "503"
    for model in ("small", "big", "auto"):
        status, _, told = await town.ask(SECRET, stream=stream, model=model, named="secret")
        assert status >= 400
        assert KEY not in told
    for server in (*town.keys, town.other):
        assert not any(b"my key is" in raw for raw in server.received)
    assert await town.ask(model="small", stream=stream) == (200, "medium", "yes"), "what may leave"


async def test_a_key_that_is_limited_rests_through_a_reload_and_the_books_say_who_answered(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(ScriptedModel("big").running())
        other = await stack.enter_async_context(ScriptedModel("other").running())
        more = MORE.format(second=second.url, other=other.url, label="")
        gateway = await stack.enter_async_context(running_gateway(tmp_path, more=more))
        town = Town(gateway, second, other)
        assert await town.ask() == (200, "big", "yes")
        home, away = sorted(town.keys, key=lambda model: -len(model.received))
        home.trouble = "429 retry=600"
        assert await town.ask() == (200, "big", "yes"), "spilled"
        assert (len(home.received), len(away.received)) == (2, 1)
        town.configure(label="weight = 2")
        async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
            assert answer.status == 200
        for _ in range(3):
            assert await town.ask(stream=True) == (200, "big", "yes")
        assert (len(home.received), len(away.received)) == (2, 4)
        labels = {town.first: "vendor/first", town.second: "vendor/second"}
        await gateway.stop()
        reports = SqliteReports(tmp_path / "traces.db")
        slices = {one.key: one for one in reports.summary(by=("deployment",)).groups["deployment"]}
        assert {key: one.requests for key, one in slices.items()} == {
            labels[home]: 1,
            labels[away]: 4,
        }
        assert all(one.cost > Decimal(0) for one in slices.values())
