"""How a command reaches a gateway on this machine, and whether it is really ours."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from shortstop.config import ServerConfig, is_loopback
from shortstop.errors import ConfigError

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what is reached


def url_of(server: ServerConfig) -> str:
    """How a program on this machine reaches the gateway."""
    host = ANYWHERE.get(server.host, server.host)
    scheme = "http" if server.tls.cert is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}"


def require_trusted(url: str, token: Path) -> None:
    """Raises ConfigError where another user of this machine listens at `url`: the gateway is down,
    and who took its port would be shown the token. Where the system does not tell (it does on
    Linux), nothing is checked."""
    owner = token.stat().st_uid if token.exists() else 0
    port = urlsplit(url).port or (443 if url.startswith("https://") else 80)
    strangers = listeners(port) - {os.geteuid(), owner, 0}
    if strangers:
        raise ConfigError(
            f"What listens at {url} belongs to another user (uid {min(strangers)}).",
            hint="It is not shown the admin token. Is the gateway running?",
        )


def listeners(port: int) -> set[int]:
    """The users whose programs listen at a TCP port of this machine, on any address."""
    uids = set()
    for table in map(Path, ("/proc/net/tcp", "/proc/net/tcp6")):
        lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
        for fields in map(str.split, lines):
            listens = fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
            if listens:
                uids.add(int(fields[7]))
    return uids


def trust_in(url: str) -> ssl.SSLContext | None:
    """On this machine nobody is between, and who listens was checked: the certificate is that of
    the gateway's name, which 127.0.0.1 is not."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not is_loopback(parts.hostname or ""):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
