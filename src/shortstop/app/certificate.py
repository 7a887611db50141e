"""The certificate that clients are shown, read again by a reload."""

from __future__ import annotations

import logging
import ssl

from shortstop.config import TlsConfig
from shortstop.errors import ConfigError
from shortstop.serving.tls import expired, server_context

log = logging.getLogger("shortstop")


class DoorCertificate:
    """`context` is for the listening sockets. New connections get what was taken last: a context
    is not changed in place, for a key that does not fit would leave half of the new one in it.

    Raises ConfigError where the files cannot be used.
    """

    def __init__(self, cert: str, key: str | None) -> None:
        self._cert, self._key = cert, key
        self.context = self._present = self._made()
        self.context.sni_callback = self._show

    def read(self) -> ssl.SSLContext:
        """What the files hold now. Raises ConfigError, which says that the old one stays."""
        try:
            return self._made()
        except ConfigError as error:
            raise ConfigError(
                f"{error.message} The old certificate stays in force.", hint=error.hint
            ) from error

    def take(self, fresh: ssl.SSLContext) -> None:
        """Show that one from now on; connections that are open go on."""
        self._present = fresh

    def _made(self) -> ssl.SSLContext:
        context = server_context(self._cert, self._key)
        if since := expired(self._cert):
            log.warning("the certificate in %s has expired on %s", self._cert, since.date())
        return context

    def _show(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called in every handshake, whether the client names a host or not."""
        connection.context = self._present


def certificate_of(tls: TlsConfig) -> DoorCertificate | None:
    """Raises ConfigError."""
    return None if tls.cert is None else DoorCertificate(tls.cert, tls.key)
