"""Certificates made for a test: an authority of its own, and what it signs."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """A CA whose files are in `folder`. `days` until it expires; negative: it has."""

    def __init__(self, folder: Path, name: str = "Test CA", days: float = 9) -> None:
        self.folder, self._name, self._serial = folder, _name(name), 1
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._days = days
        made = self._build(self._name, self._key, days).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        usage = x509.KeyUsage(*(False,) * 5, True, True, False, False)
        made = made.add_extension(usage, critical=True)
        self.file = folder / f"{name.replace(' ', '-').lower()}.pem"
        self.file.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))

    def sign(self, *hosts: str, days: float = 9, called: str = "leaf") -> tuple[Path, Path]:
        """The files of a certificate for `hosts`, names or addresses, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general(host) for host in hosts or ("client",)])
        made = self._build(_name(called), key, days).add_extension(names, critical=False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = made.add_extension(authority, critical=False)
        cert, key_file = self.folder / f"{called}.pem", self.folder / f"{called}.key"
        cert.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))
        key_file.write_bytes(private(key))
        return cert, key_file

    def server(self, *hosts: str, days: float = 9) -> ssl.SSLContext:
        """What a server for `hosts` listens with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.sign(*hosts, days=days, called="server"))
        return context

    def _build(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        self._serial += 1
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(self._serial)
            .not_valid_before(now - 30 * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )


def private(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    lock = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
