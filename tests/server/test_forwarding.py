"""Lines of batches in batches of vendors: a real gateway, and vendors behind real HTTP."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.server.batch_vendor import ANTHROPIC, OPENAI, BatchVendor
from tests.server.conftest import Gateway, running_gateway
from tests.server.test_batches import begun, chat, client_of, read, said, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE = """
[batches]
gather_seconds = 0.3
poll_seconds = 0.05
[upstreams.gpts]
base_url = "{url}/v1"
batch = true
retries = 0
[upstreams.gpts.models.cheap]
price = "gpt-6.1-sol"
[upstreams.claudes]
base_url = "{url}"
dialect = "anthropic"
batch = true
retries = 0
[upstreams.claudes.models.haiku]
price = "claude-haiku-4-5"
"""
STAND_INS = """
[[privacy.policies.default.rules]]
tier = "S2"
action = "pseudonymise"
"""
MODELS = pytest.mark.parametrize(("model", "path"), [("cheap", OPENAI), ("haiku", ANTHROPIC)])
NAMES = [f"r{i}" for i in range(6)]


@asynccontextmanager
async def forwarding(home: Path, more: str = "") -> AsyncIterator[tuple[Gateway, BatchVendor]]:
    async with (
        BatchVendor().running() as vendor,
        running_gateway(home, more=MORE.format(url=vendor.url) + more) as gateway,
    ):
        yield gateway, vendor


def asked(model: str, *texts: str) -> list[dict[str, Any]]:
    return [chat(f"r{i}", text, model) for i, text in enumerate(texts)]


async def answered(gateway: Gateway, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What became of each line, by its name: the text, or the response that is none."""
    async with client_of(gateway) as client:
        ended = await until(client, await begun(client, lines))
        assert ended.status == "completed"
        counts, found = ended.request_counts, {}
        if ended.output_file_id:
            for line in await read(client, ended.output_file_id):
                found[line["custom_id"]] = said(line)
        assert counts is not None
        assert counts.completed == len(found)
        if ended.error_file_id:
            for line in await read(client, ended.error_file_id):
                found[line["custom_id"]] = line["response"]
        assert counts.total == len(found) == len(lines)
        return found


def costs(gateway: Gateway) -> list[tuple[str, int]]:
    """Outcome and cost in pico-dollars of every row."""
    with sqlite3.connect(gateway.home / "traces.db") as db:
        return db.execute("SELECT outcome, cost_pico FROM traces ORDER BY at").fetchall()


async def calls_of(vendor: BatchVendor, call: str, most: int = 1) -> int:
    """How often it came, once it came so often."""
    async with asyncio.timeout(30):
        while vendor.calls.count(call) < most:
            await asyncio.sleep(0.02)
    return vendor.calls.count(call)


# ---------------------------------------------------------------- the vendor is one


async def test_the_scripted_vendor_is_one_for_the_official_clients() -> None:
    """What the other tests rest on."""
    async with (
        BatchVendor().running() as vendor,
        AsyncOpenAI(base_url=f"{vendor.url}/v1", api_key="k", max_retries=0) as gpts,
        AsyncAnthropic(base_url=vendor.url, api_key="k", max_retries=0) as claudes,
    ):
        batch = await until(gpts, await begun(gpts, asked("cheap", "!say yes", "!refuse")))
        assert batch.status == "completed"
        assert batch.output_file_id is not None
        text = (await gpts.files.content(batch.output_file_id)).text
        assert json.loads(text)["response"]["body"]["usage"]["total_tokens"] == 1100
        assert [one.id async for one in gpts.batches.list(limit=10)] == [batch.id]
        message = {"role": "user", "content": "!say yes"}
        params = {"model": "haiku", "max_tokens": 9, "messages": [message]}
        made = await claudes.messages.batches.create(
            requests=[{"custom_id": "a", "params": params}]  # type: ignore[typeddict-item]
        )
        looked = await claudes.messages.batches.retrieve(made.id)
        assert looked.processing_status == "ended"
        results = [one async for one in await claudes.messages.batches.results(made.id)]
        assert results[0].result.type == "succeeded"
        assert [one.id async for one in claudes.messages.batches.list(limit=10)] == [made.id]
        assert (await claudes.messages.batches.delete(made.id)).id == made.id


# ---------------------------------------------------------------- as it should be


@MODELS
async def test_lines_go_together_and_cost_half(tmp_path: Path, model: str, path: str) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        found = await answered(gateway, asked(model, *[f"!say {name}" for name in NAMES]))
        assert found == {name: f"first: {name}" for name in NAMES}
        assert vendor.calls.count(f"POST {path}") == 1
        assert not vendor.alone
        assert not vendor.files, "what is read is deleted there"
        assert all(one.get("deleted") for id, one in vendor.batches.items() if id[0] == "m")
        body = {"model": model, "messages": [{"role": "user", "content": "!say whole"}]}
        async with gateway.http.post("/v1/chat/completions", json=body) as answer:
            assert answer.status == 200, "who waits is answered at once"
        assert len(vendor.alone) == 1
        await gateway.stop()
        *batched, alone = costs(gateway)
        assert {outcome for outcome, _ in batched} == {"ok"}
        assert alone[1] > 0
        assert [cost for _, cost in batched] == [alone[1] // 2] * len(NAMES)


@MODELS
async def test_results_are_told_apart_whatever_comes_with_them(
    tmp_path: Path, model: str, path: str
) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.odd = True
        found = await answered(gateway, asked(model, *[f"!say {name}" for name in NAMES]))
        assert found == {name: f"first: {name}" for name in NAMES}
        assert not vendor.alone


@MODELS
async def test_lines_that_failed_there_are_asked_alone_or_told(
    tmp_path: Path, model: str, path: str
) -> None:
    texts = ("!say a", "!refuse", "!fail", "!expire", "!lose", "!garble")
    async with forwarding(tmp_path) as (gateway, vendor):
        found = await answered(gateway, asked(model, *texts))
        assert found["r0"] == "first: a"
        assert found["r1"]["status_code"] == 400
        assert [found[f"r{i}"] for i in range(2, 6)] == [f"alone: {t}" for t in texts[2:]]
        assert len(vendor.alone) == 4
        assert vendor.calls.count(f"POST {path}") == 1


@MODELS
async def test_what_is_pinned_stays_and_surrogates_come_back_as_values(
    tmp_path: Path, model: str, path: str
) -> None:
    iban, mail = "sk-proj-Zk3vQ9sLx7RtWm2pYb8N4cHd6JfGa1Ue5TiOq0", "maria.lopez@example.org"
    lines = [
        *asked("auto", f"my key is {iban}"),
        chat("named", f"my key is {iban}", model),
        chat("mail", f"!say write to {mail}", model),
    ]
    async with forwarding(tmp_path, STAND_INS) as (gateway, vendor):
        found = await answered(gateway, lines)
        assert iban in found["r0"]
        assert iban in found["named"]
        assert found["mail"] == f"first: write to {mail}"
        [sent] = vendor.sent
        assert mail not in sent
        assert "IBAN" not in str(vendor.batches)
        assert iban not in str(vendor.batches)


async def test_not_more_lines_wait_than_may(tmp_path: Path) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        gateway.configure("", MORE.format(url=vendor.url).replace(
            "[batches]", "[batches]\nforwarded_lines = 2"
        ))  # fmt: skip
        async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
            assert answer.status == 200
        found = await answered(gateway, asked("cheap", *[f"!say {name}" for name in NAMES]))
        assert found == {name: f"first: {name}" for name in NAMES}
        assert {len(one["lines"]) for one in vendor.batches.values()} <= {1, 2}


# ---------------------------------------------------------------- what goes wrong there


@MODELS
@pytest.mark.parametrize("status", [429, 500, "drop"])
async def test_a_vendor_that_is_troubled_is_asked_again(
    tmp_path: Path, model: str, path: str, status: int | str
) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.trouble = [(f"POST {path}", status), (f"GET {path}/", status)]
        found = await answered(gateway, asked(model, "!say a", "!say b"))
        assert found == {"r0": "first: a", "r1": "first: b"}
        assert len(vendor.batches) == 1
        assert not vendor.alone
        assert not vendor.trouble


@MODELS
async def test_a_batch_whose_beginning_was_not_heard_is_not_begun_again(
    tmp_path: Path, model: str, path: str
) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.trouble = [(f"POST {path}", "swallow")]
        found = await answered(gateway, asked(model, "!say a", "!say b"))
        assert found == {"r0": "first: a", "r1": "first: b"}
        assert len(vendor.batches) == 1
        assert vendor.calls.count(f"POST {path}") == 1


@MODELS
async def test_a_vendor_that_takes_no_batch_is_asked_line_by_line(
    tmp_path: Path, model: str, path: str
) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.trouble = [(f"POST {path}", 400)]
        found = await answered(gateway, asked(model, "!say a", "!say b"))
        assert found == {"r0": "alone: a", "r1": "alone: b"}
        assert not vendor.batches
        assert not vendor.files


# ---------------------------------------------------------------- what goes wrong here


@MODELS
async def test_kill_9_submits_nothing_twice(tmp_path: Path, model: str, path: str) -> None:
    """While the vendor works, while it is asked to begin, and before its answer is written down."""
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.ends = False
        async with client_of(gateway) as client:
            batch = await begun(client, asked(model, *[f"!say {name}" for name in NAMES]))
            await calls_of(vendor, f"POST {path}")
            await gateway.kill()
        await gateway.start()
        before = len(vendor.calls)
        async with asyncio.timeout(30):
            while len(vendor.calls) < before + 3:
                await asyncio.sleep(0.02)
        await gateway.kill()
        vendor.end()
        await gateway.start()
        async with client_of(gateway) as client:
            ended = await until(client, batch)
            output = await read(client, ended.output_file_id)
        assert [said(line) for line in output] == [f"first: {name}" for name in NAMES]
        assert len(vendor.batches) == 1
        assert not vendor.alone
        await gateway.stop()
        assert [outcome for outcome, _ in costs(gateway)].count("ok") == len(NAMES)


@MODELS
async def test_kill_9_between_submitting_and_writing_it_down(
    tmp_path: Path, model: str, path: str
) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.ends = False
        vendor.trouble = [(f"POST {path}", "swallow"), (f"GET {path}", 500)]
        async with client_of(gateway) as client:
            batch = await begun(client, asked(model, "!say a", "!say b"))
            await calls_of(vendor, f"POST {path}")
            await gateway.kill()
        vendor.end()
        await gateway.start()
        async with client_of(gateway) as client:
            ended = await until(client, batch)
            output = await read(client, ended.output_file_id)
        assert [said(line) for line in output] == ["first: a", "first: b"]
        assert len(vendor.batches) == 1
        assert not vendor.alone


async def test_a_batch_that_never_reached_the_vendor_is_submitted_after_kill_9(
    tmp_path: Path,
) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.trouble = [(f"POST {OPENAI}", "drop")] + [("GET", "drop")] * 1000
        async with client_of(gateway) as client:
            batch = await begun(client, asked("cheap", "!say a", "!say b"))
            await calls_of(vendor, f"POST {OPENAI}")
            await gateway.kill()
        vendor.trouble = []
        await gateway.start()
        async with client_of(gateway) as client:
            ended = await until(client, batch)
            output = await read(client, ended.output_file_id)
        assert [said(line) for line in output] == ["first: a", "first: b"]
        assert not vendor.alone
        assert sorted(vendor.sent) == ["!say a", "!say b"], "each once, together or not"


@MODELS
async def test_cancelling_is_passed_on_and_keeps_what_is_answered(
    tmp_path: Path, model: str, path: str
) -> None:
    async with forwarding(tmp_path) as (gateway, vendor):
        vendor.ends = False
        async with client_of(gateway) as client:
            batch = await begun(client, asked(model, "!say a", "wait", "!say c"))
            await calls_of(vendor, f"POST {path}")
            await client.batches.cancel(batch.id)
            ended = await until(client, batch, "cancelled")
            output = await read(client, ended.output_file_id)
        assert [(line["custom_id"], said(line)) for line in output] == [
            ("r0", "first: a"),
            ("r2", "first: c"),
        ]
        assert [one["cancelled"] for one in vendor.batches.values()] == [True]
        assert not vendor.alone
        await gateway.stop()
        rows = costs(gateway)
        assert sorted(outcome for outcome, _ in rows) == ["cancelled", "ok", "ok"]
        assert [cost for outcome, cost in rows if outcome == "cancelled"] == [0]
