"""Who looks at the console: a signed cookie, and the token that a form of theirs must carry.

Nothing is kept here: the cookie says whose it is, sealed with a key that is made of the admin
token, so that every worker knows it and a new token ends every session. What a key may do is looked
up each time: a revoked one is out at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http.cookies import CookieError, SimpleCookie

import msgspec
from msgspec import Struct
from starlette.types import Scope

from shortstop.accounts import Key
from shortstop.errors import Forbidden, Unauthenticated
from shortstop.ports import Clock
from shortstop.server.auth import is_from_here
from shortstop.server.gateway import Gateway
from shortstop.types.console import ConsoleRole

COOKIE = "shortstop_console"
LIFE_SECONDS = 8 * 3600
MOST_COOKIE = 1024
"""Characters of a cookie that are read."""
ADMIN = "admin token"
"""In place of a key's id."""


class Ticket(Struct, frozen=True, array_like=True):
    """What the cookie says: a key's id or ADMIN, until when, and a random text."""

    who: str
    until: float
    nonce: str


class Session(Struct, frozen=True):
    """Somebody who has shown a key. `tenant` is the only one that is seen; None: all.

    `key` is None for the admin token. `csrf` is what each of their forms carries.
    """

    name: str
    role: ConsoleRole
    tenant: str | None
    key: str | None
    csrf: str

    def may(self, role: ConsoleRole) -> bool:
        return RANK[self.role] >= RANK[role]


RANK: dict[ConsoleRole, int] = {"viewer": 0, "operator": 1, "admin": 2}
_ticket = msgspec.json.Decoder(Ticket).decode


class Sessions:
    """Of one gateway."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    def begin(self, secret: str, scope: Scope) -> tuple[str, Session]:
        """The cookie's value for whoever shows this key, and the session.

        Raises Unauthenticated, and Forbidden for a key that does not open the console.
        """
        who = self._known(secret.strip(), scope)
        ticket = Ticket(who, self._clock.time() + LIFE_SECONDS, secrets.token_urlsafe(18))
        return self._sealed(ticket), self._session(ticket, scope)

    def of(self, scope: Scope) -> Session | None:
        """Who sent this request; None: nobody that is known."""
        value = _cookie(scope)
        ticket = self._opened(value) if value else None
        if ticket is None or ticket.until <= self._clock.time():
            return None
        try:
            return self._session(ticket, scope)
        except (Unauthenticated, Forbidden):
            return None

    def _known(self, secret: str, scope: Scope) -> str:
        token = self._gateway.admin_token
        if secret and hmac.compare_digest(secret.encode(), token.secret.encode()):
            return ADMIN
        key = self._gateway.accounts.keys.find(secret) if secret else None
        if key is None:
            raise Unauthenticated(
                "This is neither the admin token nor a key of this gateway.",
                hint=f"The admin token is in {token.place}.",
            )
        _of_key(key, "", self._clock.time())  # also where another secret took this one's place
        return key.id

    def _session(self, ticket: Ticket, scope: Scope) -> Session:
        csrf = self._mac(b"form", ticket.nonce.encode())
        if ticket.who != ADMIN:
            key = self._gateway.accounts.keys.get(ticket.who)
            return _of_key(key, csrf, self._clock.time())
        if not self._gateway.admin_token.everywhere and not is_from_here(scope):
            raise Forbidden(
                "The admin token of the data folder is for browsers on this machine.",
                hint=f"Set {self._gateway.server.admin_token_env}, or use a key that was made with"
                " `shortstop keys create NAME --console admin`.",
            )
        return Session(ADMIN, "admin", None, None, csrf)

    def _sealed(self, ticket: Ticket) -> str:
        body = urlsafe_b64encode(msgspec.json.encode(ticket)).decode().rstrip("=")
        return f"{body}.{self._mac(b'session', body.encode())}"

    def _opened(self, value: str) -> Ticket | None:
        body, _, mac = value.partition(".")
        expected = self._mac(b"session", body.encode("utf-8", "replace"))
        if not hmac.compare_digest(mac.encode("utf-8", "replace"), expected.encode()):
            return None
        try:
            return _ticket(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (ValueError, msgspec.DecodeError):
            return None

    def _mac(self, purpose: bytes, text: bytes) -> str:
        key = hashlib.sha256(b"console\0" + self._gateway.admin_token.secret.encode()).digest()
        return hmac.digest(key, purpose + b"\0" + text, "sha256").hex()


def _of_key(key: Key | None, csrf: str, now: float) -> Session:
    if key is None or not key.active(now):
        raise Unauthenticated("The key was revoked or has expired.", hint="Ask for a new one.")
    if key.console is None:
        raise Forbidden(
            "This key does not open the console.",
            hint="Make one that does: `shortstop keys create NAME --console viewer`.",
        )
    tenant = None if key.console == "admin" else key.tenant
    return Session(key.name, key.console, tenant, key.id, csrf)


def _cookie(scope: Scope) -> str | None:
    """The cookie's value; None where there is none, or two that differ."""
    lines = [v.decode("latin-1") for name, v in scope["headers"] if name == b"cookie"]
    found = set()
    for line in lines:
        try:
            jar = SimpleCookie(line)
        except CookieError:
            continue
        if COOKIE in jar:
            found.add(jar[COOKIE].value)
    value = found.pop() if len(found) == 1 else ""
    return value if 0 < len(value) <= MOST_COOKIE else None
