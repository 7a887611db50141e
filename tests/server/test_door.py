"""What may come in: the host, the page that asks, the type of the body. Judged by the head."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shortstop.config import ServerConfig
from shortstop.errors import Forbidden, InvalidRequest, RequestError, Unsupported
from shortstop.server.door import MOST_KNOWN, Door, is_admin_path

Header = tuple[bytes, bytes]
HERE = (b"host", b"127.0.0.1:8484")
APP = "https://app.example"


def door(*, keys: bool = False, **server: Any) -> Door:
    settings = ServerConfig(**server)
    return Door(SimpleNamespace(server=settings, asks_for_keys=keys))  # type: ignore[arg-type]


def refusal(at: Door, *headers: Header, path: str = "/models") -> RequestError | None:
    return at.refusal({"headers": list(headers)}, path)


def host(at: Door, value: str) -> RequestError | None:
    return refusal(at, (b"host", value.encode("latin-1")))


# ---------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "value",
    [
        "127.0.0.1:8484",
        "127.0.0.1",
        "127.9.9.9:1",
        "localhost:8484",
        "LOCALHOST:8484",
        "localhost.:8484",
        "localhost:",
        "[::1]:8484",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]:8484",
    ],
)
def test_this_machine_has_many_names(value: str) -> None:
    assert host(door(), value) is None


@pytest.mark.parametrize(
    "value",
    [
        "evil.com:8484",
        "evil.com.:8484",
        "EVIL.COM",
        "localhost.evil.com:8484",
        "127.0.0.1.evil.com",
        "127-0-0-1.nip.io:8484",
        "evil.localhost",
        "notlocalhost",
        "192.168.1.2:8484",
        "0.0.0.0:8484",
        "0:8484",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[2001:db8::1]:8484",
        "[::]:8484",
    ],
)
def test_a_name_that_somebody_pointed_here_gives_itself_away(value: str) -> None:
    for at in (door(), door(keys=True), door(auth="off")):
        refused = host(at, value)
        assert isinstance(refused, Forbidden)
        assert refused.code == "host_not_allowed"
        assert "allowed_hosts" in refused.hint


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "user@127.0.0.1:8484",
        "evil.com@127.0.0.1",
        "127.0.0.1:8484@evil.com",
        "127.0.0.1:port",
        "127.0.0.1:8484:1",
        "127.0.0.1 evil.com",
        "127.0.0.1,evil.com",
        "http://127.0.0.1",
        "127.0.0.1/evil.com",
        "::1",
        "[::1",
        "[localhost]:8484",
        "[127.0.0.1]:8484",
        "[fe80::1%lo]:8484",
        "localhost\xa0",
        "l\xf6calhost",
        "a" * 300,
        ".",
    ],
)
def test_what_is_no_host_is_no_request(value: str) -> None:
    for at in (door(), door(host="0.0.0.0", keys=True)):
        assert isinstance(host(at, value), InvalidRequest), value


def test_every_request_has_one_host() -> None:
    assert isinstance(refusal(door()), InvalidRequest)
    for second in (b"127.0.0.1:8484", b"evil.com"):
        assert isinstance(refusal(door(), HERE, (b"host", second)), InvalidRequest)
        assert isinstance(refusal(door(), (b"host", second), HERE), InvalidRequest)


def test_the_operator_names_more() -> None:
    at = door(host="gateway.lan", allowed_hosts=("Gateway.Example", "*.lab.example", "[fd00::1]"))
    for value in (
        "gateway.lan:8484",
        "gateway.example",
        "GATEWAY.EXAMPLE.:443",
        "a.lab.example",
        "a.b.lab.example:1",
        "[fd00:0::1]:8484",
        "127.0.0.1",
    ):
        assert host(at, value) is None, value
    for value in ("lab.example", "xlab.example", "gateway.example.evil.com", "gateway.lan.evil"):
        assert isinstance(host(at, value), Forbidden), value


def test_beyond_this_machine_any_name_will_do_where_everybody_needs_a_key() -> None:
    at = door(host="0.0.0.0", keys=True)
    for value in ("shortstop:8484", "gateway.example", "10.1.2.3:8484", "[2001:db8::1]"):
        assert host(at, value) is None


def test_where_nobody_needs_a_key_only_what_cannot_be_pointed_elsewhere() -> None:
    at = door(host="0.0.0.0", auth="off")
    assert host(at, "10.1.2.3:8484") is None
    assert host(at, "localhost") is None
    assert isinstance(host(at, "gateway.example"), Forbidden)


def test_a_list_is_the_whole_list() -> None:
    at = door(host="0.0.0.0", keys=True, allowed_hosts=("gateway.example",))
    assert host(at, "gateway.example") is None
    assert host(at, "10.1.2.3") is None, "probes and balancers use the address"
    assert isinstance(host(at, "other.example"), Forbidden)


def test_what_is_remembered_is_bounded() -> None:
    at = door()
    for port in range(2 * MOST_KNOWN):
        assert host(at, f"127.0.0.1:{port}") is None
    assert len(at._good_hosts) == MOST_KNOWN


# ---------------------------------------------------------------- pages

STRANGERS = [
    "https://evil.com",
    "null",
    "file://",
    "http://localhost:3000",
    "http://127.0.0.1:8485",
    "http://127.0.0.1",
    "https://app.example.evil.com",
    "https://app.example:8443",
    "http://app.example",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://1b2c",
    "https://app.example https://evil.com",
    "127.0.0.1:8484",
    "",
]


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize("site", [None, b"cross-site", b"same-site", b"same-origin", b"none"])
def test_the_page_of_a_stranger_may_do_nothing(origin: str, site: bytes | None) -> None:
    more = [(b"sec-fetch-site", site)] if site else []
    for at in (door(), door(cors_origins=(APP,)), door(keys=True), door(host="::", keys=True)):
        for path in ("/chat/completions", "/models", "/health", "/", "/nowhere", "/admin/keys"):
            refused = refusal(at, HERE, (b"origin", origin.encode()), *more, path=path)
            assert isinstance(refused, Forbidden), path


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"Cross-Site", b"", b"later-word"])
def test_a_browser_that_names_no_origin_still_says_whether_it_is_a_stranger(site: bytes) -> None:
    refused = refusal(door(cors_origins=(APP,)), HERE, (b"sec-fetch-site", site))
    assert isinstance(refused, Forbidden)
    assert refused.code == "origin_not_allowed"
    assert "cors_origins" in refused.hint


@pytest.mark.parametrize("site", [b"same-origin", b"none"])
def test_the_address_bar_and_our_own_pages_may_read(site: bytes) -> None:
    assert refusal(door(), HERE, (b"sec-fetch-site", site)) is None
    own = (b"origin", b"http://127.0.0.1:8484")
    assert refusal(door(), HERE, own, (b"sec-fetch-site", site)) is None


def test_behind_a_proxy_our_own_pages_have_its_scheme() -> None:
    at = door(allowed_hosts=("gateway.example",))
    own = (b"origin", b"https://gateway.example")
    assert refusal(at, (b"host", b"gateway.example"), own) is None
    assert isinstance(refusal(at, HERE, own), Forbidden)


@pytest.mark.parametrize("origin", [APP, "chrome-extension://abcdef", "http://localhost:3000"])
def test_a_listed_page_may(origin: str) -> None:
    at = door(cors_origins=(APP, "chrome-extension://abcdef", "http://localhost:3000"))
    for site in (b"cross-site", b"same-site"):
        asked = (HERE, (b"origin", origin.encode()), (b"sec-fetch-site", site))
        assert refusal(at, *asked) is None


def test_everybodys_page_may_where_a_key_is_asked_for() -> None:
    at = door(cors_origins=("*",), auth="required", keys=True)
    assert refusal(at, HERE, (b"origin", b"https://anybody.example")) is None
    assert isinstance(
        refusal(at, HERE, (b"origin", b"https://anybody.example"), path="/admin/keys"), Forbidden
    )


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/keys", "/admin/keys/key_1"])
def test_administration_is_for_no_page_at_all(path: str) -> None:
    at = door(cors_origins=(APP,))
    for origin in (APP, "http://127.0.0.1:8484", "null"):
        refused = refusal(at, HERE, (b"origin", origin.encode()), path=path)
        assert refused is not None
        assert refused.code == "not_for_pages"
    for site in (b"same-origin", b"none", b"cross-site"):
        assert refusal(at, HERE, (b"sec-fetch-site", site), path=path) is not None
    assert refusal(at, HERE, path=path) is None


@pytest.mark.parametrize("name", [b"origin", b"sec-fetch-site", b"content-type"])
def test_what_comes_twice_says_nothing(name: bytes) -> None:
    twice = [(name, b"application/json"), (name, b"application/json")]
    assert isinstance(refusal(door(), HERE, *twice), InvalidRequest)


def test_other_headers_may_come_twice() -> None:
    assert refusal(door(), HERE, (b"cookie", b"a"), (b"cookie", b"b")) is None


def test_admin_is_a_segment() -> None:
    assert is_admin_path("/admin/keys")
    assert not is_admin_path("/administration")
    assert not is_admin_path("/models/admin")


# ---------------------------------------------------------------- bodies

LONG = (b"content-length", b"17")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    "kind",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b"application/json;charset=UTF-8",
        b'application/json ; charset="utf-8"',
        b" application/json",
        b"application/json; charset=iso-8859-1",
        b"application/merge-patch+json",
        b"application/vnd.api+json; version=1",
    ],
)
@pytest.mark.parametrize("length", [LONG, CHUNKED])
def test_json_has_many_spellings(kind: bytes, length: Header) -> None:
    at = door()
    for _ in range(2):
        assert refusal(at, HERE, length, (b"content-type", kind)) is None


@pytest.mark.parametrize(
    "kind",
    [
        b"text/plain",
        b"text/plain;charset=UTF-8",
        b"text/plain; application/json",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=application/json",
        b"application/octet-stream",
        b"text/json",
        b"application/jsonp",
        b"application/json5",
        b"application/+json",
        b"application/x,application/json",
        b"text/plain, application/json",
        b"application/json, text/plain",
        b"json",
        b"*/*",
        b"",
        None,
    ],
)
@pytest.mark.parametrize("length", [LONG, CHUNKED, (b"content-length", b"x")])
def test_a_page_can_send_these_without_leave(kind: bytes | None, length: Header) -> None:
    typed = [] if kind is None else [(b"content-type", kind)]
    for path in ("/chat/completions", "/feedback", "/admin/reload", "/health"):
        refused = refusal(door(), HERE, length, *typed, path=path)
        assert isinstance(refused, Unsupported)
        assert "content-type: application/json" in refused.hint


def test_without_a_body_no_type_is_needed() -> None:
    assert refusal(door(), HERE, (b"content-length", b"0")) is None
    assert refusal(door(), HERE, (b"content-type", b"text/plain")) is None


def test_an_error_repeats_little_and_nothing_raw() -> None:
    said = host(door(host="0.0.0.0", auth="off"), "x" * 250)
    assert said is not None
    assert len(str(said)) < 600
    refused = refusal(door(), HERE, (b"origin", b"http://\x1b[31m" + b"x" * 5000))
    assert refused is not None
    assert "\x1b" not in refused.message


def test_a_form_is_for_uploads_alone() -> None:
    form = (b"content-type", b"Multipart/Form-Data; boundary=X")
    body = (HERE, (b"content-length", b"9"), form)
    assert refusal(door(), *body, path="/files") is None
    for path in ("/files/file-1", "/batches", "/chat/completions", "/admin/keys"):
        assert refusal(door(), *body, path=path) is not None
    strange = refusal(door(), *body, (b"origin", b"https://evil.example"), path="/files")
    assert isinstance(strange, Forbidden)
