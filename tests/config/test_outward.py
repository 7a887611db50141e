"""What a table may say of the way to an upstream, each mistake named by key and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.config import load, parse
from shortstop.errors import ConfigError

UPSTREAM = '[upstreams.x]\nbase_url = "https://h"\nmodels.m = {}\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('proxy = "socks5://p:1"', "line 4, `upstreams.x.proxy`: only a proxy at http://HOST:PORT"),
        ('proxy = "http://u:p@h:1"', "`upstreams.x.proxy`: a URL must not hold credentials"),
        ('proxy = "http://h:1"\nproxy_user = "a"', "line 5, `upstreams.x.proxy_user`: a proxy is"),
        ('proxy_user = "a"\nproxy_password_env = "P"', "`upstreams.x.proxy_user`: is shown to no"),
        (
            'proxy = "http://h:1"\nproxy_user = "a:b"\nproxy_password_env = "P"',
            "holds no colon",
        ),
        (
            'api_key_env = "A"\napi_key_file = "b"',
            "`upstreams.x.api_key_file`: there is `api_key_e",
        ),
        (
            'api_key_file = "b"\nheaders = { Authorization = "$A" }',
            "'Authorization' is what `api_key_file` is shown in",
        ),
        ('client_key = "k.pem"', "line 4, `upstreams.x.client_key`: is of no use without"),
        ('socket = ""', "`upstreams.x.socket`: '' is no path"),
        (f'socket = "/{"x" * 120}"', "is no path of a Unix socket"),
        ('socket = "/s"\nproxy = "http://h:1"', "`upstreams.x.socket`: is on this machine"),
        ('headers = { host = "h" }', "`upstreams.x.headers`: 'host' cannot be set"),
        ('headers = { "Content-Length" = "1" }', "'Content-Length' cannot be set"),
        ('headers = { "a b" = "1" }', "'a b' is no name of a header"),
        ('headers = { a = "1", A = "2" }', "'A' is no name of a header, or is there twice"),
        ('headers = { a = "1\\r\\nb: 2" }', "the value of 'a' is not printable ASCII"),
        ('headers = { a = "é" }', "the value of 'a' is not printable ASCII"),
        ('headers = { authorization = "Bearer sk" }', "is a secret, which no file should hold"),
        ('headers = { "ocp-apim-subscription-key" = "1" }', "is a secret"),
        ('forward_headers = ["Authorization"]', "'Authorization' is for this gateway alone"),
        ('forward_headers = ["cookie"]', "'cookie' is for this gateway alone"),
        ('forward_headers = ["x-forwarded-for"]', "is for this gateway alone"),
        ('forward_headers = ["x-shortstop-user"]', "is for this gateway alone"),
        ('forward_headers = ["host"]', "is for this gateway alone"),
        ('forward_headers = ["a:b"]', "'a:b' is no name of a header"),
        ('headers = { a = "1" }\nforward_headers = ["A"]', "has a value in `headers` already"),
    ],
)
def test_a_mistake_names_its_key(line: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(UPSTREAM + line, {})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("url", "more", "says"),
    [
        ("https://h/{deployment}", "", "only {model} may stand in braces"),
        ("https://h/{model}/{model}", "", "only {model} may stand in braces"),
        ("https://h/x?m={model}", "", "only {model} may stand in braces"),
        ("https://{model}.h/x", "", "names no host"),
        ("https://h/{model}", "discover = true", "`upstreams.x.discover`: cannot be asked"),
        ("https://h?v=1", 'query = { v = "2" }', "`upstreams.x.query`: 'v' stands in"),
    ],
)
def test_a_mistake_in_the_address(url: str, more: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f'[upstreams.x]\nbase_url = "{url}"\nmodels = "*"\n{more}', {})
    assert says in str(caught.value)


def test_all_of_it_together() -> None:
    upstream = parse(
        UPSTREAM.replace("https://h", "https://h/deployments/{model}")
        + """
patterns = ["gpt-*"]
proxy = "http://proxy:3128"
proxy_user = "anna"
proxy_password_env = "PW"
ca_file = "ca.pem"
client_cert = "us.pem"
client_key = "us.key"
headers = { "api-key" = "$AZURE", "x-team" = "search" }
query = { api-version = "2026-10-21" }
forward_headers = ["traceparent", "X-Request-Source"]
""",
        {},
    ).upstreams["x"]
    assert not upstream.discovers, "each model has its own address"
    assert upstream.query == {"api-version": "2026-10-21"}


def test_files_are_found_from_the_configurations_folder(tmp_path: Path) -> None:
    file = tmp_path / "shortstop.toml"
    file.write_text(
        '[server.tls]\ncert = "door.pem"\n'
        '[models.s]\nurl = "http://localhost"\nsocket = "./s.sock"\n'
        + UPSTREAM
        + 'ca_file = "ca.pem"\nclient_cert = "/etc/us.pem"\nclient_key = "~/us.key"\n'
    )
    config = load(file, {})
    upstream = config.upstreams["x"]
    assert upstream.ca_file == str(tmp_path / "ca.pem")
    assert (upstream.client_cert, upstream.client_key) == ("/etc/us.pem", "~/us.key")
    assert upstream.socket is None
    assert config.models["s"].socket == str(tmp_path / "s.sock")
    assert (config.server.tls.cert, config.server.tls.key) == (str(tmp_path / "door.pem"), None)
