"""Single sign-on over real HTTP: a gateway process, an identity provider, and who gets in."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from shortstop.privacy.audit import records
from tests.server.conftest import Gateway, running_gateway
from tests.sso.provider import (
    CLI,
    CLIENT,
    SECRET,
    Claims,
    LocalProvider,
    signed_with_the_public_key,
    unsigned,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = {"sec-fetch-site": "same-origin"}
BACK = {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}
SSO = """
[sso]
issuer = "{issuer}"
client_id = "{client}"
client_secret_env = "SSO_SECRET"
cli_client_id = "{cli}"
url = "{url}"
timeout = 2
[sso.groups]
gw-viewers = {{ role = "viewer", tenant = "acme" }}
gw-operators = {{ role = "operator", tenant = "acme" }}
gw-admins = {{ role = "admin" }}
gw-sales = {{ role = "team-lead", team = "acme/sales", tenant = "acme" }}
"""
ADA = {"sub": "ada-1", "email": "ada@acme.example"}


def of(*groups: str, **claims: Any) -> Claims:
    return {**ADA, "groups": list(groups), **claims}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known() -> AsyncIterator[LocalProvider]:
    async with LocalProvider().running() as running:
        yield running


@pytest.fixture
def provider(known: LocalProvider) -> LocalProvider:
    known.reset()
    return known


@asynccontextmanager
async def signing(home: Any, provider: LocalProvider) -> AsyncIterator[Gateway]:
    """A gateway at which people of `provider` sign in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSO_SECRET", SECRET)
        async with running_gateway(home, 'auth = "required"') as running:
            await configure(running, provider)
            yield running


async def configure(
    gateway: Gateway, provider: LocalProvider, old: str = "", new: str = ""
) -> None:
    said = {"issuer": provider.url, "client": CLIENT, "cli": CLI, "url": gateway.url}
    more = SSO.format(**said).replace(old, new) if old else SSO.format(**said)
    gateway.configure('auth = "required"', more)
    async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
        assert answer.status == 200, await answer.text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    known: LocalProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    async with signing(tmp_path_factory.mktemp("sso"), known) as running:
        yield running


class Browser:
    """Its cookies, by the paths that they are for."""

    def __init__(self, gateway: Gateway) -> None:
        self.url = f"{gateway.url}/console/"
        self.client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str, headers: dict[str, str] = OWN) -> tuple[int, str]:
        url = path if path.startswith("http") else self.url + path
        async with self.client.get(url, headers=headers, allow_redirects=False) as answer:
            self.headers = answer.headers
            return answer.status, await answer.text()

    async def begin(self, next: str = "") -> str:
        """The way back, with a code that is still good."""
        assert (await self.get(f"sso/start?next={next}"))[0] == 303
        async with self.client.post(self.headers["location"], allow_redirects=False) as answer:
            return answer.headers["location"]

    async def sign_in(self, next: str = "") -> tuple[int, str]:
        return await self.get(await self.begin(next), BACK)

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.client.cookie_jar}


@pytest_asyncio.fixture(loop_scope="module")
async def browser(gateway: Gateway) -> AsyncIterator[Browser]:
    one = Browser(gateway)
    yield one
    await one.client.close()


def deeds(gateway: Gateway) -> list[str]:
    return [one.event.detail for one in records(gateway.home / "changes.log")]


# ---------------------------------------------------------------- who gets in


@pytest.mark.parametrize(
    ("group", "role", "may"),
    [
        ("gw-viewers", "viewer", (200, 403)),
        ("gw-operators", "operator", (200, 403)),
        ("gw-admins", "admin", (200, 200)),
    ],
)
async def test_a_group_makes_somebody_what_it_says(
    gateway: Gateway,
    provider: LocalProvider,
    browser: Browser,
    group: str,
    role: str,
    may: tuple[int, int],
) -> None:
    provider.user = of("everybody", group)
    assert "sso/start" in (await browser.get("login"))[1]
    status, page = await browser.sign_in("traces?kept=pinned")
    assert (status, 'url=/console/traces?kept=pinned"' in page) == (200, True)
    [cookie] = [c for c in browser.headers.getall("set-cookie") if "shortstop_console=" in c]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/console"))
    assert list(browser.cookies) == ["shortstop_console"], "what began it is gone"
    status, page = await browser.get("traces")
    assert status == may[0]
    assert "ada@acme.example (sso ada-1)" in page
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert csrf is not None
    form = {"csrf": csrf[1], "name": f"made by {role}"}
    async with browser.client.post(browser.url + "settings/keys", data=form, headers=OWN) as answer:
        assert answer.status == may[1]
    assert "ada@acme.example (sso ada-1): log in by single sign-on" in deeds(gateway)
    made = f"ada@acme.example (sso ada-1): make key made by {role}"
    assert (made in deeds(gateway)) is (role == "admin")
    async with browser.client.post(browser.url + "logout", data=form, headers=OWN) as answer:
        assert answer.url.path.endswith("/login")
    assert (await browser.get("today"))[0] == 303


async def test_the_highest_of_somebodys_roles_counts(
    provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-viewers", "gw-admins", "gw-sales")
    await browser.sign_in()
    assert (await browser.get("settings"))[0] == 200


@pytest.mark.parametrize(
    "user",
    [
        of("everybody", "staff"),
        ADA,
        of(groups="gw-admins-not"),
        {**ADA, "groups": {"gw-admins": 1}},
    ],
    ids=["others", "none", "alike", "no list"],
)
async def test_who_has_no_group_is_told_which_is_missing_and_no_other(
    provider: LocalProvider, browser: Browser, user: Claims
) -> None:
    provider.user = user
    status, page = await browser.sign_in()
    assert status == 403
    assert "gw-viewers" in page
    assert "gw-admins" not in page.replace("gw-admins-not", "")
    assert "gw-operators" not in page
    assert "shortstop_console" not in browser.cookies


async def test_who_leads_a_team_is_told_where(provider: LocalProvider, browser: Browser) -> None:
    provider.user = of("gw-sales")
    status, page = await browser.sign_in()
    assert (status, "shortstop login" in page) == (403, True)


# ---------------------------------------------------------------- what no token may be


def changed(**claims: Any) -> Callable[[Claims], Claims]:
    return lambda old: {name: v for name, v in {**old, **claims}.items() if v is not None}


NOW = time.time()
TWISTED = {
    "audience": (changed(aud="somebody-else"), "is for"),
    "no audience": (changed(aud=None), "is for"),
    "party": (changed(aud=[CLIENT, "other"], azp="other"), "was given to"),
    "two audiences": (changed(aud=[CLIENT, "other"]), "was given to"),
    "issuer": (changed(iss="https://evil.example"), "is of the issuer"),
    "nonce": (changed(nonce="another"), "another sign-in"),
    "no nonce": (changed(nonce=None), "another sign-in"),
    "expired": (changed(exp=NOW - 120), "expired"),
    "no end": (changed(exp=None), "no time"),
    "endless": (changed(exp=float("1e300")), "no time"),
    "future": (changed(iat=NOW + 3600), "in the future"),
    "not yet": (changed(nbf=NOW + 3600), "not good yet"),
    "nobody": (changed(sub=""), "names no subject"),
}


@pytest.mark.parametrize("case", TWISTED)
async def test_a_token_that_is_not_for_this_sign_in_is_refused_by_name(
    gateway: Gateway, provider: LocalProvider, browser: Browser, case: str
) -> None:
    provider.user = of("gw-admins")
    provider.twist, says = TWISTED[case]
    status, page = await browser.sign_in()
    assert (status, says in page) == (401, True), page
    assert "shortstop_console" not in browser.cookies


async def test_a_clock_that_is_a_little_wrong_is_forgiven(
    provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-admins")
    provider.twist = lambda old: changed(iat=time.time() + 30, exp=time.time() - 30)(old)
    assert (await browser.sign_in())[0] == 200


async def test_a_token_that_the_provider_did_not_sign_is_refused(
    provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-admins")
    good, stranger = provider.signed, LocalProvider()
    stranger.key = type(stranger.key).generate_key(2048, {"kid": provider.key.kid})

    def cut(claims: Claims) -> str:
        head, body, signature = good(claims).split(".")
        return f"{head}.{body}.{signature[:-4]}AAAA"

    forgeries: list[tuple[Callable[[Claims], str], str]] = [
        (unsigned, "not accepted"),
        (lambda claims: signed_with_the_public_key(claims, provider.key), "not accepted"),
        (stranger.signed, "not signed by the provider"),
        (cut, "not signed by the provider"),
        (lambda claims: "no.token.at-all", "no signed token"),
        (lambda claims: "", "no signed token"),
    ]
    for forge, says in forgeries:
        provider.forge = forge
        status, page = await browser.sign_in()
        assert (status, says in page) == (401, True), page
    assert browser.cookies == {}


# ---------------------------------------------------------------- what no browser may bring


async def test_an_answer_is_good_once_and_for_the_browser_that_asked(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-admins")
    stolen = await browser.begin()
    other = Browser(gateway)
    try:
        assert (await other.get(stolen, BACK))[0] == 401, "who never asked: login by a stranger"
        await other.begin()
        status, page = await other.get(stolen, BACK)
        assert (status, "another sign-in" in page) == (401, True)
    finally:
        await other.client.close()
    kept = dict(browser.cookies)
    assert (await browser.get(stolen, BACK))[0] == 200
    assert (await browser.get(stolen, BACK))[0] == 401, "state and code are used up"
    browser.client.cookie_jar.update_cookies(kept)
    header = {"cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
    status, page = await browser.get(stolen, BACK | header)
    assert status == 401, "also with the cookie of then, for the provider takes no code twice"


async def test_a_session_that_was_there_before_is_another_one_afterwards(
    provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-viewers")
    await browser.sign_in()
    before = browser.cookies["shortstop_console"]
    await browser.sign_in()
    assert browser.cookies["shortstop_console"] != before


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil", 'a"><b>'])
async def test_nobody_is_led_elsewhere(
    provider: LocalProvider, browser: Browser, next: str
) -> None:
    provider.user = of("gw-viewers")
    _, page = await browser.sign_in(next)
    assert 'content="0; url=/console/today"' in page
    assert "evil" not in page


async def test_it_begins_at_the_address_that_is_led_back_to(
    gateway: Gateway, browser: Browser
) -> None:
    other = gateway.url.replace("127.0.0.1", "localhost")
    status, page = await browser.get(f"{other}/console/sso/start")
    assert (status, f"Open {gateway.url}/console" in page) == (400, True)
    assert browser.cookies == {}


async def test_the_way_back_is_for_a_whole_window_and_no_frame_or_script(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    back = await browser.begin()
    for change in ({"sec-fetch-dest": "iframe"}, {"sec-fetch-mode": "no-cors"},
                   {"origin": provider.url}):  # fmt: skip
        assert (await browser.get(back, BACK | change))[0] == 403
    assert (await browser.get("sso/start", BACK))[0] == 403, "no other page begins it"
    assert (await browser.get("today", BACK))[0] == 403


async def test_the_providers_no_is_said_and_nothing_of_its_own(
    provider: LocalProvider, browser: Browser
) -> None:
    back = (await browser.begin()).partition("?")[0]
    state = parse_qs(urlsplit(browser.headers["location"]).query)["state"][0]
    status, page = await browser.get(f"{back}?error=access_denied&state={state}", BACK)
    assert (status, "access_denied" in page) == (401, True)
    await browser.begin()
    state = parse_qs(urlsplit(browser.headers["location"]).query)["state"][0]
    _, page = await browser.get(f"{back}?error=<b>x</b>&state={state}", BACK)
    assert "<b>" not in page


# ---------------------------------------------------------------- a provider in trouble


FAULTS = {
    "away": "status 503",
    "slow": "did not answer within 0.5 s",
    "large": "more than 1 MB",
    "garbage": "is not its discovery document",
    "redirect": "status 302",
}


async def test_a_provider_in_trouble_is_named_and_keys_go_on(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    for number, (fault, says) in enumerate(FAULTS.items()):
        provider.fault = fault
        # Another setting is another sign-on: nothing is known of the provider.
        fresh = f"timeout = 0.5\nsession_seconds = {3600 + number}"
        await configure(gateway, provider, "timeout = 2", fresh)
        status, page = await browser.get("sso/start")
        assert (status, says in page) == (503, True), page
    token = gateway.admin["authorization"].removeprefix("Bearer ")
    async with browser.client.post(
        browser.url + "login", data={"key": token}, headers=OWN
    ) as answer:
        assert answer.status == 200, "whoever holds the admin token is not locked out"
    provider.reset()
    provider.user = of("gw-admins")
    deadline = time.monotonic() + 60
    while (await browser.get("sso/start"))[0] != 303:
        assert time.monotonic() < deadline
    assert (await browser.sign_in())[0] == 200
    await configure(gateway, provider)


async def test_a_group_that_vanished_lets_nobody_in_again_and_who_is_in_is_out(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-operators")
    assert (await browser.sign_in())[0] == 200
    provider.user = of("everybody")
    assert (await browser.sign_in())[0] == 403, "the provider's group is gone at the next login"
    assert (await browser.get("today"))[0] == 200, "what was begun lasts until its end"
    await configure(gateway, provider, "gw-operators", "gw-renamed")
    assert (await browser.get("today"))[0] == 303, "the gateway's is gone at once"
    await configure(gateway, provider)


# ---------------------------------------------------------------- the command line's session


async def exchanged(gateway: Gateway, token: str) -> tuple[int, Any]:
    async with gateway.http.post("/admin/sessions", json={"id_token": token}) as answer:
        return answer.status, await answer.json()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def asks(gateway: Gateway, method: str, path: str, token: str, body: Any = None) -> int:
    async with gateway.http.request(method, path, json=body, headers=bearer(token)) as answer:
        await answer.read()
        return answer.status


async def test_a_session_administers_under_its_own_name_and_asks_no_model(
    gateway: Gateway, provider: LocalProvider
) -> None:
    provider.user = of("gw-admins")
    status, session = await exchanged(gateway, provider.token(CLI))
    assert (status, session["role"], session["name"]) == (201, "admin", "ada@acme.example")
    assert session["expires"] > time.time()
    token = session["token"]
    assert await asks(gateway, "POST", "/admin/keys", token, {"name": "by ada"}) == 201
    assert await asks(gateway, "GET", "/admin/traces", token) == 200
    assert await asks(gateway, "POST", "/admin/reload", token) == 200
    assert await asks(gateway, "GET", "/admin/team", token) == 403
    body = {"model": "small", "messages": [{"role": "user", "content": "!say x"}]}
    assert await asks(gateway, "POST", "/v1/chat/completions", token, body) == 401
    done = deeds(gateway)
    for act in ("log in at the command line", "make key by ada", "reload"):
        assert f"ada@acme.example (sso ada-1): {act}" in done
    tampered = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert await asks(gateway, "GET", "/admin/keys", tampered) == 401


async def test_a_session_may_what_its_role_may(gateway: Gateway, provider: LocalProvider) -> None:
    for path, body in (
        ("/admin/organisations", {"name": "acme", "budget_usd": 100}),
        ("/admin/teams", {"name": "sales", "organisation": "acme", "budget_usd": 50}),
    ):
        async with gateway.http.post(path, json=body, headers=gateway.admin) as answer:
            assert answer.status in (201, 409)
    statuses = {}
    for group in ("gw-viewers", "gw-operators", "gw-sales"):
        provider.user = of(group)
        _, session = await exchanged(gateway, provider.token(CLI))
        statuses[group] = [
            await asks(gateway, "GET", path, session["token"])
            for path in ("/admin/keys", "/admin/traces", "/admin/team")
        ]
    assert statuses == {
        "gw-viewers": [403, 403, 403],
        "gw-operators": [403, 200, 403],
        "gw-sales": [403, 403, 200],
    }
    made = {"name": "crm"}
    assert await asks(gateway, "POST", "/admin/team/keys", session["token"], made) == 201
    [act] = [one for one in deeds(gateway) if "make key crm" in one]
    assert act.startswith("team lead sso ada-1 (ada@acme.example): make key crm in the team team_")


async def test_no_other_token_is_exchanged_or_taken(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-admins")
    browsers = provider.token(CLI, nonce="of a browser")
    for token in (provider.token(CLIENT), browsers, unsigned({"sub": "x"}), "x"):
        status, body = await exchanged(gateway, token)
        assert (status, body["error"]["code"]) == (401, "sso_refused")
    provider.twist = lambda old: changed(iat=time.time() - 900)(old)
    status, body = await exchanged(gateway, provider.token(CLI))
    assert "too long" in body["error"]["message"]
    provider.reset()
    own = provider.token(CLI)
    assert await asks(gateway, "GET", "/admin/keys", own) == 401, "the provider's own opens nothing"
    await browser.sign_in()
    cookie = browser.cookies["shortstop_console"]
    assert await asks(gateway, "GET", "/admin/keys", f"ss-session-{cookie}") == 401
    _, session = await exchanged(gateway, own)
    sealed = session["token"].removeprefix("ss-session-")
    stolen = OWN | {"cookie": f"shortstop_console={sealed}"}
    other = Browser(gateway)
    assert (await other.get("today", stolen))[0] == 303, "nor is the one kind the other"
    await other.client.close()


async def test_a_session_ends_with_its_time_and_with_its_client(
    gateway: Gateway, provider: LocalProvider
) -> None:
    provider.user = of("gw-admins")
    _, session = await exchanged(gateway, provider.token(CLI))
    await configure(gateway, provider, 'client_id = "shortstop"', 'client_id = "another"')
    assert await asks(gateway, "GET", "/admin/keys", session["token"]) == 401
    await configure(gateway, provider)
    assert await asks(gateway, "GET", "/admin/keys", session["token"]) == 200


async def test_who_logs_out_is_out_with_every_copy_of_the_session(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-admins")
    await browser.sign_in()
    copy = OWN | {"cookie": f"shortstop_console={browser.cookies['shortstop_console']}"}
    thief = Browser(gateway)
    assert (await thief.get("today", copy))[0] == 200
    _, page = await browser.get("today")
    form = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[0]}
    async with browser.client.post(
        browser.url + "logout", data=form, headers=OWN, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    assert (await thief.get("today", copy))[0] == 303
    await thief.client.close()
    _, session = await exchanged(gateway, provider.token(CLI))
    other = (await exchanged(gateway, provider.token(CLI)))[1]["token"]
    assert await asks(gateway, "DELETE", "/admin/sessions", session["token"]) == 200
    for path in ("/admin/sessions", "/admin/keys/none"):
        assert await asks(gateway, "DELETE", path, session["token"]) == 401
    assert await asks(gateway, "GET", "/admin/keys", other) == 200, "another one goes on"
    assert deeds(gateway)[-2:].count("ada@acme.example (sso ada-1): log out") == 1


async def test_an_administrator_ends_all_that_somebody_has_begun(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    provider.user = of("gw-operators", sub="a|b/c d")
    await browser.sign_in()
    _, session = await exchanged(gateway, provider.token(CLI))
    assert await asks(gateway, "GET", "/admin/traces", session["token"]) == 200
    place = "/admin/sessions/a%7Cb/c%20d"
    assert await asks(gateway, "DELETE", place, session["token"]) == 403, "an operator ends none"
    async with gateway.http.delete(place, headers=gateway.admin) as answer:
        assert (answer.status, await answer.json()) == (200, {"ended": "a|b/c d"})
    assert await asks(gateway, "GET", "/admin/traces", session["token"]) == 401
    assert (await browser.get("today"))[0] == 303
    assert deeds(gateway)[-1] == "admin token: end the sessions of a|b/c d"
    assert (await browser.sign_in())[0] == 200, "who may come in comes in again"


async def test_no_token_code_or_secret_is_in_a_log(
    gateway: Gateway, provider: LocalProvider, browser: Browser
) -> None:
    for group in ("staff", "gw-admins"):
        provider.user = of(group)
        await browser.sign_in()
        await exchanged(gateway, provider.token(CLI))
    written = gateway.log + b"".join(p.read_bytes() for p in gateway.home.glob("*.log*"))
    assert b"sso: a sign-in failed" in written
    assert SECRET.encode() not in written
    assert b"ss-session-" not in written
    for token in provider.issued:
        assert not token or token.encode() not in written


async def test_where_it_is_off_there_is_no_way_in(tmp_path: Any) -> None:
    async with running_gateway(tmp_path) as plain:
        browser = Browser(plain)
        try:
            assert "sso/start" not in (await browser.get("login"))[1]
            assert (await browser.get("sso/start"))[0] == 404
            assert (await browser.get("sso/callback", BACK))[0] == 404
        finally:
            await browser.client.close()
        async with plain.http.get("/admin/sessions") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "sso_off")
        assert (await exchanged(plain, "x"))[0] == 404
