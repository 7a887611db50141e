"""Names as weapons: in pages of the console, in metrics, in the log, in forms and in sign-ins."""

from __future__ import annotations

import asyncio
import json
import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import aiohttp

from tests.hostile.house import Cases, House
from tests.hostile.wire import Reply, said

NAMES = Cases()
SIGNING = Cases()
"""For a house with single sign-on."""
OWN = ("sec-fetch-site", "same-origin")
FORM = ("content-type", "application/x-www-form-urlencoded")
SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '"><svg onload=alert(1)>'
TEMPLATE = "{{7*7}}${7*7}<%= 7*7 %>"
PAGES = (
    "today",
    "tail",
    "traces",
    "tasks",
    "specialists",
    "books",
    "books.csv",
    "privacy",
    "playground",
    "settings",
)


class _Hostile(HTMLParser):
    """What a page holds that could run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "script" and not (names.get("src") or "").startswith(
            ("static/", "/console/static")
        ):
            self.found.append(f"script {names}")
        self.found += [f"{tag} {name}" for name in names if name.startswith("on")]
        for name in ("href", "src", "action", "formaction"):
            value = (names.get(name) or "").strip().lower()
            if value.startswith(("javascript:", "data:text", "vbscript:", "//", "http")):
                self.found.append(f"{tag} {name}={value[:60]}")


def _check_page(got: Reply, path: str) -> None:
    assert got.status == 200, f"{path}: {got}"
    if "html" in got.header("content-type"):
        parser = _Hostile()
        parser.feed(got.text)
        assert parser.found == [], f"{path}: {parser.found}"
        policy = got.header("content-security-policy")
        assert "script-src 'self'" in policy and "unsafe" not in policy, f"{path}: {policy}"
        assert "frame-ancestors 'none'" in policy, f"{path}: {policy}"
        assert got.header("x-content-type-options") == "nosniff", path
    assert "\x1b" not in got.text and "\u202e" not in got.text, path
    assert "no-store" in got.header("cache-control"), path


async def _cookie(house: House, key: str = "") -> tuple[str, str]:
    """A session of the administrator, or of a key."""
    secret = house.keys[key] if key else house.admin[0][1].removeprefix("Bearer ")
    body = urlencode({"key": secret}).encode()
    got = await house.ask("POST", "/console/login", [FORM, OWN], body)
    assert got.status == 303, str(got)
    return ("cookie", got.header("set-cookie").split(";")[0])


HOSTILE = [
    SCRIPT,
    ATTRIBUTE,
    TEMPLATE,
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "</title><b>",
]


async def _leave_names(house: House) -> str:
    """Rows with hostile names everywhere a client may name something; the last one's id."""
    id = ""
    for word in HOSTILE:
        lines = [(f"x-shortstop-{name}", word) for name in ("task", "tag", "user", "conversation")]
        lines += [("user-agent", word), ("x-request-id", word), ("traceparent", word)]
        tool = {
            "type": "function",
            "function": {"name": "f", "description": word, "parameters": {}},
        }
        done = await house.chat(f"!say {word}", lines, "bob", user=word, tools=[tool])
        assert done.status == 200, str(done)
        id = done.header("x-request-id")
        assert word not in id
        await house.chat("Hi", lines, "bob", model=word)
        await house.chat("Hi", [("x-shortstop-run", word.replace(" ", ""))], "bob")
    return id


for _page in PAGES:

    @NAMES(f"names in the page {_page}")
    async def _page_case(house: House, page: str = _page) -> None:
        await _leave_names(house)
        cookie = await _cookie(house)
        _check_page(await house.ask("GET", f"/console/{page}", [cookie, OWN]), page)


@NAMES("names in the page of a row")
async def _row(house: House) -> None:
    id = await _leave_names(house)
    cookie = await _cookie(house)
    while (await house.ask("GET", f"/admin/traces/{id}", house.admin)).status == 404:
        await asyncio.sleep(0.05)
    for page in (f"traces/{id}", f"task?name={quote(SCRIPT)}", f"task?task={quote(SCRIPT)}"):
        got = await house.ask("GET", f"/console/{page}", [cookie, OWN])
        if got.status == 404 and page.startswith("task"):
            assert "<script>alert" not in got.text
            continue
        _check_page(got, page)
    token = re.search(
        r'name="csrf" value="([^"]+)"',
        (await house.ask("GET", "/console/settings", [cookie, OWN])).text,
    )
    assert token is not None
    body = urlencode({"csrf": token[1]}).encode()
    got = await house.ask("POST", f"/console/traces/{id}/content", [cookie, OWN, FORM], body)
    assert got.status in (200, 303), str(got)
    assert "<script>alert" not in got.text
    assert "<svg" not in got.text.replace("<svg class", "")


for _query in (
    f"traces?q={quote(SCRIPT)}",
    f"traces?task={quote(ATTRIBUTE)}",
    f"traces?kept={quote(SCRIPT)}",
    f"traces?cursor={quote(SCRIPT)}",
    f"today?days={quote(ATTRIBUTE)}",
    f"books?by={quote(SCRIPT)}",
    f"login?next={quote(ATTRIBUTE)}",
    f"traces/{quote(SCRIPT)}",
    f"settings?x={quote(SCRIPT)}",
    f"traces?since={quote(SCRIPT)}",
    f"today?tenant={quote(ATTRIBUTE)}",
    f"privacy?text={quote(SCRIPT)}",
    f"playground?again={quote(SCRIPT)}",
    "traces?cursor=" + "9" * 5000,
    "traces?limit=-1",
    f"login?next={quote('javascript:alert(1)')}",
    f"login?next={quote('https://evil.example')}",
):

    @NAMES(f"a query of the console {_query[:44]}")
    async def _query_case(house: House, query: str = _query) -> None:
        cookie = await _cookie(house)
        got = await house.ask("GET", f"/console/{query}", [cookie, OWN])
        assert got.status < 500, str(got)
        parser = _Hostile()
        parser.feed(got.text)
        assert parser.found == [], parser.found
        where = got.header("location")
        assert not where or urlsplit(where).netloc in ("", f"127.0.0.1:{house.port}"), where


for _next in (
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%2f/evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "/console/..//evil.example",
    "///evil.example",
    "/console@evil.example",
    "/\t/evil.example",
    "today\r\nset-cookie: a=b",
    "https:/evil.example",
):

    @NAMES(f"after logging in to {_next!r}")
    async def _next_case(house: House, next: str = _next) -> None:
        secret = house.admin[0][1].removeprefix("Bearer ")
        body = urlencode({"key": secret, "next": next}).encode()
        got = await house.ask("POST", "/console/login", [FORM, OWN], body)
        where = got.header("location").replace("\\", "/").replace("\t", "")
        assert got.status in (303, 400), str(got)
        if got.status == 303:
            parts = urlsplit(where)
            assert not parts.netloc and not parts.scheme and where.startswith("/console"), where
            assert ".." not in where.split("?")[0].replace("%2e", "."), where
        assert "a=b" not in got.header("set-cookie")


# ---------------------------------------------------------------- forms of others

CHANGES = {
    "settings/keys": {"name": "mine", "tenant": "a"},
    "settings/revoke": {"id": "ID"},
    "settings/reload": {},
    "tasks/route": {"task": "t", "route": "local"},
    "logout": {},
    "specialists": {"id": "x", "act": "retire"},
    "privacy": {"text": "a"},
    "privacy/verify": {},
    "playground": {"text": "a"},
    "playground/ask": {"text": "a"},
}
for _path, _fields in CHANGES.items():

    @NAMES(f"a form of another page to {_path}")
    async def _csrf(house: House, path: str = _path, fields: dict[str, str] = _fields) -> None:
        cookie, other = await _cookie(house), await _cookie(house, "operator")
        page = (await house.ask("GET", "/console/today", [other, OWN])).text
        foreign = re.search(r'name="csrf" value="([^"]+)"', page)
        assert foreign is not None
        told = {key: house.ids["gone"] if value == "ID" else value for key, value in fields.items()}
        own = ("origin", f"http://127.0.0.1:{house.port}")
        before = house.spent()
        for name, lines, token in (
            ("no token", [OWN], ""),
            ("another session's", [OWN], foreign[1]),
            ("cross-site", [("sec-fetch-site", "cross-site")], ""),
            ("same-site", [("sec-fetch-site", "same-site")], ""),
            ("typed", [("sec-fetch-site", "none")], ""),
            ("an old browser", [], ""),
            ("an old browser's origin", [("origin", "https://evil.example")], ""),
            ("own origin", [own], "x" * 64),
            ("an empty origin", [("origin", "null")], ""),
            ("twice", [OWN], f"x&csrf={foreign[1]}"),
        ):
            body = (urlencode(told) + f"&csrf={token}").encode()
            got = await house.ask("POST", f"/console/{path}", [cookie, FORM, *lines], body)
            assert got.status in (400, 403, 415), f"{name}: {got}"
        for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
            got = await house.ask(
                "POST", f"/console/{path}", [cookie, OWN, ("content-type", kind)], b"csrf=x"
            )
            assert got.status in (400, 403, 415), f"{kind}: {got}"
        read = await house.ask("GET", f"/console/{path}?{urlencode(told)}", [cookie, OWN])
        assert read.status in (200, 404, 405), str(read)
        assert house.spent() == before
        still = await house.ask("GET", "/console/settings", [cookie, OWN])
        assert still.status == 200, "the session was ended by somebody else's form"


@NAMES("logging somebody in as somebody else")
async def _login_csrf(house: House) -> None:
    body = urlencode({"key": house.keys["viewer"]}).encode()
    for line in (
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "null"),
        ("sec-fetch-site", "none"),
    ):
        got = await house.ask("POST", "/console/login", [FORM, line], body)
        assert got.status == 403 and not got.header("set-cookie"), f"{line}: {got}"


@NAMES("a cookie that is no session")
async def _cookies(house: House) -> None:
    good = (await _cookie(house))[1]
    name, _, value = good.partition("=")
    for told in (
        "",
        "x",
        value[:-2],
        value[:-1] + ("a" if value[-1] != "a" else "b"),
        value + "x",
        value * 2,
        value.swapcase(),
        house.keys["operator"],
        f'"{value[:-3]}"',
        "\u00e9",
        "a" * 20_000,
    ):
        got = await house.ask("GET", "/console/settings", [("cookie", f"{name}={told}"), OWN])
        assert got.status in (303, 400, 401, 431), f"{told[:20]}: {got}"
    both = await house.ask("GET", "/console/settings", [("cookie", f"{name}=x; {good}"), OWN])
    assert both.status in (200, 303, 400)


@NAMES("a plain key does not open the console")
async def _plain(house: House) -> None:
    for key in ("alice", "local", "gone"):
        body = urlencode({"key": house.keys[key]}).encode()
        got = await house.ask("POST", "/console/login", [FORM, OWN], body)
        assert got.status in (401, 403) and not got.header("set-cookie"), str(got)


@NAMES("a viewer reads and changes nothing of others")
async def _viewer(house: House) -> None:
    done = await house.chat("!say CANARY-OF-A")
    id = done.header("x-request-id")
    for name in ("viewer", "operator"):
        cookie = await _cookie(house, name)
        page = (await house.ask("GET", "/console/today", [cookie, OWN])).text
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found is not None
        assert (await house.ask("GET", f"/console/traces/{id}", [cookie, OWN])).status == 404
        for path, fields, right in (
            (f"traces/{id}/content", {}, (403, 404)),
            ("settings/keys", {"name": "mine", "tenant": "b"}, (403,)),
            ("settings/revoke", {"id": house.ids["bob"]}, (403,)),
            ("settings/reload", {}, (403,)),
            ("specialists", {"id": "x", "act": "retire"}, (403, 404)),
        ):
            body = urlencode({"csrf": found[1], **fields}).encode()
            got = await house.ask("POST", f"/console/{path}", [cookie, OWN, FORM], body)
            assert got.status in right, f"{name} {path}: {got}"
        for query in (
            "traces?tenant=a",
            "today?tenant=a",
            f"traces?q={id}",
            "books?tenant=a",
            "books.csv?tenant=a",
        ):
            got = await house.ask("GET", f"/console/{query}", [cookie, OWN])
            assert f"traces/{id}" not in got.text, f"{name} {query}"


# ---------------------------------------------------------------- metrics, log

LINE = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\[\\"n]|[^"\\\n])*",?)*\})? '
    r"[^ ]+( [0-9]+)?"
)


@NAMES("labels of metrics")
async def _metrics(house: House) -> None:
    forged = 'x"} 1\\nevil_metric 1'
    for word in (forged, 'a"}', "a\\", "evil_metric 1", "\u2028evil_metric 1"):
        await house.chat("Hi", [("x-shortstop-task", word), ("x-shortstop-tag", word)], "bob")
        await house.chat("Hi", [], "bob", model=word + "\nevil_metric 1")
    shown = await house.ask("GET", "/metrics", [house.bearer()])
    assert shown.status == 200, str(shown)
    lines = [line for line in shown.text.split("\n") if line and not line.startswith("#")]
    odd = [line for line in lines if not LINE.fullmatch(line) or line.startswith("evil")]
    assert odd == []


@NAMES("names without end in metrics")
async def _cardinality(house: House) -> None:
    before = (await house.ask("GET", "/metrics", [house.bearer()])).text.count("\n")
    for i in range(150):
        await house.chat("Hi", [("x-shortstop-task", f"t-{i}")], "bob")
        await house.chat("Hi", [], "bob", model=f"nobody-{i}")
    after = (await house.ask("GET", "/metrics", [house.bearer()])).text.count("\n")
    assert after - before < 150, f"{before} -> {after} lines"


@NAMES("names in the log")
async def _log(house: House) -> None:
    start = len(house.gateway.log)
    for word in ("\x1b[31mred", "a\nERROR forged", "\u202etxt", "\x1b]8;;http://evil\x07a"):
        await house.chat("!status 500", [], "bob", model=word, user=word)
        body = {"name": f"k {word}", "tenant": f"t {word}"}
        await house.ask("POST", "/admin/keys", house.admin, body)
        await house.ask("GET", f"/v1/models/{quote(word)}", [house.bearer()])
    log = house.gateway.log[start:]
    assert b"\x1b" not in log
    assert b"\nERROR forged" not in log
    assert "\u202e".encode() not in log


@NAMES("names in lists of the administrator")
async def _listed(house: House) -> None:
    keys = await house.ask("GET", "/admin/keys", house.admin)
    assert keys.header("content-type").startswith("application/json")
    assert keys.header("x-content-type-options") in ("", "nosniff")
    assert json.loads(keys.body), "still JSON"
    export = await house.ask("GET", "/admin/traces/export?format=jsonl", house.admin)
    for line in export.text.rstrip("\n").split("\n"):
        json.loads(line)


@NAMES("a formula in the books as CSV")
async def _formula(house: House) -> None:
    for word in ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1"):
        await house.chat("Hi", [("x-shortstop-task", word), ("x-shortstop-tag", word)], "bob")
    cookie = await _cookie(house)
    for by in ("task", "tenant", "target", "team", "day"):
        got = await house.ask("GET", f"/console/books.csv?by={by}", [cookie, OWN])
        for line in got.text.splitlines():
            for cell in line.split(","):
                bare = cell.strip('"')
                assert not re.match(r"[=@\t]|[+-](?![0-9.]+$)", bare), f"{by}: {line}"


# ---------------------------------------------------------------- single sign-on


def _words(got: Reply) -> None:
    assert not any(
        "shortstop_console=" in value and 'console=""' not in value
        for name, value in got.headers
        if name == "set-cookie"
    ), str(got)
    assert "<script>alert" not in got.text
    assert "<svg" not in got.text.replace("<svg class", "")


BACK = [
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
]
for _query in (
    "",
    "?code=x",
    "?state=x",
    "?code=x&state=y",
    "?code=&state=",
    f"?error={quote(SCRIPT)}&state=x",
    f"?error=access_denied&error_description={quote(ATTRIBUTE)}",
    f"?code=x&state={quote(SCRIPT)}",
    "?code=" + "x" * 20_000 + "&state=y",
    "?code=x&code=y&state=z&state=w",
    "?code=%00&state=%0d%0aset-cookie:a=b",
    f"?code=x&state=y&iss={quote('https://evil.example')}",
    "?id_token=x.y.z",
    "?code=%ff%fe&state=%c0%af",
):

    @SIGNING(f"the way back with {_query[:40] or 'nothing'}")
    async def _callback(house: House, query: str = _query) -> None:
        for lines in (BACK, [], [OWN]):
            got = await house.ask("GET", f"/console/sso/callback{query}", lines)
            assert 300 <= got.status < 500, str(got)
            _words(got)
            assert not got.header("location").startswith(("http", "//"))


async def _begun(house: House, next: str = "today") -> tuple[tuple[str, str], dict[str, str], str]:
    """The cookie of a sign-in that has begun, and the parameters that bring it back."""
    assert house.provider is not None
    house.provider.reset()
    house.provider.user = {"sub": "ada-1", "email": "ada@acme.example", "groups": ["gw-viewers"]}
    started = await house.ask("GET", f"/console/sso/start?next={quote(next, safe='')}", [OWN])
    assert started.status == 303, str(started)
    cookie = ("cookie", started.header("set-cookie").split(";")[0])
    async with (
        aiohttp.ClientSession() as client,
        client.post(started.header("location"), allow_redirects=False) as answer,
    ):
        back = answer.headers["location"]
    return cookie, {key: value[0] for key, value in parse_qs(urlsplit(back).query).items()}, back


async def _back(house: House, told: dict[str, str], *lines: tuple[str, str]) -> Reply:
    return await house.ask("GET", f"/console/sso/callback?{urlencode(told)}", [*BACK, *lines])


@SIGNING("a way back that is right, once")
async def _right(house: House) -> None:
    cookie, told, _ = await _begun(house)
    got = await _back(house, told, cookie)
    assert got.status == 200 and "shortstop_console=" in got.header("set-cookie"), str(got)
    _words(await _back(house, told, cookie))


@SIGNING("another browser's way back")
async def _other(house: House) -> None:
    cookie, told, _ = await _begun(house)
    second, other, _ = await _begun(house)
    for lines, params in (
        ([], told),
        ([second], told),
        ([cookie], other),
        ([cookie], {**told, "state": other["state"]}),
        ([cookie], {**told, "state": told["state"] + "x"}),
        ([cookie], {"code": told["code"]}),
        ([("cookie", cookie[1][:-3] + "abc")], told),
        ([cookie], {**told, "iss": "https://evil.example"}),
        ([("cookie", cookie[1].replace("=", "=x"))], told),
    ):
        _words(await _back(house, params, *lines))


@SIGNING("a way back in a frame, by a script, by a form")
async def _framed(house: House) -> None:
    cookie, told, _ = await _begun(house)
    target = f"/console/sso/callback?{urlencode(told)}"
    site = ("sec-fetch-site", "cross-site")
    for lines in (
        [site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        [site, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        [
            site,
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            ("origin", "https://evil.example"),
        ],
    ):
        got = await house.ask("GET", target, [cookie, *lines])
        assert got.status == 403, str(got)
    posted = await house.ask(
        "POST", "/console/sso/callback", [cookie, FORM, *BACK], urlencode(told).encode()
    )
    assert posted.status in (403, 405), str(posted)


for _forged in (
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    SCRIPT,
    "today\r\nset-cookie: a=b",
    "../../evil",
    ATTRIBUTE,
):

    @SIGNING(f"signing in leads to {_forged!r}")
    async def _leads(house: House, next: str = _forged) -> None:
        cookie, told, _ = await _begun(house, next)
        got = await _back(house, told, cookie)
        assert "<script>alert" not in got.text
        assert "<svg onload" not in got.text
        for where in [*re.findall(r'url=([^"]*)"', got.text), got.header("location")]:
            assert not where or where.startswith("/console"), where
            assert ".." not in where
            assert "\\" not in where
            assert "a=b" not in got.header("set-cookie")


for _name, _twist in {
    "another audience": {"aud": "another"},
    "another issuer": {"iss": "https://evil.example"},
    "no time": {"exp": None},
    "an old time": {"exp": 1},
    "a nonce of another": {"nonce": "x"},
    "no subject": {"sub": ""},
    "groups of an object": {"groups": {"gw-admins": True}},
    "a group with a space": {"groups": [" gw-admins"]},
    "a group in capitals": {"groups": ["GW-ADMINS"]},
    "a subject of markup": {"sub": SCRIPT, "email": ATTRIBUTE, "name": SCRIPT},
}.items():

    @SIGNING(f"an ID token with {_name}")
    async def _claims(house: House, twist: dict[str, object] = _twist, name: str = _name) -> None:
        cookie, told, _ = await _begun(house)
        assert house.provider is not None
        house.provider.twist = lambda claims: {
            key: value for key, value in {**claims, **twist}.items() if value is not None
        }
        got = await _back(house, told, cookie)
        if name == "a subject of markup":
            assert got.status < 500 and "<script>alert" not in got.text, str(got)
            return
        assert 400 <= got.status < 500, str(got)
        _words(got)


@SIGNING("a session of the command line for what is no token")
async def _exchange(house: House) -> None:
    for token in ("", "x", "x.y.z", "eyJhbGciOiJub25lIn0.e30.", "a" * 100_000, None, {}, []):
        got = await house.ask("POST", "/admin/sessions", [], {"id_token": token})
        assert 400 <= got.status < 500 and "Traceback" not in got.text, str(got)
    assert (await house.ask("POST", "/admin/sessions", [], said("a"))).status in (400, 401)
