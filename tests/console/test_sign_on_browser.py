"""Single sign-on in a real browser, at a provider of another site: what cookies and redirects do
there, no client of ours can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.console.test_browser import AXE, BROWSER, COLOURS, PATIENCE
from tests.server.test_sign_on import of, signing
from tests.sso.provider import LocalProvider

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(BROWSER is None, reason="no browser: apt-get install chromium"),
]


@pytest_asyncio.fixture(loop_scope="module")
async def elsewhere() -> AsyncIterator[LocalProvider]:
    """`localhost` is another site than 127.0.0.1."""
    async with LocalProvider().running("localhost") as running:
        running.user = of("gw-admins")
        yield running


async def test_somebody_signs_in_sees_what_they_wanted_and_logs_out(
    elsewhere: LocalProvider, tmp_path: Path
) -> None:
    async with signing(tmp_path, elsewhere) as gateway, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        context = await browser.new_context(viewport={"width": 360, "height": 900})
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{gateway.url}/console/books?by=tenant")
        await page.evaluate(AXE)
        found = await page.evaluate("(options) => axe.run(document, options)", COLOURS)
        assert found["violations"] == []
        await page.click("text=Sign in with single sign-on")
        await page.wait_for_url(f"{elsewhere.url}/authorize?*")
        await page.click("#in")
        await page.wait_for_url("**/console/books?by=tenant")
        assert await page.locator("h1").inner_text() == "Books"
        assert "ada@acme.example" in await page.locator("body").inner_text()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await page.goto(f"{gateway.url}/console/settings")
        await page.click("details:has(input[name=name]) > summary")
        await page.fill("input[name=name]", "by a browser")
        await page.press("input[name=name]", "Enter")
        await page.wait_for_selector("text=for by a browser is made")
        kept = {cookie["name"]: cookie for cookie in await context.cookies()}
        assert set(kept) == {"shortstop_console"}
        assert kept["shortstop_console"]["sameSite"] == "Strict"
        await page.click("text=Log out")
        await page.wait_for_url("**/console/login*")
        assert await context.cookies() == []
        assert complaints == []
        await browser.close()
