"""Detectors that crash or hang, and requests made to break them: pinned, at once, alone."""

from __future__ import annotations

import asyncio
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Gateway, running_gateway
from tests.server.faulty import FAULTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = "/v1/chat/completions"
LIMIT = 0.3
"""Seconds that detectors get in these tests."""
LIMITED = f"[privacy]\ntimeout = {LIMIT}\n"
SLACK = 5.0
"""Seconds that a busy machine may take over everything else."""


def chat(said: str, **more: Any) -> dict[str, Any]:
    asked = {"model": "big", "messages": [{"role": "user", "content": said}], "max_tokens": 9}
    return asked | more


async def post(gateway: Gateway, body: Any, path: str = CHAT) -> tuple[int, str, float]:
    """Status, tier, seconds."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    began = time.monotonic()
    headers = {"content-type": "application/json"}
    async with gateway.http.post(path, data=io.BytesIO(data), headers=headers) as answer:
        await answer.read()
        tier = answer.headers.get("x-shortstop-tier", "")
        return answer.status, tier, time.monotonic() - began


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_detector_pins_and_harms_nobody_else(tmp_path: Path, fault: str) -> None:
    command = ("tests.server.faulty", fault)
    async with running_gateway(tmp_path, more=LIMITED, command=command) as gateway:
        for said in ("short", "long " * 20_000):
            done = [await post(gateway, chat(said)) for _ in range(2)]
            assert {status for status, _, _ in done} <= ({200} if said == "short" else {200, 400})
            assert said != "short" or "S3" in {tier for _, tier, _ in done}
            assert max(seconds for _, _, seconds in done) < LIMIT + SLACK
        vectors = {"model": "auto", "input": ["long " * 20_000]}
        assert (await post(gateway, vectors, "/v1/embeddings"))[0] == 200
        waiting = asyncio.create_task(post(gateway, chat("long " * 20_000)))
        began = time.monotonic()
        async with gateway.http.get("/health") as answer:
            assert answer.status == 200
        if fault in ("hang", "deaf"):
            assert not waiting.done(), "the loop does not wait for the detector"
        assert time.monotonic() - began < SLACK
        await waiting
        async with gateway.http.get("/metrics") as answer:
            assert "shortstop_privacy_fail_closed_total" in await answer.text()
    sent = gateway.frontier.received
    assert fault == "crash-now-and-then" or sent == []
    assert b"AKIA" not in gateway.log
    assert b"boom" not in gateway.log


def nested(times: int, inner: str = '{"a": 1}') -> str:
    """JSON in a string of JSON in a string ..."""
    return nested(times - 1, json.dumps([inner])) if times else inner


BOMBS: dict[str, bytes] = {
    "arrays": b'{"model":"big","messages":[{"role":"user","content":"a"}],"x":' + b"[" * 5_000
    + b"]" * 5_000 + b"}",
    "objects": b'{"model":"big","messages":[{"role":"user","content":"a"}],"x":' + b'{"a":' * 900
    + b"1" + b"}" * 901,
    "sixty deep": json.dumps(chat("a", x=json.loads("[" * 60 + "]" * 60))).encode(),
    "JSON in JSON": json.dumps(chat("a", x=nested(8))).encode(),
    "never closed": b"[" * 2_000_000,
    "a million strings": json.dumps(chat("a", x=["b"] * 1_000_000)).encode(),
    "ten megabytes": json.dumps(chat("x " * 5_000_000)).encode(),
    "ten megabytes of base64": json.dumps(chat("QUtJ" * 2_500_000)).encode(),
    "ten megabytes in a tool": json.dumps(chat("a", tools=[{"type": "function", "function":
        {"name": "f", "description": "y " * 5_000_000, "parameters": {}}}])).encode(),
    "almost addresses": json.dumps(chat("a@" * 400_000 + "!")).encode(),
    "almost cards": json.dumps(chat("4111 1111 1111 111" * 40_000)).encode(),
    "percents": json.dumps(chat("%41" * 300_000)).encode(),
    "invisible": json.dumps(chat("\u200b\u00ad" * 200_000), ensure_ascii=False).encode(),
    "escapes": json.dumps(chat("\\u0041" * 200_000)).encode(),
    "half a surrogate": b'{"model":"big","messages":[{"role":"user","content":"\\ud800"}]}',
}  # fmt: skip


async def test_bombs_are_answered_or_refused_and_the_gateway_goes_on(tmp_path: Path) -> None:
    """Whatever they are, a small request beside them is answered without waiting for them."""
    async with running_gateway(tmp_path) as gateway:
        slowest, told = 0.0, {}
        for name, bomb in BOMBS.items():
            task = asyncio.create_task(post(gateway, bomb))
            while not task.done():
                began = time.monotonic()
                async with gateway.http.get("/health") as answer:
                    assert answer.status == 200
                slowest = max(slowest, time.monotonic() - began)
                await asyncio.wait([task], timeout=0.02)
            told[name] = await task
        assert {status for status, _, _ in told.values()} <= {200, 400, 413, 503}, told
        assert max(seconds for _, _, seconds in told.values()) < 10, told
        assert slowest < SLACK, "the loop stood still"
        assert (await post(gateway, chat("hello")))[:2] == (200, "S0")
    assert b"Traceback" not in gateway.log
