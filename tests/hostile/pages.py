"""A web page, a proxy and a strange name before a gateway on loopback that needs no key."""

from __future__ import annotations

from tests.hostile.house import Cases, House
from tests.hostile.wire import CHAT, JSON, Headers, request, said, talk

PAGES = Cases()
EVIL = "https://evil.example"
ASKED = said("Spend some money.")


def _simple(name: str, headers: Headers, body: object = None) -> None:
    """A request that a page may send without asking: refused, nothing spent."""

    @PAGES(f"a page posts {name}")
    async def case(house: House) -> None:
        content = house.ask("POST", CHAT, headers, ASKED if body is None else body)
        await house.refused(content, 400, 403, 415)


_simple("text/plain", [("content-type", "text/plain")])
_simple("text/plain with a charset", [("content-type", "text/plain;charset=UTF-8")])
_simple("a form", [("content-type", "application/x-www-form-urlencoded")])
_simple("multipart", [("content-type", "multipart/form-data; boundary=x")])
_simple("an empty type", [("content-type", "")])
_simple("no type", [], b'{"model":"big","messages":[{"role":"user","content":"a"}]}')
_simple("two types", [("content-type", "text/plain"), JSON])
_simple("two types the other way", [JSON, ("content-type", "text/plain")])
_simple("a list of types", [("content-type", "text/plain, application/json")])
_simple("json in a parameter", [("content-type", "text/plain; application/json")])
_simple("a type that begins like json", [("content-type", "application/jsonp")])
_simple("a type that ends like json", [("content-type", "text/x+json")])
_simple("json with Origin", [JSON, ("origin", EVIL)])
_simple("json with Origin null", [JSON, ("origin", "null")])
_simple("json with an empty Origin", [JSON, ("origin", ""), ("sec-fetch-site", "cross-site")])
_simple("json, cross-site", [JSON, ("sec-fetch-site", "cross-site")])
_simple("json, same-site", [JSON, ("sec-fetch-site", "same-site")])
_simple("json, cross-site in capitals", [JSON, ("sec-fetch-site", "Cross-Site")])
_simple("json, a site nobody knows", [JSON, ("sec-fetch-site", "sideways")])
_simple("two sites", [JSON, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")])
_simple(
    "two sites the other way",
    [JSON, ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin")],
)
_simple("none with Origin", [JSON, ("sec-fetch-site", "none"), ("origin", EVIL)])
_simple(
    "same-origin with a strange Origin", [JSON, ("sec-fetch-site", "same-origin"), ("origin", EVIL)]
)


def _origin(name: str, origin: str, *more: tuple[str, str]) -> None:
    """`PORT` stands for the gateway's own."""

    @PAGES(f"origin {name}")
    async def case(house: House) -> None:
        told = origin.replace("PORT", str(house.port))
        await house.refused(house.ask("POST", CHAT, [JSON, ("origin", told), *more], ASKED), 403)


_origin("another port", "http://127.0.0.1:1")
_origin("no port", "http://127.0.0.1")
_origin("our name as a beginning", "http://127.0.0.1:PORT.evil.example")
_origin("our name as credentials", "http://127.0.0.1:PORT@evil.example")
_origin("our name in a path", "http://evil.example/127.0.0.1:PORT")
_origin("a trailing slash", "http://127.0.0.1:PORT/")
_origin("two in one", "http://127.0.0.1:PORT http://evil.example")
_origin("a list", "http://127.0.0.1:PORT, http://evil.example")
_origin("a file", "file://")
_origin("an extension", "chrome-extension://abcdefgh")
_origin("of letters that look alike", "http://127.0.0.\u0661:PORT")


@PAGES("own and strange origin in two lines")
async def _two_origins(house: House) -> None:
    own = ("origin", f"http://127.0.0.1:{house.port}")
    for lines in ([own, ("origin", EVIL)], [("origin", EVIL), own]):
        await house.refused(house.ask("POST", CHAT, [JSON, *lines], ASKED), 400, 403)


@PAGES("a page of the gateway itself is let in")
async def _own_page(house: House) -> None:
    own = [("origin", f"http://127.0.0.1:{house.port}"), ("sec-fetch-site", "same-origin")]
    assert (await house.ask("POST", CHAT, own, ASKED)).status == 200


@PAGES("a program is let in")
async def _program(house: House) -> None:
    for host in (f"localhost:{house.port}", f"127.0.0.1:{house.port}", f"[::1]:{house.port}"):
        assert (await house.ask("POST", CHAT, [], ASKED, host=host)).status == 200
    assert (await house.ask("POST", CHAT, [], ASKED, host="LOCALHOST")).status == 200


for _path in (
    "/",
    "/v1/models",
    "/health",
    "/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/admin/keys",
    "/admin/traces",
    "/v1/files",
    "/v1/batches",
):
    for _name, _lines in {
        "an origin": [("origin", EVIL)],
        "a script tag": [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        "a frame": [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "iframe")],
    }.items():

        @PAGES(f"{_name} reads {_path}")
        async def _read(house: House, path: str = _path, lines: Headers = tuple(_lines)) -> None:
            got = await house.ask("GET", path, lines)
            assert got.status == 403 or (path.startswith("/admin") and got.status == 401), str(got)
            assert not got.header("access-control-allow-origin")


for _path in (CHAT, "/admin/keys", "/admin/reload", "/v1/files", "/console/login", "/v1/models"):

    @PAGES(f"a preflight for {_path}")
    async def _preflight(house: House, path: str = _path) -> None:
        lines = [("origin", EVIL), ("access-control-request-method", "POST")]
        lines += [("access-control-request-headers", "content-type,authorization")]
        lines += [("access-control-request-private-network", "true")]
        got = await house.ask("OPTIONS", path, lines)
        assert not [n for n, _ in got.headers if n.startswith("access-control-allow")], str(got)
        assert got.status < 500


@PAGES("a page uploads a file")
async def _upload(house: House) -> None:
    body = b'--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x--\r\n'
    kind = ("content-type", "multipart/form-data; boundary=x")
    for line in (("origin", EVIL), ("sec-fetch-site", "cross-site"), ("origin", "null")):
        await house.refused(house.ask("POST", "/v1/files", [kind, line], body), 403)


# ---------------------------------------------------------------- rebinding

for _host in (
    "evil.example",
    "evil.example:PORT",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io:PORT",
    "localhost:PORT@evil.example",
    "evil.example@localhost:PORT",
    "localhost:PORT:evil",
    "localhost evil.example",
    "localhost,evil.example",
    "evil.example#localhost",
    "evil.example/localhost",
    "[::1].evil.example",
    "[::1",
    "xlocalhost",
    "localhostx",
    "local-host",
    "localhost:evil",
    "127.0.0.1:",
    "localhost:99999999",
    "127.0.0.256",
    "\u24db\u24de\u24d2alhost",
):

    @PAGES(f"host {_host}")
    async def _host_case(house: House, host: str = _host) -> None:
        told = host.replace("PORT", str(house.port))
        if host == "127.0.0.1:":  # an empty port is the default one (RFC 3986)
            assert (await house.ask("GET", "/health", host=told)).status in (200, 400, 403, 421)
            return
        await house.refused(house.ask("POST", CHAT, [], ASKED, host=told), 400, 403, 421)


@PAGES("no host, two hosts, an empty host")
async def _hosts(house: House) -> None:
    two = [("host", "evil.example")]
    await house.refused(house.ask("POST", CHAT, [], ASKED, host=""), 400)
    await house.refused(house.ask("POST", CHAT, two, ASKED), 400)
    await house.refused(house.ask("POST", CHAT, two, ASKED, host=""), 400, 403, 421)
    raw = request("POST", CHAT, [("host", ""), JSON], ASKED, host="")
    await house.refused(_first(house, raw), 400, 403, 421)
    await house.refused(house.ask("POST", CHAT, [("host", "127.0.0.1")], ASKED), 400)


async def _first(house: House, raw: bytes):  # type: ignore[no-untyped-def]
    return (await talk(house.port, raw))[0]


for _target in (
    "http://evil.example/v1/chat/completions",
    "https://evil.example:1/health",
    "//evil.example/v1/models",
    "http://localhost@evil.example/health",
):

    @PAGES(f"absolute target {_target}")
    async def _absolute(house: House, target: str = _target) -> None:
        body = ASKED if "chat" in target else None
        await house.refused(house.ask("POST" if body else "GET", target, [], body))


# ---------------------------------------------------------------- proxies

for _name, _value in {
    "x-forwarded-for": "127.0.0.1",
    "X-Forwarded-Host": "localhost",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "80",
    "x-forwarded-server": "a",
    "forwarded": "for=127.0.0.1",
    "Via": "1.1 a",
    "x-real-ip": "127.0.0.1",
    "cf-connecting-ip": "127.0.0.1",
    "true-client-ip": "::1",
    "x-client-ip": "::1",
    "x-cluster-client-ip": "::1",
    "x-original-forwarded-for": "::1",
    "x-envoy-external-address": "::1",
    "fastly-client-ip": "::1",
    "x-forwarded": "for=::1",
    "x-forwarded-prefix": "/",
    "cf-ray": "1",
    "x-azure-clientip": "::1",
    "fly-client-ip": "::1",
    "x-forwarded-user": "a",
    "x-arr-log-id": "1",
    "cdn-loop": "a",
    "x-envoy-original-path": "/",
    "x-scheme": "http",
    "x-original-host": "a",
    "x-appengine-user-ip": "::1",
}.items():

    @PAGES(f"through a proxy that says {_name.lower()}")
    async def _proxied(house: House, line: tuple[str, str] = (_name, _value)) -> None:
        await house.refused(house.ask("POST", CHAT, [line], ASKED), 401, 403)
        got = await house.ask("GET", "/admin/keys", [*house.admin, line])
        assert got.status in (401, 403), f"administration: {got}"


@PAGES("HTTP/1.0 without a key")
async def _old(house: House) -> None:
    body = b'{"model":"big","messages":[{"role":"user","content":"a"}]}'
    for host in ("host: 127.0.0.1\r\n", ""):
        raw = f"POST {CHAT} HTTP/1.0\r\n{host}content-type: application/json\r\n"
        whole = raw.encode() + b"content-length: %d\r\n\r\n" % len(body) + body
        await house.refused(_first(house, whole), 400, 401)


@PAGES("administration by a page")
async def _admin(house: House) -> None:
    own = f"http://127.0.0.1:{house.port}"
    for line in (
        ("origin", own),
        ("origin", EVIL),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-site", "cross-site"),
        ("origin", "null"),
    ):
        got = await house.ask("GET", "/admin/keys", [*house.admin, line])
        assert got.status == 403, str(got)
    assert (await house.ask("GET", "/admin/keys", house.admin)).status == 200


@PAGES("administration without the token")
async def _token(house: House) -> None:
    token = house.admin[0][1].removeprefix("Bearer ")
    for value in (
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        f"Basic {token}",
        f"Bearer {token[:-1]}",
        f"Bearer {token}x",
        f"Bearer {token.upper()}",
        f"Digest {token}",
        "Bearer *",
    ):
        got = await house.ask("GET", "/admin/keys", [("authorization", value)])
        assert got.status in (400, 401), f"{value[:12]}: {got}"
    for target in (f"/admin/keys?key={token}", f"/admin/keys?access_token={token}"):
        assert (await house.ask("GET", target)).status in (400, 401)
    assert (await house.ask("GET", "/admin/keys", [("cookie", f"admin={token}")])).status == 401


for _proto in ("websocket", "h2c", "TLS/1.0"):

    @PAGES(f"an upgrade to {_proto}")
    async def _upgrade(house: House, proto: str = _proto) -> None:
        lines = [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", proto)]
        lines += [
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ]
        lines += [("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA")]
        for path in ("/v1/realtime", CHAT, "/health", "/console/tail"):
            got = await house.ask("GET", path, lines)
            assert got.status not in (0, 101) and got.status < 500, f"{path}: {got}"
        strange = await house.ask("GET", "/health", [*lines, ("origin", EVIL)])
        assert strange.status == 403, str(strange)
