"""What may come in at all, judged by a request's head alone: host, origin, type of the body.

A web page can make its reader's browser send requests to this machine. It cannot choose three
things: `Host` is the name it used (so a name that was pointed at 127.0.0.1 gives itself away),
`Origin` and `Sec-Fetch-Site` say who asks, and a body of type `application/json` is not sent before
the browser has asked for leave (https://fetch.spec.whatwg.org/#cors-protocol). All three are
checked here, before anything is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from starlette.types import Scope

from shortstop.config import ServerConfig, address_in, host_in, is_loopback
from shortstop.config.checks import EVERYBODY
from shortstop.errors import Forbidden, InvalidRequest, RequestError, Unsupported
from shortstop.server.gateway import Gateway

ONCE = frozenset([b"host", b"origin", b"sec-fetch-site", b"content-type"])
"""Headers that say nothing reliable when they come twice."""
OWN_SITES = (b"same-origin", b"none")
"""`Sec-Fetch-Site` of a page of ours and of the address bar."""
ADMIN = "/admin"
CONSOLE = "/console"
SIGNED_ON = "/console/sso/callback"
UPLOADS = "/files"
_JSON_TYPE = re.compile(rb"application/(?:[!#$&^_.+a-z0-9-]+\+)?json", re.IGNORECASE)
_FORM_TYPE = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
MOST_KNOWN = 64
"""Spellings of hosts, and of types, that are remembered as good."""
SHOWN = 100
"""Characters of a client's word that an error repeats."""


class Door:
    """The check of one gateway. `refusal` costs about a microsecond."""

    def __init__(self, gateway: Gateway) -> None:
        server = gateway.server
        self._gateway = gateway
        self._loopback = is_loopback(server.host)
        self._names, self._suffixes = _names(server)
        self._origins = frozenset(origin.lower().encode() for origin in server.cors_origins)
        self._good_hosts: set[bytes] = set()
        self._good_types: set[bytes] = {b"application/json"}

    def refusal(self, scope: Scope, path: str) -> RequestError | None:
        """Why this request is not let in; None: it is. `path` is without `/v1`."""
        raw = scope["headers"]
        headers = dict(raw)
        if len(headers) != len(raw) and (twice := _repeated(raw)):
            return InvalidRequest(f"The header {twice!r} is there twice.")
        host = headers.get(b"host", b"")
        if host not in self._good_hosts and (refused := self._host_refusal(host)):
            return refused
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        console = is_below(CONSOLE, path)
        if console:
            if not (
                _is_for_console(scope["method"], host, origin, site)
                or _comes_back(scope["method"], path, headers)
            ):
                return _NOT_FOR_CONSOLE
        elif origin is not None or site is not None:
            refused = self._page_refusal(path, host, origin, site)
            if refused is not None:
                return refused
        if headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers:
            return None
        kind = headers.get(b"content-type")
        if console and kind is not None and _type_of(kind) == _FORM_TYPE:
            return None  # what any page can send: from one of ours, as was checked
        if path == UPLOADS and kind is not None and _type_of(kind) == _MULTIPART:
            return None  # any page can send it, too: who asks for one was checked above
        return self._type_refusal(kind)

    def knows(self, scope: Scope) -> bool:
        """Whether the request is for a host of ours."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        return len(hosts) == 1 and self._host_refusal(hosts[0]) is None

    # ------------------------------------------------------------ the host

    def _host_refusal(self, host: bytes) -> RequestError | None:
        name = host_in(host.decode("latin-1"))
        if name is None:
            return InvalidRequest(
                f"The request names no host that can be one: {_shown(host)}.",
                hint="Every request needs one header `Host: NAME:PORT`.",
            )
        if is_loopback(name) or name in self._names or name.endswith(self._suffixes):
            _remember(self._good_hosts, host)
            return None
        if self._may_be_any(name):
            return None
        return Forbidden(
            f"This gateway does not answer to the name {name[:SHOWN]!r}.",
            hint="Use its address (such as http://127.0.0.1:8484), or list the name under [server]:"
            f' allowed_hosts = ["{name[:SHOWN]}"].',
            code="host_not_allowed",
        )

    def _may_be_any(self, name: str) -> bool:
        """Beyond this machine an address is as good as a name: nobody can point it elsewhere. Other
        names are too, where everybody needs a key, for a page has none."""
        if self._loopback:
            return False
        if address_in(name) is not None:
            return True
        return not (self._names or self._suffixes) and self._gateway.asks_for_keys

    # ------------------------------------------------------------ the page

    def _page_refusal(
        self, path: str, host: bytes, origin: bytes | None, site: bytes | None
    ) -> RequestError | None:
        """A browser says that it asks for a page: an origin that is listed, or one of our own."""
        if is_admin_path(path):
            return Forbidden(
                "Administration is not for web pages.",
                hint="Use `shortstop keys` or `shortstop reload`, or send the admin token from a"
                " program that is no browser.",
                code="not_for_pages",
            )
        if origin is None:
            own = site in OWN_SITES
            return None if own else _stranger("A web page of another site", "https://app.example")
        if self._is_listed(origin) or _is_own(origin, host):
            return None
        if origin == b"null":
            return _stranger("A page without an origin (a file, or a sandbox)", "")
        return _stranger(f"The web page at {_shown(origin)}", origin.decode("latin-1")[:SHOWN])

    def _is_listed(self, origin: bytes) -> bool:
        return origin.lower() in self._origins or EVERYBODY.encode() in self._origins

    # ------------------------------------------------------------ the body

    def _type_refusal(self, kind: bytes | None) -> RequestError | None:
        """JSON is what a page cannot send without leave. Parameters mean nothing: RFC 8259 knows
        none, and a body that is not UTF-8 is refused when it is read."""
        if kind in self._good_types:
            return None
        if kind is not None and _JSON_TYPE.fullmatch(kind.split(b";", 1)[0].strip()):
            _remember(self._good_types, kind)
            return None
        what = "has no content type" if kind is None else f"has the type {_shown(kind)}"
        return Unsupported(
            f"The request's body {what}; it must be JSON.",
            hint="Send the header `content-type: application/json`.",
        )


def is_admin_path(path: str) -> bool:
    """Whether `path`, without `/v1`, is of administration."""
    return is_below(ADMIN, path)


def is_below(prefix: str, path: str) -> bool:
    """Whether `path` is `prefix` or in its folder."""
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


_NOT_FOR_CONSOLE = Forbidden(
    "The console is opened by its own pages, by a bookmark or by its typed address alone.",
    hint="A link from another page or program of this machine is not followed: open it here.",
    code="origin_not_allowed",
)


def _is_for_console(method: str, host: bytes, origin: bytes | None, site: bytes | None) -> bool:
    """Its own pages alone: no listed origin, no other port of this machine (`same-site`), no other
    site. The address bar (`none`) may read, and changes nothing. A browser that does not send
    `Sec-Fetch-Site` must name our origin to change something; a program that sends neither may
    read, and has no cookie."""
    if origin is not None and not _is_own(origin, host):
        return False
    reads = method in ("GET", "HEAD")
    if site is None:
        return reads or origin is not None
    return site == b"same-origin" or (site == b"none" and reads)


def _comes_back(method: str, path: str, headers: Mapping[bytes, bytes]) -> bool:
    """From signing in: the provider's page leads a whole browser window here, and what it brings is
    good only with the cookie of who has begun (`console/sign_on.py`)."""
    whole = headers.get(b"sec-fetch-mode") == b"navigate"
    whole = whole and headers.get(b"sec-fetch-dest") == b"document"
    return path == SIGNED_ON and method == "GET" and whole and b"origin" not in headers


def _names(server: ServerConfig) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names that are ours beside this machine's own, and the endings of such names."""
    listed = [host.lower() for host in server.allowed_hosts]
    own = host_in(f"[{server.host}]" if ":" in server.host else server.host)
    names = {host_in(host) for host in listed if not host.startswith("*.")}
    if own is not None and address_in(own) is None:
        names.add(own)
    return frozenset(n for n in names if n), tuple(h[1:] for h in listed if h.startswith("*."))


def _repeated(raw: Iterable[tuple[bytes, bytes]]) -> str:
    """The first header of `ONCE` that comes twice, "" where none does."""
    seen = set()
    for name, _ in raw:
        if name in seen:
            return name.decode()
        if name in ONCE:
            seen.add(name)
    return ""


def _is_own(origin: bytes, host: bytes) -> bool:
    """Whether a page of this gateway asks. The scheme may be that of a proxy in front."""
    return origin.lower().partition(b"://")[2] == host.lower()


def _stranger(who: str, origin: str) -> Forbidden:
    listed = (
        f' List its origin under [server]: cors_origins = ["{origin}"].'
        if origin.isprintable() and origin
        else ""
    )
    return Forbidden(
        f"{who} may not use this gateway.",
        hint=f"Only pages that the operator has named may.{listed}",
        code="origin_not_allowed",
    )


def _type_of(kind: bytes) -> bytes:
    """A content type without its parameters."""
    return kind.split(b";", 1)[0].strip().lower()


def _shown(value: bytes) -> str:
    return repr(value.decode("latin-1")[:SHOWN])


def _remember(good: set[bytes], value: bytes) -> None:
    if len(good) < MOST_KNOWN:
        good.add(value)
