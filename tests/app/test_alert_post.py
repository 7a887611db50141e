"""Letters over real HTTP: signed, within a deadline, whatever their receiver does."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shortstop.alerts import Letter, Notice
from shortstop.app.alert_post import AlertPost, require_alerts
from shortstop.config import AlertsConfig, Config, PrivacyConfig
from shortstop.errors import ConfigError
from shortstop.types.alerts import AlertChannel
from tests.app.receiver import Manner, Receiver

SECRET = "a secret that nobody sees"
NOTICE = Notice("raised", "disk", "The disk is nearly full.", 1000.0, 1000.0)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().running() as running:
        yield running


def post(receiver: Receiver, path: str = "/hook?of=ours") -> AlertPost:
    config = AlertsConfig(webhook_url=f"{receiver.url}{path}", slack_url_env="SLACK", timeout=0.3)
    env = {"SHORTSTOP_ALERTS_SECRET": SECRET.replace(" ", "-"), "SLACK": f"{receiver.url}/slack"}
    return AlertPost(config, env)


def letter(channel: AlertChannel = "webhook") -> Letter:
    return Letter("msg_1", channel, NOTICE)


async def test_a_webhook_is_told_in_signed_json(receiver: Receiver) -> None:
    delivery = await post(receiver).send(letter())
    assert (delivery.taken, delivery.says) == (True, "status 200: ok")
    ((first, headers, body),) = receiver.heard
    assert first == "POST /hook?of=ours HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(SECRET.replace(" ", "-").encode(), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert receiver.told[0]["data"]["message"] == NOTICE.says


async def test_slack_is_told_in_text(receiver: Receiver) -> None:
    assert (await post(receiver).send(letter("slack"))).taken
    ((first, headers, _),) = receiver.heard
    assert first == "POST /slack HTTP/1.1"
    assert "webhook-signature" not in headers
    assert NOTICE.says in receiver.told[0]["text"]


@pytest.mark.parametrize(
    ("manner", "taken", "says"),
    [
        ("hangs", False, "no answer within 0.3 s"),
        ("fails", False, "status 500: ok"),
        ("redirects", False, "a redirect, which is not followed"),
        ("closes", False, "no connection"),
        ("dribbles", True, "status 200"),
        ("floods", True, "status 200"),
    ],
)
async def test_whatever_a_receiver_does_a_try_ends_in_time(
    receiver: Receiver, manner: Manner, taken: bool, says: str
) -> None:
    receiver.manner = manner
    async with asyncio.timeout(5):
        delivery = await post(receiver).send(letter())
    assert delivery.taken == taken, delivery.says
    assert says in delivery.says
    assert len(receiver.heard) == 1, "asked once, and nobody else"


async def test_nobody_there_is_said_in_words(receiver: Receiver) -> None:
    there = AlertPost(AlertsConfig(slack_url_env="S", timeout=1), {"S": "http://127.0.0.1:9/x"})
    delivery = await there.send(letter("slack"))
    assert (delivery.taken, delivery.says.startswith("no connection (")) == (False, True)


@pytest.mark.parametrize(
    ("config", "env", "says"),
    [
        ({"webhook_url": "https://x.test"}, {}, "SHORTSTOP_ALERTS_SECRET"),
        ({"webhook_url": "https://x.test"}, {"SHORTSTOP_ALERTS_SECRET": "whsec_!"}, "base64"),
        ({"slack_url_env": "SLACK"}, {}, "SLACK"),
        ({"slack_url_env": "SLACK"}, {"SLACK": "hooks.slack.com/x y"}, "SLACK"),
        ({"slack_url_env": "SLACK"}, {"SLACK": "https://u:p@x.test"}, "SLACK"),
    ],
)
def test_what_cannot_be_used_is_said_at_the_start(
    config: dict[str, str], env: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError) as error:
        require_alerts(Config(alerts=AlertsConfig(**config)), env)  # type: ignore[arg-type]
    assert says in str(error.value)
    assert not any(value in str(error.value) for value in env.values())


def test_nothing_leaves_where_nothing_may_leave() -> None:
    sealed = Config(privacy=PrivacyConfig(airgap=True), alerts=AlertsConfig(slack_url_env="SLACK"))
    with pytest.raises(ConfigError, match="airgap"):
        require_alerts(sealed, {"SLACK": "https://hooks.slack.com/services/x"})
    require_alerts(sealed, {"SLACK": "http://10.0.0.7/chat"})


def test_what_is_told_elsewhere_goes_the_way_that_the_environment_names() -> None:
    env = {"SLACK": "https://hooks.slack.test/x", "SHORTSTOP_ALERTS_SECRET": "s3cret"}
    env["HTTPS_PROXY"] = "http://proxy.test:3128"
    config = AlertsConfig(webhook_url="http://127.0.0.1:9/x", slack_url_env="SLACK")
    ways = AlertPost(config, env)._ways
    assert ways["slack"].proxy is not None
    assert ways["slack"].proxy.host == "proxy.test"
    assert ways["webhook"].proxy is None
