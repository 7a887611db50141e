"""Signing in to the console at the identity provider: there, and back (OpenID Connect Core, 3.1).

The browser keeps one sealed cookie between the two. What ties the answer to it (state, nonce,
verifier) is made of the random text in it, so nobody else can make them and nothing is kept here.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from shortstop.console import templates
from shortstop.errors import InvalidRequest, NotFound, ShortstopError, SignOnRefused
from shortstop.ports import Clock
from shortstop.server.console.session import COOKIE, Sessions, cookie_in
from shortstop.server.console.visit import PREFIX, html, next_page, problem
from shortstop.server.gateway import Gateway
from shortstop.server.signed_on import FailedSignIns
from shortstop.server.tickets import Tickets
from shortstop.sso import Handshake, SignOn

HANDSHAKE = "shortstop_sso"
PATH = f"{PREFIX}/sso"
PURPOSE = "sso handshake"
SECONDS = 600
"""In which somebody has to sign in."""
_WORD = re.compile(r"[a-z_]{1,40}")


class Begun(Struct, frozen=True, array_like=True):
    """A sign-in under way: a random text, until when, and the page that is led to afterwards."""

    id: str
    until: float
    next: str


class SignOnPages:
    def __init__(self, gateway: Gateway, sessions: Sessions, clock: Clock) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._clock = clock
        self._tickets = Tickets(gateway)
        self._failed = FailedSignIns(gateway)

    @property
    def offered(self) -> bool:
        return self._gateway.desk.sso is not None

    async def start(self, request: HttpRequest) -> Response:
        """GET /console/sso/start: to the provider."""
        sso = self._sso()
        _require_own_address(request, sso)
        next = next_page(request.query_params.get("next", ""))
        begun = Begun(secrets.token_urlsafe(32), self._clock.time() + SECONDS, next)
        response = RedirectResponse(await sso.address(self._handshake(begun)), 303)
        response.set_cookie(
            HANDSHAKE, self._tickets.sealed(PURPOSE, begun), path=PATH, max_age=SECONDS,
            secure=_is_secure(sso), httponly=True, samesite="lax",
        )  # fmt: skip
        return response

    async def callback(self, request: HttpRequest) -> Response:
        """GET /console/sso/callback: back from the provider, whose page leads here. A sign-in is
        over with its answer, whatever that is."""
        try:
            response = await self._finished(request)
        except ShortstopError as error:
            self._failed.note(error)
            self._gateway.refused(error.status)
            response = problem(error, link="login", text="Log in")
        response.delete_cookie(HANDSHAKE, path=PATH, httponly=True, samesite="lax")
        return response

    async def _finished(self, request: HttpRequest) -> Response:
        sso = self._sso()
        begun = self._begun(request)
        handshake = self._handshake(begun)
        person = await sso.finish(_code(request, handshake, sso), handshake)
        rights, seconds = sso.rights(person), sso.config.session_seconds
        assert rights is not None  # `finish` refuses who has none
        cookie = self._sessions.begin_signed_on(person, rights, seconds)
        note = self._gateway.desk.note
        await asyncio.to_thread(note, person.told, rights.tenant, "log in by single sign-on")
        # A redirect would still be the provider's: the browser would not send a strict cookie.
        page = html(templates.render("signed_on.html", next=begun.next))
        page.set_cookie(
            COOKIE, cookie, path=PREFIX, max_age=int(seconds),
            secure=_is_secure(sso), httponly=True, samesite="strict",
        )  # fmt: skip
        return page

    def _sso(self) -> SignOn:
        sso = self._gateway.desk.sso
        if sso is None:
            raise NotFound("Single sign-on is not set up here.", hint="Log in with a key.")
        return sso

    def _begun(self, request: HttpRequest) -> Begun:
        """Raises SignOnRefused."""
        value = cookie_in(request.scope, HANDSHAKE)
        begun = self._tickets.opened(PURPOSE, value, Begun) if value else None
        if begun is None or begun.until <= self._clock.time():
            raise SignOnRefused(
                "This browser has not begun to sign in here, or too long ago.",
                hint="Begin at the console's own page, by the address that `url` of [sso] names.",
            )
        return begun

    def _handshake(self, begun: Begun) -> Handshake:
        mac = self._tickets.mac
        return Handshake(*(mac(f"sso {what}", begun.id) for what in Handshake._fields))


def _is_secure(sso: SignOn) -> bool:
    """Whether browsers reach this gateway by TLS, whatever a proxy in front says."""
    return sso.callback.startswith("https://")


def _require_own_address(request: HttpRequest, sso: SignOn) -> None:
    """The cookie must be of the host that the provider leads back to. Raises InvalidRequest."""
    host = urlsplit(sso.callback).netloc.lower()
    if request.headers.get("host", "").lower() not in (host, host.removesuffix(":443")):
        raise InvalidRequest(
            f"Single sign-on is for {sso.config.url}, and this page has another address.",
            hint=f"Open {(sso.config.url or '').rstrip('/')}{PREFIX} and sign in there.",
        )


def _code(request: HttpRequest, handshake: Handshake, sso: SignOn) -> str:
    """What the provider has sent along. Raises SignOnRefused."""
    query = request.query_params
    state = query.get("state", "")
    if not hmac.compare_digest(state.encode("utf-8", "replace"), handshake.state.encode()):
        raise SignOnRefused("This is the answer to another sign-in.", hint="Sign in again.")
    if query.get("iss", sso.config.issuer) != sso.config.issuer:  # RFC 9207
        raise SignOnRefused("This is the answer of another provider.", hint="Sign in again.")
    if "error" in query:
        word = query["error"] if _WORD.fullmatch(query["error"]) else "no reason that is known"
        raise SignOnRefused(f"The identity provider says no: {word}.", hint="Sign in again.")
    code = query.get("code", "")
    if not code:
        raise SignOnRefused("The identity provider sends no code.", hint="Sign in again.")
    return code
