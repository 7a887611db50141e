"""`shortstop config check`: who may come in and how, and how each upstream is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shortstop.cli.reach import url_of
from shortstop.config import ServerConfig, UpstreamConfig, filled_in, proxy_of
from shortstop.config.sso import SsoConfig, client_secret
from shortstop.errors import ConfigError
from shortstop.serving.key_file import KeyFile
from shortstop.serving.outward import doubts, tls_of
from shortstop.serving.tls import expired, server_context
from shortstop.serving.upstreams import dialect_of, vendor_of


def lines_of_door(server: ServerConfig) -> Iterator[str]:
    """Raises ConfigError for a certificate or key that cannot be used."""
    scheme = url_of(server).partition("://")[0]
    yield f"Listens on {scheme}://{server.host}:{server.port}/v1."
    if server.tls.cert is not None:
        server_context(server.tls.cert, server.tls.key)
        since = expired(server.tls.cert)
        state = "good" if since is None else f"EXPIRED on {since:%Y-%m-%d}"
        yield f"Its certificate, {server.tls.cert}: {state}."
    if server.allowed_clients:
        yield f"Clients that may use it beside this machine: {', '.join(server.allowed_clients)}."
    if server.trusted_proxies:
        yield f"X-Forwarded-For is believed of: {', '.join(server.trusted_proxies)}."


def lines_of_sso(sso: SsoConfig, env: Mapping[str, str]) -> Iterator[str]:
    if not sso.on:
        return
    roles = ", ".join(f"{name} ({group.role})" for name, group in sso.groups.items())
    yield f"Single sign-on at {sso.issuer} as {sso.client_id!r}: {roles}."
    try:
        client_secret(sso, env)
    except ConfigError as error:
        yield f"  Its secret: UNUSABLE. {error.message}"
    yield f"  Register there: {(sso.url or '').rstrip('/')}/console/sso/callback"


def lines_of_way(upstream: UpstreamConfig, env: Mapping[str, str], name: str) -> Iterator[str]:
    """Raises ConfigError for certificates and keys that cannot be used."""
    if upstream.api_key_file is not None:
        try:
            KeyFile(upstream.api_key_file, vendor_of(dialect_of(upstream, name=name)))
            yield f"Key from {upstream.api_key_file}: there, and read again whenever it changes."
        except ConfigError as error:
            yield f"Key from {upstream.api_key_file}: UNUSABLE. {error.message}"
    try:
        proxy = proxy_of(upstream, env, name=name)
    except ConfigError as error:
        yield f"Proxy: UNUSABLE. {error.message}"
    else:
        if proxy is not None:
            shown = "with" if proxy.authorization else "without"
            yield f"Through the proxy {proxy}, {shown} credentials (named by {proxy.named_by})."
    if upstream.socket is not None:
        yield f"By the Unix socket {upstream.socket}."
    tls_of(upstream, env, name=name)
    yield from (f"Warning: {doubt}" for doubt in doubts(upstream, name=name))
    for header, value in upstream.headers.items():
        try:
            filled_in(value, env)
        except ConfigError as error:
            yield f"Header {header}: UNUSABLE. {error.message}"
    if upstream.forward_headers:
        yield f"Told of the client's headers: {', '.join(upstream.forward_headers)}."
