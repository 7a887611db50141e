"""Which addresses belong to this machine or a private network, judged without DNS."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

PRIVATE_NETWORKS = tuple(
    ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9a-f.]*:[0-9a-f:.]{1,44})\]|(?P<name>[a-z0-9._-]{1,253}))(?::[0-9]{0,5})?",
    re.ASCII,
)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    address = address_in(host)
    return address is not None and address.is_loopback


def address_in(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` is; None for a name. `::ffff:127.0.0.1` is 127.0.0.1."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def host_in(authority: str) -> str | None:
    """The name or address, in its shortest form, of what a `Host` header holds: `LOCALHOST.:8484`
    is `localhost`, `[0:0::1]` is `::1`. None for what no client may send, such as `user@host`."""
    match = _AUTHORITY.fullmatch(authority.lower())
    if match is None:
        return None
    if match["v6"]:
        address = address_in(match["v6"])
        return None if address is None else str(address)
    return match["name"].removesuffix(".") or None


def is_local_url(url: str) -> bool:
    """Whether `url` points at this machine or a private network."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in PRIVATE_NETWORKS)
