"""The playground's way to the models: the ordinary one, for whoever is logged in."""

from __future__ import annotations

import hmac

from starlette.types import Receive, Scope, Send

from shortstop.errors import Forbidden, ShortstopError, Unauthenticated
from shortstop.server.console.session import Sessions
from shortstop.server.gateway import Gateway
from shortstop.server.route import HotRoute
from shortstop.types import Caller

TOKEN = b"x-csrf-token"


class Ask:
    """POST playground/ask: a chat, streamed. The body is JSON, the form's token a header."""

    role = "operator"

    def __init__(self, gateway: Gateway, sessions: Sessions, chat: HotRoute) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._chat = chat.asked_by(self._caller)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._caller(scope)
        except ShortstopError as error:
            await self._chat.refuse(send, error)
            return
        await self._chat(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        """Raises Unauthenticated or Forbidden."""
        session = self._sessions.of(scope)
        if session is None:
            raise Unauthenticated("You are not logged in any longer.", hint="Load the page again.")
        shown = dict(scope["headers"]).get(TOKEN, b"")
        if not hmac.compare_digest(shown, session.csrf.encode()):
            raise Forbidden("The form is not of this session.", hint="Load the page again.")
        if not session.may("operator"):
            raise Forbidden("Trying is for operators.")
        key = self._gateway.accounts.keys.get(session.key) if session.key else None
        if key is not None:
            return self._gateway.accounts.caller_of(key)
        if session.tenant is not None:
            return Caller(tenant=session.tenant)
        return Caller(role="reviewer")
