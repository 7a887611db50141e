"""Who has signed in at the identity provider, sealed: a cookie of the console, or a token."""

from __future__ import annotations

import logging
import secrets
from typing import Literal

from msgspec import Struct

from shortstop.errors import ShortstopError
from shortstop.server.gateway import Gateway
from shortstop.server.tickets import Tickets
from shortstop.sso import Person, Rights

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between two lines of the log about sign-ins that failed: anybody can have one fail."""
SESSION_PREFIX = "ss-session-"
"""How the token of a session at the command line begins."""
Kind = Literal["cookie", "token"]


class SignedOn(Struct, frozen=True, array_like=True):
    """Somebody until then and from when on, Unix time in seconds, and a random text."""

    person: Person
    until: float
    nonce: str
    begun: float = 0.0


class FailedSignIns:
    """What the operator must know to mend it. An error's message holds no token and no secret."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._last = float("-inf")

    def note(self, error: ShortstopError) -> None:
        now = self._gateway.accounts.now
        if now - self._last >= PAUSE_SECONDS:
            self._last = now
            log.warning("sso: a sign-in failed: %s", error.message)


class SignedOnTickets:
    """A ticket is good for the issuer and the client that it was given for. It holds no right: what
    somebody's groups make of them is looked up each time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._tickets = Tickets(gateway)

    def begin(self, kind: Kind, person: Person, seconds: float) -> tuple[str, SignedOn]:
        """What whoever has just signed in shows for so many seconds."""
        now = self._gateway.accounts.now
        made = SignedOn(person, now + seconds, secrets.token_urlsafe(18), now)
        return self._tickets.sealed(self._purpose(kind), made), made

    def of(self, kind: Kind, value: str) -> tuple[SignedOn, Rights] | None:
        """Who shows this, and what they may do now; None: nobody, or nothing any more."""
        sso = self._gateway.desk.sso
        if sso is None:
            return None
        found = self._tickets.opened(self._purpose(kind), value, SignedOn)
        accounts = self._gateway.accounts
        if found is None or found.until <= accounts.now:
            return None
        if accounts.keys.has_ended(found.nonce, found.person.subject, found.begun):
            return None
        rights = sso.rights(found.person)
        return None if rights is None else (found, rights)

    def end(self, kind: Kind, value: str) -> Person | None:
        """Whose session is over now, before its time; None: it is nobody's that is good. Raises
        StoreError."""
        found = self.of(kind, value)
        if found is None:
            return None
        self._gateway.accounts.keys.sessions.end(found[0].nonce)
        return found[0].person

    def _purpose(self, kind: Kind) -> str:
        sso = self._gateway.desk.sso
        assert sso is not None
        return f"sso {kind}\0{sso.config.issuer}\0{sso.config.client_id}"
