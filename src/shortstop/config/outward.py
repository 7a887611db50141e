"""How an upstream is reached, checked without a look at files or the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from shortstop.config.proxies import OFF, problem_of_proxy
from shortstop.config.secret import VARIABLE
from shortstop.config.upstreams import MODEL_PLACE, UpstreamConfig

Complaint = tuple[str, str, str]
"""A key of the upstream's table, what is wrong with it, and what to do."""

OURS = frozenset(
    [
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "proxy-authorization",
        "proxy-connection",
    ]
)
"""Headers that say how a message is carried: the client writes them itself."""
CREDENTIALS = frozenset(["authorization", "x-api-key", "api-key", "cookie", "set-cookie"])
"""Headers of a client that are for the gateway alone."""
OUR_PREFIXES = ("x-shortstop-", "x-forwarded-", "sec-")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_SECRET = re.compile(r"authorization|cookie|secret|token|(?:^|[-_])key$", re.IGNORECASE)
LONGEST_SOCKET = 107
"""Bytes of a path that the system can connect to."""


def problems_of_way(upstream: UpstreamConfig) -> Iterator[Complaint]:
    """What no upstream can be reached by, the first key first."""
    yield from _of_address(upstream)
    if upstream.api_key_env is not None and upstream.api_key_file is not None:
        yield "api_key_file", "there is `api_key_env` already.", "Leave out one of the two."
    yield from _of_proxy(upstream)
    if upstream.client_key is not None and upstream.client_cert is None:
        yield "client_key", "is of no use without `client_cert`.", "Name the certificate as well."
    yield from problems_of_socket(upstream.socket)
    yield from _of_headers(upstream)
    yield from _of_forwarded(upstream)


def problems_of_socket(path: str | None) -> Iterator[Complaint]:
    if path is None:
        return
    if not path.startswith(("/", "~", ".")) or len(path.encode()) > LONGEST_SOCKET:
        hint = f'Write a path of at most {LONGEST_SOCKET} bytes: "/run/engine.sock".'
        yield "socket", f"{path!r} is no path of a Unix socket.", hint


def _of_address(upstream: UpstreamConfig) -> Iterator[Complaint]:
    url = upstream.base_url
    place = url.count(MODEL_PLACE)
    rest = url.replace(MODEL_PLACE, "")
    if "{" in rest or "}" in rest or place > 1 or (place and MODEL_PLACE not in urlsplit(url).path):
        hint = "Write it once, in the path: https://HOST/openai/deployments/{model}"
        yield "base_url", f"only {MODEL_PLACE} may stand in braces.", hint
    if place and upstream.discover:
        yield "discover", "cannot be asked where each model has its own address.", "Leave it out."
    told = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    for name in upstream.query:
        if name in told:
            yield "query", f"{name!r} stands in `base_url` already.", "Say it once."


def _of_proxy(upstream: UpstreamConfig) -> Iterator[Complaint]:
    through = upstream.proxy not in (None, OFF)
    if upstream.proxy is not None and (problem := problem_of_proxy(upstream.proxy)):
        yield "proxy", problem, "Name the user in `proxy_user`." if "credentials" in problem else ""
    if (upstream.proxy_user is None) != (upstream.proxy_password_env is None):
        key = "proxy_user" if upstream.proxy_password_env is None else "proxy_password_env"
        yield key, "a proxy is shown `proxy_user` and the password in `proxy_password_env`.", ""
    if upstream.proxy_user is not None:
        if not through:
            yield "proxy_user", "is shown to no proxy: name one in `proxy`.", ""
        if ":" in upstream.proxy_user or not upstream.proxy_user.isprintable():
            yield "proxy_user", "a user's name holds no colon and nothing unprintable.", ""
    if through and upstream.socket is not None:
        yield "socket", "is on this machine: no proxy leads there.", "Leave out one of the two."


def _of_headers(upstream: UpstreamConfig) -> Iterator[Complaint]:
    seen = set[str]()
    for name, value in upstream.headers.items():
        low = name.lower()
        if not _TOKEN.fullmatch(name) or low in seen:
            yield "headers", f"{name!r} is no name of a header, or is there twice.", ""
        elif low in OURS:
            yield "headers", f"{name!r} cannot be set: it says how a message is carried.", ""
        elif not (value.isascii() and value.isprintable() and value.strip()):
            yield "headers", f"the value of {name!r} is not printable ASCII.", ""
        elif low in CREDENTIALS and upstream.api_key_file is not None:
            yield "headers", f"{name!r} is what `api_key_file` is shown in.", "Leave out one."
        elif _SECRET.search(name) and not VARIABLE.search(value):
            hint = f'Name an environment variable: {{ {name} = "$NAME" }}.'
            yield "headers", f"the value of {name!r} is a secret, which no file should hold.", hint
        seen.add(low)


def _of_forwarded(upstream: UpstreamConfig) -> Iterator[Complaint]:
    fixed = {name.lower() for name in upstream.headers}
    for name in upstream.forward_headers:
        low = name.lower()
        if not _TOKEN.fullmatch(name):
            yield "forward_headers", f"{name!r} is no name of a header.", ""
        elif low in OURS | CREDENTIALS or low.startswith(OUR_PREFIXES):
            yield "forward_headers", f"{name!r} is for this gateway alone.", ""
        elif low in fixed:
            yield "forward_headers", f"{name!r} has a value in `headers` already.", ""
