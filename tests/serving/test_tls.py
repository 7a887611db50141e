"""Certificates and keys from files: what is wrong with one is said with its name."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shortstop.errors import ConfigError
from shortstop.serving.tls import client_context, expired, expiries, server_context
from tests.certificates import Authority, private


def test_files_that_cannot_be_used_are_named_with_what_is_wrong(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    cert, key = map(str, ca.sign(called="us"))
    _, other = map(str, ca.sign(called="other"))
    empty, locked = tmp_path / "empty.pem", tmp_path / "locked.key"
    empty.write_text("nothing")
    locked.write_bytes(private(ec.generate_private_key(ec.SECP256R1()), b"word"))
    gone = str(tmp_path / "gone.pem")
    for files, told in (
        ((gone, None, None), r"`up\.ca_file`: cannot read .*gone\.pem"),
        ((str(empty), None, None), r"`up\.ca_file`: .*holds no certificates"),
        ((None, gone, None), r"`up\.client_cert`: cannot read"),
        ((None, str(empty), key), r"`up\.client_cert`: .*holds no certificate"),
        ((None, cert, gone), r"`up\.client_key`: cannot read"),
        ((None, cert, None), r"`up\.client_cert`: .*holds no private key"),
        ((None, cert, other), r"`up\.client_key`: .*other\.key holds a private key that is not"),
        ((None, cert, str(locked)), r"`up\.client_key`: .*needs a password"),
    ):
        ca_file, ours, our_key = files
        with pytest.raises(ConfigError, match=told):
            client_context(ca_file=ca_file, cert=ours, key=our_key, named_by="up")


def test_a_server_speaks_nothing_older_than_tls_1_2(tmp_path: Path) -> None:
    cert, key = map(str, Authority(tmp_path).sign("h"))
    context = server_context(cert, key)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_NONE, "clients show keys, not certificates"


def test_a_client_checks_names_whomever_it_trusts(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    for file in (None, str(ca.file)):
        context = client_context(ca_file=file, cert=None, key=None, named_by="up")
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_when_it_ends(tmp_path: Path) -> None:
    old, good = Authority(tmp_path, "Old", days=-1), Authority(tmp_path, "Good")
    both = tmp_path / "both.pem"
    both.write_bytes(old.file.read_bytes() + good.file.read_bytes())
    assert len(expiries(str(both))) == 2
    assert expired(str(both)) is not None, "the first one is the leaf"
    assert expired(str(both), all_of_them=True) is None
    assert expired(str(good.file)) is None
    assert expiries(str(tmp_path / "gone.pem")) == []
    assert expired(str(tmp_path / "gone.pem")) is None
