"""Certificates and keys from PEM files, with errors that name the file and what is wrong."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from shortstop.errors import ConfigError


def client_context(
    *, ca_file: str | None, cert: str | None, key: str | None, named_by: str
) -> ssl.SSLContext:
    """For connections to a server: `ca_file` replaces whom the system trusts. Raises ConfigError,
    which says `named_by`."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust(context, ca_file, f"{named_by}.ca_file")
    if cert is not None:
        show(context, cert, key, (f"{named_by}.client_cert", f"{named_by}.client_key"))
    return context


def server_context(cert: str, key: str | None) -> ssl.SSLContext:
    """For connections of clients, with TLS 1.2 or newer. Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    show(context, cert, key, ("server.tls.cert", "server.tls.key"))
    return context


def trust(context: ssl.SSLContext, file: str, named_by: str) -> None:
    """Have `context` trust the certificates in `file`. Raises ConfigError."""
    path = _readable(file, named_by)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        _refuse(named_by, path, "holds no certificates in PEM form")


def show(context: ssl.SSLContext, cert: str, key: str | None, named_by: tuple[str, str]) -> None:
    """Have `context` show the certificate in `cert` with the private key in `key`, or in the same
    file. `named_by`: the settings. Raises ConfigError."""
    file = _readable(cert, named_by[0])
    key_file = file if key is None else _readable(key, named_by[1])
    setting = named_by[0] if key is None else named_by[1]
    locked = False

    def no_password() -> str:
        nonlocal locked
        locked = True
        return ""

    if not expiries(file):
        _refuse(named_by[0], file, "holds no certificate in PEM form")
    try:
        context.load_cert_chain(file, key_file, password=no_password)
    except (ssl.SSLError, ValueError) as error:
        if locked:
            _refuse(setting, key_file, "holds a private key that needs a password")
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            _refuse(setting, key_file, f"holds a private key that is not that of {file}")
        _refuse(setting, key_file, "holds no private key in PEM form")


def expiries(file: str) -> list[datetime]:
    """Until when each certificate in a PEM file is good; none where nothing can be read."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(Path(file).expanduser().read_bytes())
    except (OSError, ValueError):
        return []
    return [certificate.not_valid_after_utc for certificate in found]


def expired(file: str, *, all_of_them: bool = False) -> datetime | None:
    """When the first certificate in the file expired, or each of them did; None: it is good."""
    dates = expiries(file)
    if not dates:
        return None
    last = max(dates) if all_of_them else dates[0]
    return last if last < datetime.now(UTC) else None


def _readable(file: str, named_by: str) -> str:
    path = os.path.expanduser(file)
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"`{named_by}`: cannot read {path}: {error.strerror}.",
            hint="Name a PEM file that this user may read.",
        ) from error
    return path


def _refuse(named_by: str, path: str, what: str) -> NoReturn:
    raise ConfigError(
        f"`{named_by}`: {path} {what}.",
        hint="PEM files begin with -----BEGIN; a key must be unencrypted and belong to its"
        " certificate.",
    ) from None
