"""What is sent: standard webhooks as anybody verifies them, and text that Slack takes as text."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from shortstop.alerts import Notice, as_json, as_slack, signature
from shortstop.alerts.wording import LONGEST
from shortstop.errors import ConfigError

NOTICE = Notice("raised", "upstream", "The model big fails.", 1_795_000_000, 1_795_000_060)


def test_the_webhooks_json() -> None:
    assert json.loads(as_json(NOTICE, "host-1")) == {
        "type": "alert.raised",
        "timestamp": "2026-11-18T11:07:40Z",
        "data": {
            "kind": "upstream",
            "message": "The model big fails.",
            "since": "2026-11-18T11:06:40Z",
            "gateway": "host-1",
        },
    }


def test_the_signature_is_the_one_of_standard_webhooks() -> None:
    """The example of https://github.com/standard-webhooks/standard-webhooks, verified by hand."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    headers = signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, secret)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_may_be_any_text() -> None:
    headers = signature("msg_1", 12, b"{}", "just a text")
    mac = hmac.new(b"just a text", b"msg_1.12.{}", hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    with pytest.raises(ConfigError) as broken:
        signature("msg_1", 12, b"{}", "whsec_no base64!")
    assert "no base64!" not in str(broken.value)


@pytest.mark.parametrize("state", ["raised", "recovered", "test"])
def test_slack_gets_text_and_nothing_that_it_would_act_on(state: str) -> None:
    says = "The task <!channel> & <https://evil.test|click> of acme."
    told = json.loads(as_slack(Notice(state, "contract", says, 0, 0), "h"))  # type: ignore[arg-type]
    assert "&lt;!channel&gt; &amp; &lt;https://evil.test|click&gt;" in told["text"]
    assert "<" not in told["text"]


def test_a_sentence_is_not_without_end() -> None:
    notice = Notice("raised", "budget", "x" * 10_000, 0, 0)
    assert len(json.loads(as_json(notice, "h"))["data"]["message"]) == LONGEST
    assert len(as_slack(notice, "h")) < LONGEST + 100
