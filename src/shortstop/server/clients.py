"""Who a request comes from behind trusted proxies, and whether that address may come in."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from starlette.types import Scope

from shortstop.config import Network, ServerConfig, address_in, is_loopback, networks
from shortstop.errors import Forbidden
from shortstop.server.auth import is_forwarded

Address = IPv4Address | IPv6Address
FORWARDED_FOR = b"x-forwarded-for"
MOST_HOPS = 32
"""Addresses of one request that are looked at, the nearest first."""


class Clients:
    """The lists of one gateway, read again when a reload has changed them."""

    def __init__(self) -> None:
        self._read: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._allowed: tuple[Network, ...] = ()
        self._proxies: tuple[Network, ...] = ()

    def refusal(self, scope: Scope, server: ServerConfig) -> Forbidden | None:
        """Why this client is not let in; None: it is. A trusted proxy is replaced in `scope` by the
        client for which it asks."""
        lists = server.allowed_clients, server.trusted_proxies
        if lists == ((), ()):
            return None
        if lists != self._read:
            self._read, (self._allowed, self._proxies) = lists, map(networks, lists)
        proxied = self._proxies and self._follow(scope)
        if not self._allowed:
            return None
        host = scope["client"][0] if scope.get("client") else ""
        if not proxied and is_loopback(host) and not is_forwarded(scope):
            return None
        address = address_in(host)
        if address is not None and _is_in(address, self._allowed):
            return None
        return _refused(host, hidden=not proxied and is_forwarded(scope))

    def _follow(self, scope: Scope) -> bool:
        """Put the client of a trusted proxy into `scope`; whether there is one.

        The last address that no trusted proxy has is the client's: what stands before it, anybody
        may have written. The header of whoever is not trusted says nothing at all.
        """
        client = scope.get("client")
        nearest = None if client is None else address_in(client[0])
        if nearest is None or not _is_in(nearest, self._proxies):
            return False
        found: Address = nearest
        for text in _hops(scope["headers"]):
            hop = address_in(_bare(text))
            if hop is None:
                break
            found = hop
            if not _is_in(hop, self._proxies):
                break
        if found == nearest:
            return False
        scope["client"] = (str(found), 0)
        return True


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """What the proxies say of whom they ask for, the nearest first."""
    said = b",".join(value for name, value in headers if name == FORWARDED_FOR)
    hops = said.decode("latin-1").rsplit(",", MOST_HOPS)
    return [hop.strip() for hop in reversed(hops)][:MOST_HOPS]


def _bare(text: str) -> str:
    """Without a port, which some proxies add."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _is_in(address: Address, among: Iterable[Network]) -> bool:
    return any(address in network for network in among)


def _refused(host: str, *, hidden: bool) -> Forbidden:
    if hidden:
        return Forbidden(
            "This request came through a proxy that is not trusted to say for whom.",
            hint="The operator lists the proxy under [server] `trusted_proxies`.",
            code="address_not_allowed",
        )
    return Forbidden(
        f"This gateway is not for clients at {host or 'an unknown address'}.",
        hint="The operator lists who may come under [server] `allowed_clients`.",
        code="address_not_allowed",
    )
