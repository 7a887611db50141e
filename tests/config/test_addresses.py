"""Local means this machine or its private network; nothing else does."""

from __future__ import annotations

import pytest

from shortstop.config import address_in, host_in, is_local_url, is_loopback


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://10.1.2.3", True),
        ("http://192.168.0.9:11434/v1", True),
        ("http://172.16.0.1", True),
        ("http://172.32.0.1", False),
        ("http://[fd00::1]:8000", True),
        ("http://[2001:db8::1]", False),
        ("http://ollama.internal", True),
        ("http://mac.local:1234/v1", True),
        ("http://8.8.8.8", False),
        ("https://api.openai.com", False),
        ("http://localhost.example.com", False),
        ("http://notlocalhost", False),
        ("http://169.254.169.254", False),
        ("http://0x7f000001", False),
        ("", False),
    ],
)
def test_local_means_this_machine_or_its_private_network(url: str, local: bool) -> None:
    assert is_local_url(url) is local


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
    ],
)
def test_loopback_is_reached_from_this_machine_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("A.Example:80", "a.example"),
        ("a.example.", "a.example"),
        ("a.example..", "a.example."),
        ("[0:0:0:0:0:0:0:1]:8484", "::1"),
        ("[::FFFF:10.0.0.1]", "10.0.0.1"),
        ("10.0.0.1:", "10.0.0.1"),
        ("my_box", "my_box"),
        ("[10.0.0.1]", None),
        ("[::1", None),
        ("::1", None),
        ("a b", None),
        ("a@b", None),
        ("a/b", None),
        ("a:b", None),
        ("a:123456", None),
        ("\u0430.example", None),
        ("a.example\n", None),
        (".", None),
        ("", None),
    ],
)
def test_the_host_of_an_authority(authority: str, host: str | None) -> None:
    assert host_in(authority) == host


def test_addresses_are_not_names() -> None:
    assert str(address_in("::ffff:10.0.0.1")) == "10.0.0.1"
    for name in ("localhost", "10.0.0", "0x0a000001", "1", ""):
        assert address_in(name) is None
