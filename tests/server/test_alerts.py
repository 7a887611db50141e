"""A gateway tells people, once, over a restart; a receiver that hangs holds up no answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortstop.alerts import signature
from tests.app.receiver import Receiver
from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALERTS = """
[alerts]
webhook_url = "{url}/hook"
slack_url_env = "SLACK"
disk_free_mb = 1e12
timeout = 60
"""


async def answered(gateway: Gateway) -> int:
    body = {"model": "small", "messages": [{"role": "user", "content": "!say here"}]}
    async with gateway.http.post("/v1/chat/completions", json=body) as answer:
        return answer.status


async def test_people_are_told_once_and_the_street_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Receiver().running() as hook, Receiver().running() as slack:
        hook.manner = "hangs"
        monkeypatch.setenv("SHORTSTOP_ALERTS_SECRET", "s3cret")
        monkeypatch.setenv("SLACK", slack.url)
        async with running_gateway(tmp_path, more=ALERTS.format(url=hook.url)) as gateway:
            await hook.until(1)
            await slack.until(1)
            assert [await answered(gateway) for _ in range(3)] == [200] * 3
            await gateway.stop()
            hook.manner = "takes"
            await gateway.start()
            await hook.until(2)
            assert await answered(gateway) == 200
        assert len(slack.heard) == 1
        assert len({body for _, _, body in hook.heard}) == 1, "the same letter"
        _, headers, body = hook.heard[-1]
        at = int(headers["webhook-timestamp"])
        assert signature(headers["webhook-id"], at, body, "s3cret").items() <= headers.items()
        assert json.loads(body)["data"]["kind"] == "disk"
        assert (tmp_path / "alerts.json").stat().st_mode & 0o777 == 0o600
        assert b"s3cret" not in gateway.log
