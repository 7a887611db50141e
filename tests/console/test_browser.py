"""The console in a real browser: every page from a cold click, by keyboard, narrow and wide, light
and dark, without a finding of axe; and what would like to be markup stays text.

Needs Chromium (`apt-get install chromium`); without one these tests are skipped.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.console.seeded import EVIL, MARK, seed
from tests.server.conftest import Gateway, running_gateway

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(BROWSER is None, reason="no browser: apt-get install chromium"),
    pytest.mark.skipif(
        len(socket.if_nameindex()) < 2,
        reason="make airgap: a browser looks for networks of its own accord",
    ),
]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
PATIENCE = 30_000
"""Milliseconds that a busy machine may take for a page."""
PAGES = {
    "Today": "today?days=7",
    "Traces": "traces",
    "Tasks": "tasks",
    "Specialists": "specialists",
    "Books": "books",
    "Privacy": "privacy",
    "Playground": "playground",
    "Settings": "settings",
}
DEEPER = ("traces/seed-00050", "task?name=classify-ticket", "traces?kept=pinned&tier=S2", "nowhere")
EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"]}
COLOURS = EVERYTHING | {"runOnly": ["color-contrast"]}
LOOKS: tuple[Any, ...] = (
    (1440, "light", COLOURS),
    (360, "dark", EVERYTHING),
)
"""Of the second look only what is different in it is examined."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home = tmp_path_factory.mktemp("browsed")
    seed(home, 150)
    async with running_gateway(home) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all."""
    async with async_playwright() as playwright:
        one = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield one
        await one.close()


class Reader:
    """Somebody at a screen, and what their browser complained of."""

    def __init__(self, page: Page, gateway: Gateway) -> None:
        self.page = page
        self.url = gateway.url
        self.token = gateway.admin["authorization"].removeprefix("Bearer ")
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and "404" not in message.text:
            self.complaints.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.elsewhere.append(request.url)

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.url}/console/{path}")

    async def login(self) -> None:
        await self.open("")
        await self.page.fill("#key", self.token)
        await self.page.press("#key", "Enter")
        await self.page.wait_for_selector("h1:has-text('Today')")

    async def findings(self, options: Any) -> list[str]:
        """What axe thinks is serious or worse."""
        await self.page.evaluate(AXE)
        found = await self.page.evaluate("(options) => axe.run(document, options)", options)
        return [
            f"{self.page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]


async def reading(browser: Browser, gateway: Gateway, width: int, scheme: Any) -> Reader:
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    reader = Reader(await context.new_page(), gateway)
    await reader.login()
    return reader


@pytest_asyncio.fixture(loop_scope="module")
async def reader(browser: Browser, gateway: Gateway) -> AsyncIterator[Reader]:
    one = await reading(browser, gateway, 1440, "light")
    yield one
    assert one.complaints == []
    assert one.elsewhere == []
    await one.page.context.close()


async def test_every_page_is_a_click_away(reader: Reader) -> None:
    for name, path in PAGES.items():
        await reader.page.click(f"nav[aria-label=Pages] a:has-text('{name}')")
        await reader.page.wait_for_url(f"**/console/{path.partition('?')[0]}")
        current = reader.page.locator("nav[aria-label=Pages] a[aria-current=page]")
        assert await current.inner_text() == name
        assert await reader.page.locator("h1").count() == 1


@pytest.mark.parametrize("look", LOOKS, ids=["wide", "narrow"])
async def test_every_page_fits_and_can_be_read_by_everybody(
    browser: Browser, gateway: Gateway, look: Any
) -> None:
    width, scheme, options = look
    reader = await reading(browser, gateway, width, scheme)
    findings: list[str] = []
    for path in (*PAGES.values(), *DEEPER):
        await reader.open(path)
        assert await reader.page.evaluate("document.documentElement.scrollWidth") <= width, path
        findings += await reader.findings(options)
    assert findings == []
    assert reader.complaints == []
    await reader.page.context.close()


async def test_by_keyboard_alone(reader: Reader) -> None:
    """To the content, to the rows, to one of them and what was said in it."""
    page = reader.page
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await reader.open("traces")
    await page.focus("input[name=search]")
    await page.keyboard.type("extract-inv")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/traces?search=extract-inv*")
    await page.focus(".filters button")
    for _ in range(3):  # Clear, the region that scrolls, the first row
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/traces/seed-*")
    await page.focus("#content button")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(f"pre:has-text('{MARK}')")
    assert "$SHORTSTOP_KEY" in await page.inner_text("#curl")


async def test_a_column_of_the_chart_leads_to_its_rows(reader: Reader) -> None:
    await reader.open("today?days=7")
    count = reader.page.locator(".chart a").first
    label = await count.get_attribute("href")
    await count.focus()
    await reader.page.keyboard.press("Enter")
    await reader.page.wait_for_url(f"**/{label}")
    assert await reader.page.locator("tbody tr").count() > 0


async def test_names_that_would_be_markup_stay_text(reader: Reader) -> None:
    paths = [
        "today?days=7",
        "traces",
        "tasks",
        "books?by=task",
        "books?by=tenant",
        "books?by=team",
        "settings",
    ]
    paths += [f"traces/seed-{90_000 + i}" for i in range(len(EVIL))]
    for path in paths:
        await reader.open(path)
        if path.startswith("traces/"):
            await reader.page.click("#content button")
            await reader.page.wait_for_selector("#content pre")
        assert await reader.page.evaluate("window.broken") is None, path
        assert await reader.page.locator("main img, main script, main svg[onload]").count() == 0


async def test_the_tail_is_live_and_can_be_told_to_rest(reader: Reader, gateway: Gateway) -> None:
    await reader.open("today")
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
    async with gateway.http.post("/v1/chat/completions", json=body) as r:
        id = r.headers["x-request-id"]
    await reader.page.wait_for_selector(f"#tail a[href='traces/{id}']")
    await reader.page.click("#pause")
    assert await reader.page.get_attribute("#pause", "aria-pressed") == "true"


async def test_a_text_is_explained_without_leaving_the_page(reader: Reader) -> None:
    await reader.open("privacy")
    await reader.page.fill("textarea[name=text]", "My mail is ann.jones@example.org, thanks.")
    await reader.page.click("#explain button")
    await reader.page.wait_for_selector("#explained td")
    assert "ann.jones" not in await reader.page.inner_text("#explained")


async def test_the_playground_asks_side_by_side(reader: Reader) -> None:
    await reader.open("playground")
    await reader.page.fill("textarea[name=prompt]", "!say spoken")
    await reader.page.click("#ask button")
    cards = [reader.page.locator("[data-answer]").nth(i) for i in range(3)]
    links = [card.locator("[data-more] a").get_attribute("href") for card in cards]
    assert all(str(link).startswith("traces/") for link in await asyncio.gather(*links))
    answers = await reader.page.locator("[data-text]").all_inner_texts()
    assert len(answers) == 3
    assert all("spoken" in answer for answer in answers)


async def test_a_row_is_asked_again(reader: Reader) -> None:
    await reader.open("traces/seed-00050")
    await reader.page.click("#content button")
    await reader.page.click("button:has-text('Open in the playground')")
    await reader.page.wait_for_selector("h1:has-text('Playground')")
    assert MARK in await reader.page.input_value("textarea[name=prompt]")
    assert await reader.findings(EVERYTHING) == []
    await reader.page.click("#ask button.primary")
    links = [reader.page.locator("[data-more] a").nth(i).get_attribute("href") for i in range(3)]
    assert all(str(link).startswith("traces/") for link in await asyncio.gather(*links))


async def test_a_route_is_set_and_taken_back(reader: Reader, gateway: Gateway) -> None:
    await reader.open("tasks")
    row = reader.page.locator("tbody tr", has_text="answer-faq")
    for route, words in (("frontier", "frontier"), ("configured", "as configured")):
        await row.locator("select").select_option(route)
        await row.locator("select").focus()
        await reader.page.keyboard.press("Tab")
        await reader.page.keyboard.press("Enter")
        await reader.page.wait_for_selector(f"[role=status]:has-text('all tenants: {route}')")
        assert words in await row.locator("option").all_inner_texts()
    assert "route of answer-faq" in (gateway.home / "changes.log").read_text()


async def test_the_books_are_shown_by_team(reader: Reader) -> None:
    await reader.open("books")
    await reader.page.click("nav[aria-label=Grouping] a:has-text('Team')")
    await reader.page.wait_for_url("**/books?*by=team*")
    rows = reader.page.locator("[aria-label=Sums] tbody tr")
    assert await rows.locator("td:first-child").all_inner_texts() == ["(no team)"]
    parts, whole = rows.locator("td:nth-child(2)"), reader.page.locator("tfoot td").first
    numbers = [int(text.replace(",", "")) for text in await parts.all_inner_texts()]
    assert sum(numbers) == int((await whole.inner_text()).replace(",", ""))
    assert await reader.findings(EVERYTHING) == []


async def test_figures_that_zoom_are_drawn(reader: Reader) -> None:
    await reader.open("books")
    await reader.page.wait_for_selector("figure .uplot canvas")


async def test_a_key_is_made_shown_once_and_revoked(reader: Reader, gateway: Gateway) -> None:
    """The last: from then on the gateway asks everybody for one."""
    await reader.open("settings")
    await reader.page.click("summary:has-text('Make a key')")
    await reader.page.fill("input[name=name]", EVIL[0])
    await reader.page.select_option("select[name=console]", "viewer")
    await reader.page.click("button:has-text('Make it')")
    secret = await reader.page.inner_text("#secret")
    assert secret.startswith("sk-ss-")
    await reader.open("settings")
    assert secret not in await reader.page.content()
    await reader.page.click("button.danger")
    await reader.page.wait_for_selector("[role=status]:has-text('is revoked')")
    assert secret not in (gateway.home / "changes.log").read_text()
