"""Through which HTTP proxy an upstream is reached: the one of its table, else the environment's.

`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are read as other programs read them, small letters
first. What a proxy is shown of credentials is in no error and no log.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from shortstop.config.addresses import address_in, is_loopback, problem_of_url
from shortstop.config.secret import api_key
from shortstop.config.upstreams import UpstreamConfig
from shortstop.errors import ConfigError

OFF = "off"
SCHEME = "http://"


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """An HTTP proxy, and the setting or variable that names it. `authorization` is the value of its
    header, "" where it is shown none."""

    host: str
    port: int
    named_by: str
    authorization: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}{host}:{self.port}"


def problem_of_proxy(text: str) -> str | None:
    """Why `text` is no proxy's address without credentials, in words; None where it is one."""
    if text == OFF:
        return None
    if not text.startswith(SCHEME):
        return 'only a proxy at http://HOST:PORT is spoken to (or "off"): no SOCKS, no TLS.'
    parts = urlsplit(text)
    if parts.path.strip("/") or parts.query:
        return "a proxy's address ends with its port."
    return problem_of_url(text)


def proxy_of(upstream: UpstreamConfig, env: Mapping[str, str], *, name: str) -> ProxyAddress | None:
    """The proxy on the way to `upstream`, None where there is none. Raises ConfigError."""
    if upstream.proxy is not None:
        return _configured(upstream, env, name)
    if upstream.socket is not None:
        return None
    url = urlsplit(upstream.base_url)
    host, secure = (url.hostname or "").rstrip("."), url.scheme == "https"
    variable, text = _named(env, "HTTPS_PROXY" if secure else "HTTP_PROXY")
    if not text or is_loopback(host) or host.endswith(".localhost"):
        return None
    if is_exempt(host, url.port or (443 if secure else 80), _named(env, "NO_PROXY")[1]):
        return None
    return _from_environment(text, variable)


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether `NO_PROXY` keeps a host from the proxy: `*`, a name with all below it, an address, a
    network, each also with a port."""
    return any(_covers(entry, host.lower(), port) for entry in re.split(r"[,\s]+", no_proxy))


def _covers(entry: str, host: str, port: int) -> bool:
    name, own_port = _split(entry.lower())
    if own_port and own_port != str(port):
        return False
    if name == "*":
        return True
    name = name.removeprefix("*").strip(".")
    address = address_in(host)
    if address is None:
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return address in ip_network(name, strict=False)
    except ValueError:
        return False


def _split(entry: str) -> tuple[str, str]:
    """A host and its port, "" where there is none. An IPv6 address needs brackets for a port."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    name, _, port = entry.partition(":")
    return (entry, "") if ":" in port else (name, port)


def _named(env: Mapping[str, str], variable: str) -> tuple[str, str]:
    """The variable that is set, in small letters or large, and its value."""
    for name in (variable.lower(), variable):
        if text := env.get(name, "").strip():
            return name, text
    return variable, ""


def _configured(upstream: UpstreamConfig, env: Mapping[str, str], name: str) -> ProxyAddress | None:
    assert upstream.proxy is not None
    if upstream.proxy == OFF:
        return None
    parts, authorization = urlsplit(upstream.proxy), ""
    if upstream.proxy_user is not None and upstream.proxy_password_env is not None:
        password = api_key(env, upstream.proxy_password_env)
        if password is None:
            raise ConfigError(
                f"The password of the proxy of upstream {name!r} is missing:"
                f" {upstream.proxy_password_env} is not set.",
                hint=f"export {upstream.proxy_password_env}=...",
            )
        authorization = _basic(upstream.proxy_user, password)
    return _address(parts, f"upstreams.{name}.proxy", authorization)


def _from_environment(text: str, variable: str) -> ProxyAddress:
    """Never shows the text: it may hold a password."""
    if "://" not in text:
        text = SCHEME + text
    try:
        parts = urlsplit(text)
        user, password, port = parts.username, parts.password, parts.port
    except ValueError:
        _refuse(variable, "is no address of a proxy")
    if parts.scheme != "http":
        _refuse(variable, f"names a proxy that speaks {parts.scheme[:10]!r}")
    if not parts.hostname or port == 0 or parts.path.strip("/") or parts.query:
        _refuse(variable, "is no address of a proxy")
    shown = _basic(unquote(user), unquote(password or "")) if user else ""
    return _address(parts, variable, shown)


def _refuse(variable: str, what: str) -> NoReturn:
    raise ConfigError(
        f"The environment variable {variable} {what}.",
        hint="Only http://HOST:PORT is spoken to (no SOCKS, no TLS to the proxy)."
        ' Change it, or say `proxy = "off"` for the upstreams that need none.',
    )


def _address(parts: SplitResult, named_by: str, authorization: str) -> ProxyAddress:
    return ProxyAddress(parts.hostname or "", parts.port or 80, named_by, authorization)


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
