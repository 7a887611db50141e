"""What the gateway seals and gives away, to know it again: cookies, and the tokens of sessions.

Nothing is kept. The seal's key is made of the admin token, so that every worker knows it and a new
token ends everything that was sealed with the old one.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from shortstop.server.gateway import Gateway

T = TypeVar("T")


class Tickets:
    """A ticket of one purpose is none of another."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def sealed(self, purpose: str, ticket: object) -> str:
        body = urlsafe_b64encode(msgspec.json.encode(ticket)).decode().rstrip("=")
        return f"{body}.{self.mac(purpose, body)}"

    def opened(self, purpose: str, value: str, into: type[T]) -> T | None:
        """None for what was not sealed here, for this purpose."""
        body, _, mac = value.partition(".")
        expected = self.mac(purpose, body)
        if not hmac.compare_digest(mac.encode("utf-8", "replace"), expected.encode()):
            return None
        try:
            return msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=into)
        except (ValueError, msgspec.DecodeError):
            return None

    def mac(self, purpose: str, text: str) -> str:
        """64 hexadecimal digits that nobody else can make."""
        secret = self._gateway.admin_token.secret
        key = hashlib.sha256(b"console\0" + secret.encode()).digest()
        told = f"{purpose}\0{text}".encode("utf-8", "replace")
        return hmac.digest(key, told, "sha256").hex()
