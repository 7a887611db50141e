"""Who looks at the console: a signed cookie, and the token that a form of theirs must carry.

Nothing is kept here: the cookie says whose it is (`server/tickets.py`). What a key, or a group of
the identity provider, may do is looked up each time: a revoked one is out at once.
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

from msgspec import Struct
from starlette.types import Scope

from shortstop.accounts import Key
from shortstop.errors import Forbidden, Unauthenticated
from shortstop.ports import Clock
from shortstop.server.auth import is_from_here
from shortstop.server.gateway import Gateway
from shortstop.server.signed_on import SignedOn, SignedOnTickets
from shortstop.server.tickets import Tickets
from shortstop.sso import Person, Rights
from shortstop.types.console import ConsoleRole

COOKIE = "shortstop_console"
LIFE_SECONDS = 8 * 3600
MOST_COOKIE = 4096
"""Characters of a cookie that are read."""
ADMIN = "admin token"
"""In place of a key's id."""
PURPOSE = "session"


class Ticket(Struct, frozen=True, array_like=True):
    """What the cookie says: a key's id or ADMIN, until when, a random text, and from when on."""

    who: str
    until: float
    nonce: str
    begun: float = 0.0


class Session(Struct, frozen=True):
    """Somebody who has shown a key, or signed in. `tenant` is the only one that is seen; None: all.

    `key` is None for the admin token and for who has signed in. `csrf` is what each of their forms
    carries, `nonce` the random text of their cookie.
    """

    name: str
    role: ConsoleRole
    tenant: str | None
    key: str | None
    csrf: str
    nonce: str

    def may(self, role: ConsoleRole) -> bool:
        return RANK[self.role] >= RANK[role]


RANK: dict[ConsoleRole, int] = {"viewer": 0, "operator": 1, "admin": 2}


class Sessions:
    """Of one gateway."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._tickets = Tickets(gateway)
        self._signed_on = SignedOnTickets(gateway)

    def begin(self, secret: str, scope: Scope) -> tuple[str, Session]:
        """The cookie's value for whoever shows this key, and the session.

        Raises Unauthenticated, and Forbidden for a key that does not open the console.
        """
        who = self._known(secret.strip(), scope)
        now = self._clock.time()
        ticket = Ticket(who, now + LIFE_SECONDS, secrets.token_urlsafe(18), now)
        return self._tickets.sealed(PURPOSE, ticket), self._session(ticket, scope)

    def begin_signed_on(self, person: Person, rights: Rights, seconds: float) -> str:
        """The cookie's value for whoever has signed in. Raises Forbidden for who leads a team and
        has no business here."""
        if rights.console is None:
            raise Forbidden(
                "Your group leads a team, and does not open the console.",
                hint="Administer the team's keys after `shortstop login`.",
            )
        return self._signed_on.begin("cookie", person, seconds)[0]

    def of(self, scope: Scope) -> Session | None:
        """Who sent this request; None: nobody that is known."""
        value = cookie_in(scope, COOKIE)
        ticket = self._tickets.opened(PURPOSE, value, Ticket) if value else None
        if value and ticket is None:
            signed_on = self._signed_on.of("cookie", value)
            return None if signed_on is None else self._of_person(*signed_on)
        if ticket is None or ticket.until <= self._clock.time():
            return None
        if self._gateway.accounts.keys.has_ended(ticket.nonce, ticket.who, ticket.begun):
            return None
        try:
            return self._session(ticket, scope)
        except (Unauthenticated, Forbidden):
            return None

    def end(self, session: Session) -> None:
        """For whoever has a copy of its cookie, too. Raises StoreError."""
        self._gateway.accounts.keys.sessions.end(session.nonce)

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
        _of_key(key, "", "", self._clock.time())  # also where another secret took this one's place
        return key.id

    def _session(self, ticket: Ticket, scope: Scope) -> Session:
        csrf = self._tickets.mac("form", ticket.nonce)
        if ticket.who != ADMIN:
            key = self._gateway.accounts.keys.get(ticket.who)
            return _of_key(key, ticket.nonce, csrf, self._clock.time())
        if not self._gateway.admin_token.everywhere and not is_from_here(scope):
            raise Forbidden(
                "The admin token of the data folder is for browsers on this machine.",
                hint=f"Set {self._gateway.server.admin_token_env}, or use a key that was made with"
                " `shortstop keys create NAME --console admin`.",
            )
        return Session(ADMIN, "admin", None, None, csrf, ticket.nonce)

    def _of_person(self, signed_on: SignedOn, rights: Rights) -> Session | None:
        if rights.console is None:
            return None
        tenant = None if rights.console == "admin" else rights.tenant
        csrf = self._tickets.mac("form", signed_on.nonce)
        told, nonce = signed_on.person.told, signed_on.nonce
        return Session(told, rights.console, tenant, None, csrf, nonce)


def _of_key(key: Key | None, nonce: str, csrf: str, now: float) -> Session:
    if key is None or not key.active(now):
        raise Unauthenticated("The key was revoked or has expired.", hint="Ask for a new one.")
    if key.console is None:
        raise Forbidden(
            "This key does not open the console.",
            hint="Make one that does: `shortstop keys create NAME --console viewer`.",
        )
    tenant = None if key.console == "admin" else key.tenant
    return Session(key.name, key.console, tenant, key.id, csrf, nonce)


def cookie_in(scope: Scope, cookie: str) -> str | None:
    """The value of the cookie with this name; None where there is none, or two that differ."""
    lines = [v.decode("latin-1") for name, v in scope["headers"] if name == b"cookie"]
    found = set()
    for line in lines:
        try:
            jar = SimpleCookie(line)
        except CookieError:
            continue
        if cookie in jar:
            found.add(jar[cookie].value)
    value = found.pop() if len(found) == 1 else ""
    return value if 0 < len(value) <= MOST_COOKIE else None
