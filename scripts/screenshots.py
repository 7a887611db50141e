"""Pictures of the console for the README and the docs: `make screenshots`.

A gateway serves the rows of `tests/console/seeded.py`, without the hostile ones, and a browser
looks at its pages. Needs Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright
from tests.console.seeded import seed
from tests.server.conftest import running_gateway

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs" / "img"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SHOTS = {
    "console-today": ("today?days=7", 1280, 900, "light"),
    "console-trace": ("traces/seed-00389", 1280, 1100, "light"),
    "console-tasks": ("tasks", 1280, 560, "dark"),
    "console-books": ("books", 1280, 1000, "dark"),
    "console-narrow": ("today?days=7", 380, 900, "dark"),
}
"""Path, width, height and scheme of each."""


async def main() -> None:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("There is no browser here: apt-get install chromium.")
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        seed(home, 400, hostile_too=False)
        async with running_gateway(home) as gateway, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
            token = gateway.admin["authorization"].removeprefix("Bearer ")
            for name in SHOTS:
                await shoot(browser, gateway.url, token, name)
            await browser.close()


async def shoot(browser: Browser, url: str, token: str, name: str) -> None:
    path, width, height, scheme = SHOTS[name]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await page.goto(f"{url}/console/")
    await page.fill("#key", token)
    await page.press("#key", "Enter")
    await page.wait_for_url("**/today")
    await page.goto(f"{url}/console/{path}", wait_until="networkidle")
    await page.screenshot(path=OUT / f"{name}.png")
    await context.close()
    print(f"docs/img/{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
