"""Sessions of people at the command line: an ID token of the provider, exchanged for a token of
ours that is good for a while. No other route takes a token of the provider's."""

from __future__ import annotations

import asyncio

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from shortstop.config.sso import GroupRole
from shortstop.errors import NotFound, ShortstopError, Unauthenticated
from shortstop.server.answers import as_json
from shortstop.server.auth import secret_of
from shortstop.server.capacity import Capacity
from shortstop.server.gateway import Gateway
from shortstop.server.sent import Sent
from shortstop.server.signed_on import SESSION_PREFIX, FailedSignIns, SignedOnTickets
from shortstop.sso import Rights, SignOn

SIGNING_IN = "signing in"
"""Whose the bytes of these requests are: anybody may send one."""


class SessionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the identity provider has given to `shortstop login`."""

    id_token: str


class StartedSession(Struct, frozen=True):
    """A session's token, to be sent as `Authorization: Bearer TOKEN`, and until when it is good
    (Unix time in seconds). `tenant` is the only one that is seen, null: all; `team` the one that is
    led, null: none."""

    token: str
    expires: float
    name: str
    role: GroupRole
    tenant: str | None
    team: str | None


class EndedSession(Struct, frozen=True):
    """Whose session is over, or, by the subject that the log of changes names, whose sessions."""

    ended: str


class SessionsApi:
    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._sent = Sent(gateway, capacity)
        self._tickets = SignedOnTickets(gateway)
        self._failed = FailedSignIns(gateway)

    async def offer(self, request: HttpRequest) -> Response:
        """GET /admin/sessions: where somebody signs in at the command line."""
        return as_json(await self._sso().offer())

    async def begin(self, request: HttpRequest) -> Response:
        """POST /admin/sessions: a session for whose fresh ID token this is."""
        sso = self._sso()
        token = (await self._sent.body(request, SessionRequest, SIGNING_IN)).id_token
        try:
            person = await sso.exchange(token)
        except ShortstopError as error:
            self._failed.note(error)
            raise
        rights = sso.rights(person)
        assert rights is not None  # `exchange` refuses who has none
        tenant, note = _tenant(rights), self._gateway.desk.note
        await asyncio.to_thread(note, person.told, tenant or "", "log in at the command line")
        value, made = self._tickets.begin("token", person, sso.config.session_seconds)
        token = SESSION_PREFIX + value
        session = StartedSession(token, made.until, person.name, rights.role, tenant, rights.team)
        return as_json(session, 201)

    async def end(self, request: HttpRequest) -> Response:
        """DELETE /admin/sessions: the session whose token is shown is over."""
        secret = secret_of(request.scope["headers"]) or ""
        value = secret.removeprefix(SESSION_PREFIX)
        person = await asyncio.to_thread(self._tickets.end, "token", value)
        if person is None:
            raise Unauthenticated("This is no session, or one that is over.", code="session_over")
        await asyncio.to_thread(self._gateway.desk.note, person.told, "", "log out")
        return as_json(EndedSession(person.name))

    async def end_all(self, request: HttpRequest, who: str) -> Response:
        """DELETE /admin/sessions/{id}: all sessions that the person of this subject has begun."""
        subject = request.path_params["id"]
        note, sessions = self._gateway.desk.note, self._gateway.accounts.keys.sessions
        await asyncio.to_thread(note, who, "", f"end the sessions of {subject[:255]}")
        await asyncio.to_thread(sessions.end_all, subject)
        return as_json(EndedSession(subject))

    def _sso(self) -> SignOn:
        sso = self._gateway.desk.sso
        if sso is None:
            raise NotFound(
                "Single sign-on is not set up at this gateway.",
                hint="Use a key or the admin token; the operator sets it up under [sso].",
                code="sso_off",
            )
        return sso


def _tenant(rights: Rights) -> str | None:
    """The only one that is seen; None: all."""
    if rights.console is None:
        return rights.team_tenant
    return None if rights.console == "admin" else rights.tenant
