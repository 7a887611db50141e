"""Which proxy is on the way to an upstream, by its table or by the environment."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from shortstop.config import UpstreamConfig, proxy_of
from shortstop.config.proxies import is_exempt, problem_of_proxy
from shortstop.errors import ConfigError


def proxy(url: str = "https://api.example", env: dict[str, str] | None = None, **more: Any) -> Any:
    return proxy_of(UpstreamConfig(base_url=url, **more), env or {}, name="acme")


@pytest.mark.parametrize(
    ("url", "env", "found"),
    [
        ("https://api.example", {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ("https://api.example", {"https_proxy": "p:3128"}, "http://p:3128"),
        (
            "https://api.example",
            {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2"},
            "http://a:1",
        ),
        ("https://api.example", {"https_proxy": " ", "HTTPS_PROXY": "http://b:2/"}, "http://b:2"),
        ("https://api.example", {"HTTPS_PROXY": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        ("https://api.example", {"HTTPS_PROXY": "http://p"}, "http://p:80"),
        ("https://api.example", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://api.example", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("http://api.example", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://api.example", {}, None),
        ("https://api.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example"}, None),
        ("https://api.example", {"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, None),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
    ],
)
def test_what_the_environment_says(url: str, env: dict[str, str], found: str | None) -> None:
    one = proxy(url, env)
    assert (None if one is None else str(one)) == found


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://127.9.9.9",
        "http://localhost:1",
        "http://LOCALHOST.",
        "http://a.localhost",
        "http://[::1]:1",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_this_machine_is_never_behind_the_environments_proxy(url: str) -> None:
    assert proxy(url, {"HTTP_PROXY": "http://p:1"}) is None


def test_the_table_wins_over_the_environment() -> None:
    env = {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}
    assert str(proxy(env=env, proxy="http://own:2")) == "http://own:2"
    assert proxy(env=env, proxy="off") is None
    assert proxy(env={"HTTPS_PROXY": "http://p:1"}, socket="/run/x.sock") is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "exempt"),
    [
        ("corp.example", "corp.example", 443, True),
        ("corp.example", "a.b.corp.example", 443, True),
        (".corp.example", "a.corp.example", 443, True),
        ("*.corp.example", "a.corp.example", 443, True),
        ("corp.example", "notcorp.example", 443, False),
        ("CORP.example.", "corp.Example", 443, True),
        ("a, b ,corp.example", "corp.example", 443, True),
        ("a b corp.example", "corp.example", 443, True),
        ("corp.example:8443", "corp.example", 8443, True),
        ("corp.example:8443", "corp.example", 443, False),
        ("10.0.0.0/8", "10.9.8.7", 443, True),
        ("10.0.0.1/8", "10.9.8.7", 443, True),
        ("10.0.0.0/8", "11.9.8.7", 443, False),
        ("10.0.0.7", "10.0.0.7", 443, True),
        ("10.0.0.7:80", "10.0.0.7", 443, False),
        ("10.0.0.7:443", "10.0.0.7", 443, True),
        ("fd00::/8", "fd12::1", 443, True),
        ("fd12::1", "fd12::1", 443, True),
        ("[fd12::1]:443", "fd12::1", 443, True),
        ("[fd12::1]:80", "fd12::1", 443, False),
        ("0.0.0", "10.0.0.0", 443, False),
        ("", "corp.example", 443, False),
        (".", "corp.example", 443, False),
        (",,", "corp.example", 443, False),
        ("*", "whatever", 1, True),
    ],
)
def test_whom_no_proxy_keeps_from_it(no_proxy: str, host: str, port: int, exempt: bool) -> None:
    assert is_exempt(host, port, no_proxy) is exempt


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"socks5://u:{SECRET}@p:1080",
        f"https://u:{SECRET}@p:443",
        f"http://u:{SECRET}@p:99999",
        f"http://u:{SECRET}@p:0",
        f"http://u:{SECRET}@p:1/path",
        f"http://u:{SECRET}@",
        f"http://u:{SECRET}@[p",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_and_never_shown(text: str) -> None:
    with pytest.raises(ConfigError, match="HTTPS_PROXY") as raised:
        proxy(env={"HTTPS_PROXY": text})
    assert SECRET not in str(raised.value)
    assert proxy(env={"HTTPS_PROXY": text}, proxy="off") is None, "the way around it"


def test_credentials_are_in_one_header_and_in_nothing_that_is_shown() -> None:
    one = proxy(env={"HTTPS_PROXY": f"http://anna:{SECRET}%40@p:1"})
    assert one.authorization == "Basic " + b64encode(f"anna:{SECRET}@".encode()).decode()
    assert SECRET not in f"{one} {one!r}"
    assert one.authorization not in f"{one} {one!r}"
    own = {"proxy": "http://p:1", "proxy_user": "anna", "proxy_password_env": "PW"}
    assert proxy(env={"PW": f"{SECRET}@"}, **own).authorization == one.authorization
    with pytest.raises(ConfigError, match="PW is not set"):
        proxy(**own)


@pytest.mark.parametrize("text", ["off", "http://p:3128", "http://[::1]:3128", "http://p/"])
def test_addresses_of_proxies(text: str) -> None:
    assert problem_of_proxy(text) is None


@pytest.mark.parametrize(
    "text", ["", "p:3128", "https://p:1", "socks5://p:1", "http://", "http://u:p@h:1", "http://p/x"]
)
def test_what_is_none(text: str) -> None:
    assert problem_of_proxy(text)
