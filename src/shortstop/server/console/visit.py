"""One visit to a page: who came, with which query or form, and how pages answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shortstop import __version__
from shortstop.console.templates import render
from shortstop.console.view import View
from shortstop.errors import InvalidRequest, ShortstopError
from shortstop.server.console.session import Session

PREFIX = "/console"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer."""
MOST_FIELDS = 40
LONGEST_NEXT = 1000
_NEXT = re.compile(r"[a-z]+(?:/[\w.~%-]+)*(?:\?[\w.~%&=+:-]*)?", re.ASCII)
"""A page below the console; anything else leads to the first one."""


@dataclass(frozen=True, slots=True)
class Visit:
    """`form` is empty for a page that is only read."""

    request: HttpRequest
    session: Session
    view: View
    form: Mapping[str, str]

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def tenant(self) -> str | None:
        """Whose figures: the only one that they may see, or the one that they chose."""
        return self.session.tenant or self.query.get("tenant") or None


Handler = Callable[[Visit], Awaitable[Response]]


def here_of(request: HttpRequest) -> str:
    """The page's path below the console, with its query."""
    path = quote(request.scope["path"].removeprefix(PREFIX).lstrip("/"))
    return f"{path}?{request.url.query}" if request.url.query else path


def view_of(session: Session, request: HttpRequest, now: float) -> View:
    here = here_of(request)
    return View(session.name, session.role, session.tenant, session.csrf, here, now, __version__)


def html(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status)


def see(path: str) -> Response:
    """After something was done: go and look."""
    return RedirectResponse(f"{PREFIX}/{path}", 303)


def next_page(wanted: str) -> str:
    """Where somebody who has logged in wanted to go: a page of ours, else the first one."""
    return wanted if len(wanted) <= LONGEST_NEXT and _NEXT.fullmatch(wanted) else "today"


def is_secure(request: HttpRequest) -> bool:
    """Whether the browser speaks TLS: to us, or to a proxy in front."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))


def form_in(body: bytes) -> dict[str, str]:
    """The fields of a form, each once. Raises InvalidRequest."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidRequest("The form cannot be read.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidRequest("A field of the form is there twice.")
    return fields


def problem(
    error: ShortstopError, *, link: str = "today", text: str = "Go on to Today"
) -> Response:
    """What went wrong, as a page with a way on."""
    titles = {401: "Log in", 403: "Not allowed", 404: "Not found", 503: "Not now"}
    page = render(
        "problem.html",
        title=titles.get(error.status, "This did not work"),
        message=error.message,
        hint=error.hint,
        link=link,
        link_text=text,
    )
    return HTMLResponse(page, error.status, dict(error.headers))
