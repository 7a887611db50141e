"""How a notice is said: as JSON, signed as https://www.standardwebhooks.com says; for Slack."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import msgspec

from shortstop.alerts.book import Notice
from shortstop.errors import ConfigError

PREFIX = "whsec_"
"""Of a secret that is base64."""
LONGEST = 500
"""Characters of a sentence."""
_HEADS = {"raised": ":rotating_light:", "recovered": ":white_check_mark: Over:", "test": ":wave:"}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""What Slack would take for a link or a mention."""


def as_json(notice: Notice, gateway: str) -> bytes:
    """`gateway` names the machine that says it."""
    return msgspec.json.encode(
        {
            "type": f"alert.{notice.state}",
            "timestamp": _time(notice.at),
            "data": {
                "kind": notice.kind,
                "message": notice.says[:LONGEST],
                "since": _time(notice.since),
                "gateway": gateway,
            },
        }
    )


def as_slack(notice: Notice, gateway: str) -> bytes:
    says = notice.says[:LONGEST].translate(_ESCAPES)
    text = f"{_HEADS[notice.state]} {says} ({gateway}, {_time(notice.at)})"
    return msgspec.json.encode({"text": text})


def signature(id: str, at: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers that prove who sent `body` at `at` (Unix seconds)."""
    signed = hmac.digest(require_secret(secret), f"{id}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(signed).decode()}",
    }


def require_secret(secret: str) -> bytes:
    """The key that a secret stands for. Raises ConfigError, which does not show it."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"The webhook's secret begins with {PREFIX} and is no base64.") from None


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
