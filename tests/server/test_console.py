"""The console over real HTTP: who gets in, from where, to what; and that names stay names."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from shortstop.console import templates
from shortstop.privacy.audit import records
from shortstop.server.console.app import Console
from tests.console.seeded import EVIL, MARK, seed
from tests.server.conftest import KEY, Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = {"sec-fetch-site": "same-origin"}
GETS = (
    "today", "tail", "traces", "traces/seed-00150", "tasks", "task?name=answer-faq", "specialists",
    "books", "books?by=tenant", "books.csv", "privacy", "playground", "settings",
)  # fmt: skip
NO_PAGES = ("tail", "books.csv")


class Visitor:
    """A browser's cookies, and the headers that it sends."""

    def __init__(self, gateway: Gateway) -> None:
        self.url = gateway.url
        self.token = gateway.admin["authorization"].removeprefix("Bearer ")
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def close(self) -> None:
        await self._client.close()

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self._client.get(
            f"{self.url}/console/{path}", headers=OWN | headers, allow_redirects=False
        ) as r:
            self.headers = r.headers
            return r.status, await r.text()

    async def post(self, path: str, form: dict[str, str], **headers: str) -> tuple[int, str]:
        async with self._client.post(
            f"{self.url}/console/{path}", data=form, headers=OWN | headers, allow_redirects=False
        ) as r:
            self.headers = r.headers
            return r.status, await r.text()

    async def login(self, key: str = "") -> int:
        return (await self.post("login", {"key": key or self.token}))[0]

    async def csrf(self) -> str:
        _, page = await self.get("traces")
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert found is not None
        return found[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home = tmp_path_factory.mktemp("console")
    seed(home, 200)
    async with running_gateway(home, 'auth = "off"\ncors_origins = ["http://app.test"]') as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keys(gateway: Gateway) -> dict[str, str]:
    """A secret for each role of the tenant acme, and one of a key that opens no console."""
    made = {}
    for role in ("viewer", "operator", "admin", None):
        grant = {"name": role or "program", "tenant": "acme", "console": role}
        async with gateway.http.post("/admin/keys", json=grant, headers=gateway.admin) as r:
            made[role or "none"] = (await r.json())["secret"]
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(gateway: Gateway) -> AsyncIterator[Visitor]:
    one = Visitor(gateway)
    yield one
    await one.close()


async def test_nobody_sees_a_page_before_they_have_logged_in(visitor: Visitor) -> None:
    for path in GETS:
        status, page = await visitor.get(path)
        assert (status, page) == (303, "")
        assert visitor.headers["location"] == templates.url("/console/login", next=path)
    status, _ = await visitor.get("tail", **{"hx-request": "true"})
    assert status == 401
    assert visitor.headers["hx-redirect"].startswith("/console/login")


async def test_the_admin_token_opens_every_page(visitor: Visitor) -> None:
    assert await visitor.login() == 303
    cookie = visitor.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/console"))
    for path in GETS:
        status, page = await visitor.get(path)
        assert status == 200, path
        assert "script-src 'self'" in visitor.headers["content-security-policy"]
        assert "unsafe" not in visitor.headers["content-security-policy"]
        assert visitor.headers["cache-control"] == "no-store"
        assert "admin token" in page or path in NO_PAGES


@pytest.mark.parametrize("key", ["no-such-key", "sk-ss-" + "A" * 43, "\u00e9" * 40, "a" * 5000])
async def test_no_other_key_opens_it(visitor: Visitor, key: str) -> None:
    status, page = await visitor.post("login", {"key": key})
    assert status == 401
    assert "set-cookie" not in visitor.headers
    assert key not in page


async def test_a_secret_that_was_replaced_opens_it_as_long_as_it_is_good(
    gateway: Gateway, visitor: Visitor
) -> None:
    async def posted(path: str, body: dict[str, Any]) -> Any:
        async with gateway.http.post(path, json=body, headers=gateway.admin) as r:
            return await r.json()

    first = await posted("/admin/keys", {"name": "rotated", "console": "viewer"})
    rotate = f"/admin/keys/{first['id']}/rotate"
    second = await posted(rotate, {"grace_seconds": 3600})
    third = await posted(rotate, {})
    assert await visitor.login(second["secret"]) == 401
    assert "set-cookie" not in visitor.headers
    for good in (first, third):
        assert await visitor.login(good["secret"]) == 303


async def test_a_key_opens_it_as_far_as_it_was_made_for(
    visitor: Visitor, keys: dict[str, str]
) -> None:
    status, page = await visitor.post("login", {"key": keys["none"]})
    assert status == 403
    assert "--console viewer" in page
    assert await visitor.login(keys["viewer"]) == 303
    _, page = await visitor.get("traces?tenant=default")
    ids = re.findall(r'href="traces/(seed-\d+)"', page)
    assert ids
    assert all(int(id.removeprefix("seed-")) % 3 == 0 for id in ids), "acme's alone"
    status, page = await visitor.get("traces/seed-00001")
    assert status == 404
    status, page = await visitor.get("traces/seed-00003")
    assert (status, "Content is for operators" in page) == (200, True)
    form = {"csrf": await visitor.csrf()}
    status, page = await visitor.post("traces/seed-00003/content", form)
    assert (status, MARK in page) == (403, False)


async def test_an_operator_reads_content_and_it_is_written_down(
    visitor: Visitor, keys: dict[str, str], gateway: Gateway
) -> None:
    assert await visitor.login(keys["operator"]) == 303
    form = {"csrf": await visitor.csrf()}
    status, page = await visitor.post("traces/seed-00006/content", form)
    assert (status, MARK in page) == (200, True)
    status, page = await visitor.post("traces/seed-00007/content", form)
    assert (status, MARK in page) == (404, False)
    kept = [record.event for record in records(gateway.home / "changes.log")]
    assert [event.detail for event in kept[-2:]] == [
        "operator: log in",
        "operator: read content of seed-00006",
    ]
    assert MARK not in (gateway.home / "changes.log").read_text()


async def test_a_revoked_key_is_out_at_once(
    visitor: Visitor, keys: dict[str, str], gateway: Gateway
) -> None:
    assert await visitor.login(keys["admin"]) == 303
    headers = {**gateway.admin}
    async with gateway.http.get("/admin/keys", headers=headers) as r:
        (id,) = [one["id"] for one in (await r.json())["data"] if one["name"] == "admin"]
    async with gateway.http.delete(f"/admin/keys/{id}", headers=headers) as r:
        assert r.status == 200
    assert (await visitor.get("today"))[0] == 303


@pytest.mark.parametrize("change", ["cut", "role", "other", "empty", "long"])
async def test_a_cookie_that_was_not_given_is_none(visitor: Visitor, change: str) -> None:
    await visitor.login()
    cookie = next(iter(visitor._client.cookie_jar))
    body, _, mac = cookie.value.partition(".")
    forged = {
        "cut": body,
        "role": f"{body[:-2]}xx.{mac}",
        "other": f"{body}.{'0' * 64}",
        "empty": ".",
        "long": "a" * 5000,
    }[change]
    visitor._client.cookie_jar.clear()
    status, _ = await visitor.get("today", cookie=f"shortstop_console={forged}")
    assert status == 303


FROM = {
    "another site": {"sec-fetch-site": "cross-site", "origin": "http://evil.test"},
    "a link of another site": {"sec-fetch-site": "cross-site"},
    "another port of this machine": {
        "sec-fetch-site": "same-site",
        "origin": "http://127.0.0.1:1",
    },
    "a listed origin": {"sec-fetch-site": "cross-site", "origin": "http://app.test"},
    "a sandbox": {"sec-fetch-site": "same-origin", "origin": "null"},
    "an older browser, elsewhere": {"sec-fetch-site": "", "origin": "http://evil.test"},
}


@pytest.mark.parametrize("headers", FROM.values(), ids=FROM)
async def test_only_its_own_pages_lead_in(visitor: Visitor, headers: dict[str, str]) -> None:
    """Whoever is logged in: cookies come along from other ports of this machine."""
    await visitor.login()
    form = {"csrf": await visitor.csrf()}
    for status, page in (
        await visitor.get("today", **headers),
        await visitor.post("logout", form, **headers),
        await visitor.post("login", {"key": visitor.token}, **headers),
    ):
        assert status == 403
        assert "set-cookie" not in visitor.headers
        assert "Open the console" in page
        assert "access-control-allow-origin" not in visitor.headers


async def test_the_address_bar_reads_and_changes_nothing(visitor: Visitor) -> None:
    await visitor.login()
    typed = {"sec-fetch-site": "none"}
    assert (await visitor.get("today", **typed))[0] == 200
    form = {"csrf": await visitor.csrf()}
    assert (await visitor.post("logout", form, **typed))[0] == 403


async def test_a_browser_without_sec_fetch_site_must_name_our_origin(gateway: Gateway) -> None:
    form = {"key": gateway.admin["authorization"].removeprefix("Bearer ")}
    async with aiohttp.ClientSession() as client:
        for headers, expected in (({}, 403), ({"origin": gateway.url}, 303)):
            async with client.post(
                f"{gateway.url}/console/login", data=form, headers=headers, allow_redirects=False
            ) as r:
                assert r.status == expected


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "\u00e9"])
async def test_a_form_of_no_session_does_nothing(visitor: Visitor, csrf: str | None) -> None:
    await visitor.login()
    form = {} if csrf is None else {"csrf": csrf}
    for path in ("logout", "traces/seed-00006/content"):
        status, page = await visitor.post(path, form)
        assert status == 403
        assert "nothing was done" in page
        assert MARK not in page


async def test_another_sessions_form_is_not_mine(gateway: Gateway, visitor: Visitor) -> None:
    await visitor.login()
    other = Visitor(gateway)
    await other.login()
    assert (await visitor.post("logout", {"csrf": await other.csrf()}))[0] == 403
    await other.close()


async def test_after_logging_out_the_cookie_is_gone(visitor: Visitor) -> None:
    await visitor.login()
    assert (await visitor.post("logout", {"csrf": await visitor.csrf()}))[0] == 303
    assert (await visitor.get("today"))[0] == 303


@pytest.mark.parametrize("next", ["https://evil.test", "//evil.test", "/admin", "a\r\nb: c", ""])
async def test_a_login_leads_to_pages_of_ours_alone(visitor: Visitor, next: str) -> None:
    await visitor.post("login", {"key": visitor.token, "next": next})
    assert visitor.headers["location"] == "/console/today"


async def test_a_login_leads_to_where_one_was_going(visitor: Visitor) -> None:
    await visitor.post("login", {"key": visitor.token, "next": "traces?kept=pinned"})
    assert visitor.headers["location"] == "/console/traces?kept=pinned"


async def test_names_that_would_be_markup_stay_text(visitor: Visitor) -> None:
    await visitor.login()
    form = {"csrf": await visitor.csrf()}
    paths = ("today", "traces", "tail", "tasks", "books?by=task", "books?by=target")
    pages = [(await visitor.get(path))[1] for path in paths]
    for i in range(len(EVIL)):
        pages.append((await visitor.get(f"traces/seed-{90_000 + i}"))[1])
        pages.append((await visitor.post(f"traces/seed-{90_000 + i}/content", form))[1])
    for page in pages:
        assert "window.broken" in page or "evil" in page
        page = re.sub(r' value="[^"]*"', "", page)  # what a form sends back is the name itself
        for unsafe in ("<script>", "<img", "<svg onload", "\x1b", "\u202e"):
            assert unsafe not in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("traces?since=yesterday-ish", 400),
        ("traces?side=up", 400),
        ("traces?at=x&seq=1", 400),
        ("traces?at=nan&seq=1", 200),
        ("today?days=8", 400),
        ("today?days=%F0%9F%98%80", 400),
        ("traces/none", 404),
        ("nowhere", 404),
        ("static/../../etc/passwd", 404),
        ("static/report.html", 404),
        ("traces?search=" + "%00" * 10, 200),
        ("traces?since=1h&until=2h&search=%27%3B--", 200),
    ],
)
async def test_odd_addresses_get_a_page(visitor: Visitor, path: str, status: int) -> None:
    await visitor.login()
    assert (await visitor.get(path))[0] == status


async def test_files_are_kept_for_good_and_small(visitor: Visitor) -> None:
    """All of it in 60 kB, packed."""
    total = 0
    for name, kind in templates.STATIC.items():
        url = f"{visitor.url}/console/static/{name}"
        async with aiohttp.ClientSession(auto_decompress=False) as client, client.get(url) as r:
            assert r.status == 200
            assert r.headers["content-type"] == kind
            assert "immutable" in r.headers["cache-control"]
            total += len(await r.read())
    assert total <= 60_000


async def test_every_page_but_the_door_asks_who_comes(gateway: Gateway) -> None:
    """Walks the table of routes."""

    class Nobody:
        admin_token: Any = None
        accounts: Any = None

    class Chat:
        def asked_by(self, identify: Any) -> Any: ...

    chat: Any = Chat()

    console = Console(Nobody(), None, None, chat)  # type: ignore[arg-type]
    roles = {
        (r.path, *sorted(r.methods or ())): getattr(r, "role", "its own") for r in console.routes
    }
    free = {path for path, *_ in (key for key, role in roles.items() if role is None)}
    assert free == {"/", "/login", "/static/{name}", "/sso/start", "/sso/callback"}
    for (path, *methods), role in roles.items():
        if "POST" in methods and path not in ("/login", "/logout", "/privacy"):
            assert role in ("operator", "admin", "its own"), path
    assert [path for (path, *_), role in roles.items() if role == "its own"] == ["/playground/ask"]


async def test_a_csv_is_a_file_that_runs_nothing(visitor: Visitor) -> None:
    await visitor.login()
    status, text = await visitor.get("books.csv?by=task&days=30")
    assert status == 200
    assert visitor.headers["content-disposition"] == 'attachment; filename="books-task.csv"'
    rows = list(csv.DictReader(text.splitlines()))
    _, page = await visitor.get("books?by=task&days=30")
    assert sum(int(row["requests"]) for row in rows) == 200 + len(EVIL)
    assert f">{200 + len(EVIL)}</td>" in page


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("specialists", {"name": "none", "to": "live"}),
        ("settings/keys", {"name": "x"}),
        ("settings/revoke", {"id": "key_x"}),
        ("settings/reload", {}),
    ],
)
async def test_changes_are_administrators(
    visitor: Visitor, keys: dict[str, str], path: str, form: dict[str, str]
) -> None:
    await visitor.login(keys["operator"])
    status, page = await visitor.post(path, {**form, "csrf": await visitor.csrf()})
    assert (status, "needs the role admin" in page) == (403, True)
    status, page = await visitor.post(path, form)
    assert status == 403


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("specialists", {"name": "none", "to": "live"}, 404),
        ("settings/keys", {"name": ""}, 400),
        ("settings/keys", {"name": "x", "budget": "a lot"}, 400),
        ("settings/keys", {"name": "x", "budget": "NaN"}, 400),
        ("settings/keys", {"name": "x", "rpm": "1e9"}, 400),
        ("settings/keys", {"name": "x", "console": "root"}, 400),
        ("settings/keys", {"name": "x", "team": "none"}, 404),
        ("settings/keys", {"name": "x", "role": "team-lead"}, 400),
        ("settings/revoke", {"id": "key_none"}, 404),
    ],
)
async def test_a_change_that_cannot_be_made_says_so(
    visitor: Visitor, path: str, form: dict[str, str], status: int
) -> None:
    await visitor.login()
    got, page = await visitor.post(path, {**form, "csrf": await visitor.csrf()})
    assert got == status
    assert 'role="alert"' in page


async def test_a_key_is_made_and_revoked_and_both_are_written_down(
    visitor: Visitor, gateway: Gateway
) -> None:
    await visitor.login()
    form = {"csrf": await visitor.csrf(), "name": "bot", "budget": "2.50", "period": "day"}
    status, page = await visitor.post("settings/keys", form)
    assert status == 200
    secret = re.search(r"sk-ss-[\w-]+", page)
    assert secret is not None
    id = re.findall(r"Key (key_\w+) for bot", page)[0]
    _, page = await visitor.get("settings")
    assert secret[0] not in page
    assert "$2.50 a day" in page
    status, page = await visitor.post("settings/revoke", {"csrf": form["csrf"], "id": id})
    assert (status, "is revoked" in page) == (200, True)
    kept = [record.event.detail for record in records(gateway.home / "changes.log")]
    assert kept[-2:] == ["admin token: make key bot", f"admin token: revoke key {id}"]
    status, page = await visitor.post("privacy/verify", {"csrf": form["csrf"]})
    assert "records, intact" in page


async def test_a_key_is_made_for_a_team(visitor: Visitor, gateway: Gateway) -> None:
    for path, body in (
        ("organisations", {"name": "acme", "budget_usd": "9"}),
        ("teams", {"name": "<b>sales", "organisation": "acme", "budget_usd": "5"}),
    ):
        url = f"/admin/{path}"
        async with gateway.http.post(url, json=body, headers=gateway.admin) as r:
            assert r.status == 201
    await visitor.login()
    form = {"csrf": await visitor.csrf(), "name": "lea", "team": "acme/<b>sales"}
    status, page = await visitor.post("settings/keys", {**form, "role": "team-lead"})
    assert status == 200
    assert "acme/&lt;b&gt;sales" in page
    kept = [record.event.detail for record in records(gateway.home / "changes.log")]
    assert kept[-1] == "admin token: make key lea in the team acme/<b>sales"


async def test_what_cannot_be_written_down_is_not_done(visitor: Visitor, gateway: Gateway) -> None:
    await visitor.login()
    form = {"csrf": await visitor.csrf(), "name": "not-made"}
    log = gateway.home / "changes.log"
    head, text = log.with_name("changes.log.head"), log.read_bytes()
    kept = head.read_bytes()
    head.write_bytes(b"0 0 0\n")
    log.write_bytes(text + b" ")
    try:
        status, _ = await visitor.post("settings/keys", form)
        assert status >= 500
    finally:
        head.write_bytes(kept)
        log.write_bytes(text)
    _, page = await visitor.get("settings")
    assert "not-made" not in page


async def test_the_configuration_in_force_tells_no_secret(
    visitor: Visitor, keys: dict[str, str]
) -> None:
    await visitor.login()
    _, page = await visitor.get("settings")
    assert "upstreams.vendor.api_key_env" in page
    assert KEY not in page
    assert visitor.token not in page
    await visitor.login(keys["viewer"])
    _, page = await visitor.get("settings")
    assert "upstreams" not in page


async def test_the_playground_asks_for_whoever_is_logged_in(
    visitor: Visitor, keys: dict[str, str]
) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "!say spoken"}]}

    async def ask(**headers: str) -> tuple[int, str]:
        async with visitor._client.post(
            f"{visitor.url}/console/playground/ask", json=body, headers=OWN | headers
        ) as r:
            return r.status, await r.text()

    assert (await ask())[0] == 401
    await visitor.login(keys["viewer"])
    assert (await ask(**{"x-csrf-token": await visitor.csrf()}))[0] == 403
    await visitor.login(keys["operator"])
    assert (await ask())[0] == 403
    status, text = await ask(**{"x-csrf-token": await visitor.csrf()})
    assert (status, "spoken" in text) == (200, True)
    assert (await ask(**{"x-csrf-token": await visitor.csrf(), "sec-fetch-site": "none"}))[0] == 403


async def test_a_row_is_asked_again_in_the_playground(
    visitor: Visitor, keys: dict[str, str], gateway: Gateway
) -> None:
    await visitor.login(keys["viewer"])
    form = {"csrf": await visitor.csrf(), "id": "seed-00006"}
    assert (await visitor.post("playground", form))[0] == 403
    await visitor.login(keys["operator"])
    form["csrf"] = await visitor.csrf()
    _, page = await visitor.post("traces/seed-00006/content", form)
    assert 'action="playground"' in page
    status, page = await visitor.post("playground", form)
    assert (status, MARK in page) == (200, True)
    assert 'href="traces/seed-00006"' in page
    assert "masked where privacy finds something" in page
    kept = [record.event.detail for record in records(gateway.home / "changes.log")]
    assert kept[-1] == "operator: try again seed-00006"
    status, page = await visitor.post("playground", {**form, "id": "seed-00007"})
    assert (status, MARK in page) == (404, False), "another tenant's"
    status, page = await visitor.post("playground", {"id": "seed-00006"})
    assert (status, MARK in page) == (403, False)


async def test_a_route_holds_for_the_tenant_of_whoever_sets_it(
    visitor: Visitor, keys: dict[str, str], gateway: Gateway
) -> None:
    async def by_rule() -> bool:
        """Whether a rule decides about a request of the task; it is the tenant default's."""
        headers = {"x-shortstop-task": "answer-faq"}
        body = {"model": "auto", "messages": [{"role": "user", "content": "!say so"}]}
        async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as r:
            assert r.status == 200, await r.text()
            return "task-rule" in r.headers["x-shortstop-decision"]

    await visitor.login(keys["viewer"])
    form = {"csrf": await visitor.csrf(), "task": "answer-faq", "route": "local"}
    assert (await visitor.post("tasks/route", form))[0] == 403
    await visitor.login(keys["operator"])
    assert (await visitor.post("tasks/route", form))[0] == 403, "the viewer's form"
    form["csrf"] = await visitor.csrf()
    status, page = await visitor.post("tasks/route?tenant=default", form)
    assert (status, "answer-faq, for the tenant acme: local." in page) == (200, True)
    assert '<option value="local" selected>' in page
    kept = [record.event.detail for record in records(gateway.home / "changes.log")]
    assert kept[-1] == "operator: route of answer-faq for the tenant acme to local"
    assert not await by_rule(), "other tenants are left alone"
    await visitor.login()
    form["csrf"] = await visitor.csrf()
    assert (await visitor.post("tasks/route", form))[0] == 200
    assert await by_rule()
    status, page = await visitor.post("tasks/route", {**form, "route": "configured"})
    assert (status, '<option value="local" selected>' in page) == (200, False)
    assert not await by_rule()


@pytest.mark.parametrize("change", [{"route": "moon"}, {"task": ""}, {"task": "a\nb"}])
async def test_a_route_that_cannot_be_is_refused(visitor: Visitor, change: dict[str, str]) -> None:
    await visitor.login()
    form = {"csrf": await visitor.csrf(), "task": "answer-faq", "route": "local"}
    status, page = await visitor.post("tasks/route", {**form, **change})
    assert (status, 'role="alert"' in page) == (400, True)


async def test_a_route_that_no_reload_takes_is_as_before(
    visitor: Visitor, gateway: Gateway
) -> None:
    await visitor.login()
    form = {"csrf": await visitor.csrf(), "task": "answer-faq", "route": "local"}
    file, routes = gateway.home / "shortstop.toml", gateway.home / "routes.json"
    assert (await visitor.post("tasks/route", form))[0] == 200
    text, kept = file.read_text(), routes.read_text()
    file.write_text(text + "\n[nonsense]\n")
    try:
        status, _ = await visitor.post("tasks/route", {**form, "route": "frontier"})
        assert status >= 400
        assert sorted(routes.read_text()) == sorted(kept)
    finally:
        file.write_text(text)


async def test_a_text_is_explained_and_not_repeated(visitor: Visitor) -> None:
    await visitor.login()
    form = {"csrf": await visitor.csrf(), "text": "Write to ann.jones@example.org."}
    status, part = await visitor.post("privacy", form, **{"hx-request": "true"})
    assert status == 200
    assert "EMAIL" in part.upper()
    assert "ann.jones" not in part
