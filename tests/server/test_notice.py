"""Told to end, a gateway is not ready at once, and serves until that has gone round."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.server.conftest import running_gateway

BODY = {"model": "small", "messages": [{"role": "user", "content": "Hi."}]}


async def test_it_is_not_ready_while_it_still_serves(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, server="notice_seconds = 600") as gateway:
        process = gateway.process
        assert process is not None
        async with gateway.http.get("/ready") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        while True:
            async with gateway.http.get("/ready") as answer:
                ready, told = answer.status, await answer.json()
            if ready == 503:
                break
        assert told["why"] == "This gateway is about to end."
        async with gateway.http.post("/v1/chat/completions", json=BODY) as answer:
            assert answer.status == 200, "what a balancer sent before it knew"
    # Leaving the block sends a second signal, which ends it: it does not wait for ten minutes.
    assert process.returncode == 0
