"""Which addresses belong to this machine or a private network, judged without DNS."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

PRIVATE_NETWORKS = tuple(
    ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
Network = IPv4Network | IPv6Network

_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9a-f.]*:[0-9a-f:.]{1,44})\]|(?P<name>[a-z0-9._-]{1,253}))(?::[0-9]{0,5})?",
    re.ASCII,
)
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
LONGEST_HOST = 253


def problem_of_url(url: str) -> str | None:
    """Why `url` is no base for requests over HTTP, in words; None where it is one. Without DNS."""
    if any(c.isspace() or not c.isprintable() for c in url):
        return f"{url!r} holds a space or a character that cannot be printed."
    if not url.isascii():
        return f"{url!r} holds a character beyond ASCII: write such a host in its xn-- form."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"{url!r} is no URL: {error}."
    if parts.scheme not in ("http", "https") or not host:
        return f"{url!r} is not an http(s) URL."
    if "@" in parts.netloc:
        return "a URL must not hold credentials."
    if parts.fragment or "#" in url:
        return "a URL must end with its path or query: what follows # is not sent."
    if port == 0 or parts.netloc.endswith(":"):
        return f"{url!r} needs a port from 1 to 65535, or none."
    address = f"[{host}]" if "[" in parts.netloc else host
    whole = parts.netloc.lower() == (address if port is None else f"{address}:{port}")
    return (
        None if whole and _is_host(host, bracketed=address != host) else f"{url!r} names no host."
    )


def _is_host(host: str, *, bracketed: bool) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        dotted = host.replace(".", "").isdigit()  # 1.2.3 and 999.1.1.1 are neither name nor address
        return (
            not bracketed
            and not dotted
            and len(host) <= LONGEST_HOST
            and bool(_HOST.fullmatch(host))
        )
    return bracketed == (address.version == 6)


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


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that addresses and networks such as `10.0.0.7` and `10.0.0.0/8` are. Raises
    ValueError for a name, a port, or an address with bits beyond its network."""
    return tuple(ip_network(text) for text in texts)


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
