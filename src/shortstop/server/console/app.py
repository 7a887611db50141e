"""The console as an ASGI application: every route behind a role, every change behind a token."""

from __future__ import annotations

import asyncio
import gzip
import hmac
import logging
import traceback
from collections.abc import Awaitable, Callable
from functools import cache

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortstop.console import templates
from shortstop.errors import Forbidden, MethodNotAllowed, NotFound, ShortstopError
from shortstop.ports import Clock
from shortstop.server.body import read_request
from shortstop.server.capacity import Capacity
from shortstop.server.console.ask import Ask
from shortstop.server.console.changes import Changes
from shortstop.server.console.pages import Pages
from shortstop.server.console.session import COOKIE, LIFE_SECONDS, Session, Sessions
from shortstop.server.console.sign_on import SignOnPages
from shortstop.server.console.visit import (
    HEADERS,
    PREFIX,
    Handler,
    Visit,
    form_in,
    here_of,
    html,
    is_secure,
    next_page,
    problem,
    see,
    view_of,
)
from shortstop.server.gateway import Gateway
from shortstop.server.route import HotRoute
from shortstop.types.console import ConsoleRole

log = logging.getLogger(__name__)

VISITORS = "console"
"""Whose the bytes of these forms are."""
FOR_GOOD = "public, max-age=31536000, immutable"
_Endpoint = Callable[[HttpRequest], Awaitable[Response]]


class Console:
    """Serves pages. `chat` is the route that the playground asks; `refuse` tells a browser what the
    door said."""

    def __init__(self, gateway: Gateway, capacity: Capacity, clock: Clock, chat: HotRoute) -> None:
        self._gateway = gateway
        self._capacity = capacity
        self._clock = clock
        self._sessions = Sessions(gateway, clock)
        self._sign_on = SignOnPages(gateway, self._sessions, clock)
        self._ask = Ask(gateway, self._sessions, chat)
        self.routes = self._table(Pages(gateway))
        self._app: ASGIApp = Starlette(
            routes=self.routes,
            exception_handlers={
                ShortstopError: self._failed,
                HTTPException: self._failed_http,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "root_path": PREFIX}, receive, _guarded(send))

    async def refuse(
        self, error: ShortstopError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """A page that leads back in: a click on it comes from a page of ours."""
        page = problem(error, text="Open the console")
        await page(scope, receive, _guarded(send))

    def _table(self, pages: Pages) -> list[Route]:
        changes = Changes(self._gateway, pages)

        def get(path: str, handler: Handler, role: ConsoleRole = "viewer") -> Route:
            return _route(path, "GET", role, self._page(role, handler))

        def post(path: str, handler: Handler, role: ConsoleRole) -> Route:
            return _route(path, "POST", role, self._change(role, handler))

        return [
            _route("/", "GET", None, self._first),
            _route("/login", "GET", None, self._login_form),
            _route("/login", "POST", None, self._login),
            _route("/sso/start", "GET", None, self._sign_on.start),
            _route("/sso/callback", "GET", None, self._sign_on.callback),
            _route("/static/{name}", "GET", None, _static),
            post("/logout", self._logout, "viewer"),
            get("/today", pages.today),
            get("/tail", pages.tail),
            get("/traces", pages.traces),
            get("/traces/{id}", pages.trace),
            post("/traces/{id}/content", pages.content, "operator"),
            get("/tasks", pages.tasks),
            post("/tasks/route", changes.route, "operator"),
            get("/task", pages.task),
            get("/specialists", pages.specialists),
            post("/specialists", changes.specialist, "admin"),
            get("/books", pages.books),
            get("/books.csv", pages.books_csv),
            get("/privacy", pages.privacy),
            post("/privacy", pages.privacy, "viewer"),
            post("/privacy/verify", pages.verify, "operator"),
            get("/playground", pages.playground),
            post("/playground", pages.again, "operator"),
            Route("/playground/ask", self._ask, methods=["POST"]),
            get("/settings", pages.settings),
            post("/settings/keys", changes.make_key, "admin"),
            post("/settings/revoke", changes.revoke_key, "admin"),
            post("/settings/reload", changes.reload, "admin"),
        ]

    # ------------------------------------------------------------ who comes

    def _page(self, role: ConsoleRole, handler: Handler) -> _Endpoint:
        """Something that is only read."""

        async def handle(request: HttpRequest) -> Response:
            session = self._sessions.of(request.scope)
            if session is None:
                return self._to_login(request)
            _require(session, role)
            view = view_of(session, request, self._clock.time())
            return await handler(Visit(request, session, view, {}))

        return handle

    def _change(self, role: ConsoleRole, handler: Handler) -> _Endpoint:
        """Something that does something: for a form of the session's own."""

        async def handle(request: HttpRequest) -> Response:
            session = self._sessions.of(request.scope)
            if session is None:
                return self._to_login(request)
            form = await self._form(request)
            shown = form.pop("csrf", "")
            if not hmac.compare_digest(shown.encode("utf-8", "replace"), session.csrf.encode()):
                raise Forbidden(
                    "The form is not of this session, so nothing was done.",
                    hint="Load the page again and repeat it.",
                    code="csrf",
                )
            _require(session, role)
            view = view_of(session, request, self._clock.time())
            return await handler(Visit(request, session, view, form))

        return handle

    async def _form(self, request: HttpRequest) -> dict[str, str]:
        with self._capacity.share(VISITORS) as share:
            return form_in(await read_request(request, self._gateway.server, share))

    def _to_login(self, request: HttpRequest) -> Response:
        path = templates.url("login", next=here_of(request) if request.method == "GET" else "")
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"hx-redirect": f"{PREFIX}/{path}"})
        return see(path)

    async def _first(self, request: HttpRequest) -> Response:
        return see("today")

    async def _login_form(self, request: HttpRequest) -> Response:
        return self._login_page(request.query_params.get("next", ""))

    def _login_page(self, next: str, problem: str = "", status: int = 200) -> Response:
        place = self._gateway.admin_token.place
        sso = templates.url("sso/start", next=next) if self._sign_on.offered else ""
        page = templates.render("login.html", next=next, problem=problem, place=place, sso=sso)
        return html(page, status)

    async def _login(self, request: HttpRequest) -> Response:
        """Only a page of ours gets here (`door`), so nobody is logged in as somebody else."""
        form = await self._form(request)
        next = form.get("next", "")
        try:
            cookie, session = self._sessions.begin(form.get("key", ""), request.scope)
        except ShortstopError as error:
            self._gateway.refused(error.status)
            return self._login_page(next, str(error), error.status)
        tenant = session.tenant or ""
        await asyncio.to_thread(self._gateway.desk.note, session.name, tenant, "log in")
        response = see(next_page(next))
        response.set_cookie(
            COOKIE, cookie, path=PREFIX, secure=is_secure(request), httponly=True,
            samesite="strict", max_age=LIFE_SECONDS,
        )  # fmt: skip
        return response

    async def _logout(self, visit: Visit) -> Response:
        session = visit.session
        await asyncio.to_thread(self._sessions.end, session)
        await asyncio.to_thread(
            self._gateway.desk.note, session.name, session.tenant or "", "log out"
        )
        response = see("login")
        response.delete_cookie(COOKIE, path=PREFIX, httponly=True, samesite="strict")
        return response

    # ------------------------------------------------------------ what goes wrong

    async def _failed(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, ShortstopError)
        self._gateway.refused(error.status)
        return problem(error)

    async def _failed_http(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            refusal: ShortstopError = MethodNotAllowed(f"{request.method} is not allowed here.")
        else:
            refusal = NotFound("There is no such page.")
        return await self._failed(request, refusal)


def _route(path: str, method: str, role: ConsoleRole | None, endpoint: _Endpoint) -> Route:
    """`role` is None for what nobody needs to be logged in for."""

    async def handle(request: HttpRequest) -> Response:
        try:
            return await endpoint(request)
        except (ShortstopError, HTTPException):
            raise
        except Exception as error:
            # The text of an unforeseen error may hold content: its kind and place are logged.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("console, %s failed: %s\n%s", path, type(error).__name__, place)
            raise ShortstopError(
                "An internal error occurred.", hint="The log says where."
            ) from None

    made = Route(path, handle, methods=[method])
    made.role = role  # type: ignore[attr-defined]
    return made


def _require(session: Session, role: ConsoleRole) -> None:
    if not session.may(role):
        raise Forbidden(
            f"This needs the role {role}; you are {session.role}.",
            hint="Ask for a key that was made with `--console` and that role.",
        )


async def _static(request: HttpRequest) -> Response:
    name = request.path_params["name"]
    if name not in templates.STATIC:
        raise NotFound("There is no such file.")
    headers = {"cache-control": FOR_GOOD, "vary": "accept-encoding"}
    body = templates.static(name)
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = _packed(name), "gzip"
    return Response(body, headers=headers, media_type=templates.STATIC[name])


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(templates.static(name), 9, mtime=0)


def _guarded(send: Send) -> Send:
    """`send`, with HEADERS where the answer says nothing else."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name.lower() for name, _ in message["headers"]}
            more = [
                (name.encode(), value.encode())
                for name, value in HEADERS.items()
                if name.encode() not in said
            ]
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return guarded
