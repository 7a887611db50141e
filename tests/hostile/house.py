"""Gateways to attack: one without keys, one with two tenants, one with single sign-on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hostile.wire import CHAT, Headers, Reply, request, said, talk
from tests.server.conftest import Gateway, running_gateway
from tests.server.test_sign_on import SSO
from tests.sso.provider import CLI, CLIENT, SECRET, LocalProvider

LIMITS = """
[server.limits]
stall_seconds = 1
head_seconds = 1
"""
CACHE = """
[cache]
use = "asked"
"""


@dataclass
class House:
    """`keys`: secrets by name. alice and ann are tenant a's, bob is tenant b's, local may use the
    model `small` alone, rated may ask three times a minute, gone is revoked, viewer and operator
    open the console for tenant b."""

    gateway: Gateway
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    provider: LocalProvider | None = None

    @property
    def port(self) -> int:
        return int(self.gateway.url.rsplit(":", 1)[1])

    @property
    def admin(self) -> Headers:
        return [*self.gateway.admin.items()]

    def bearer(self, name: str = "alice") -> tuple[str, str]:
        return ("authorization", f"Bearer {self.keys[name]}")

    def spent(self) -> int:
        """How many requests have reached a model."""
        return len(self.gateway.local.received) + len(self.gateway.frontier.received)

    async def ask(
        self, method: str, target: str, headers: Headers = (), body: Any = None, **more: Any
    ) -> Reply:
        """One request by hand, and its reply."""
        host = more.pop("host", f"127.0.0.1:{self.port}")
        raw = request(method, target, headers, body, host=host)
        bodiless = method == "HEAD"
        return (await talk(self.port, raw, bodiless=bodiless, **more))[0]

    async def chat(
        self, text: str, headers: Headers = (), key: str = "alice", **more: Any
    ) -> Reply:
        bearer = [self.bearer(key)] if key else []
        return await self.ask("POST", CHAT, [*bearer, *headers], said(text, **more))

    async def refused(self, reply: Awaitable[Reply], *statuses: int) -> Reply:
        """Refused with one of `statuses` (any 4xx when none is given), and nothing was spent."""
        before = self.spent()
        got = await reply
        assert got.status in statuses if statuses else 400 <= got.status < 500, str(got)
        assert self.spent() == before, "a model was asked"
        return got


Case = Callable[[House], Awaitable[None]]


class Cases:
    """A list of cases by name."""

    def __init__(self) -> None:
        self.all: dict[str, Case] = {}

    def __call__(self, name: str) -> Callable[[Case], Case]:
        def add(case: Case) -> Case:
            assert name not in self.all, name
            self.all[name] = case
            return case

        return add

    async def wrong(self, house: House, only: str = "") -> dict[str, str]:
        """Name -> what was wrong, of those that were."""
        found = {}
        for name, case in self.all.items():
            if only not in name:
                continue
            try:
                async with asyncio.timeout(30):
                    await case(house)
            except Exception as error:
                found[name] = f"{type(error).__name__}: {error}"
        return found


@asynccontextmanager
async def open_house(home: Path) -> AsyncIterator[House]:
    """Without keys, as it is after `shortstop serve`."""
    async with running_gateway(home, more=LIMITS) as gateway:
        yield House(gateway)


@asynccontextmanager
async def keyed_house(home: Path) -> AsyncIterator[House]:
    async with running_gateway(home, more=LIMITS + CACHE) as gateway:
        house = House(gateway)
        await _make_keys(house)
        yield house


async def _make_keys(house: House) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "alice": {"tenant": "a"},
        "ann": {"tenant": "a"},
        "bob": {"tenant": "b"},
        "local": {"tenant": "c", "targets": ["small"]},
        "rated": {"tenant": "d", "rpm": 3},
        "gone": {"tenant": "e"},
        "viewer": {"tenant": "b", "console": "viewer"},
        "operator": {"tenant": "b", "console": "operator"},
        '<img src=x onerror="alert(1)">': {"tenant": '"><svg onload=alert(1)>'},
    }
    for name, more in wanted.items():
        made = await house.ask("POST", "/admin/keys", house.admin, {"name": name, **more})
        assert made.status == 201, str(made)
        house.keys[name], house.ids[name] = made.json["secret"], made.json["id"]
    gone = await house.ask("DELETE", f"/admin/keys/{house.ids['gone']}", house.admin)
    assert gone.status == 200, str(gone)


@asynccontextmanager
async def signing_house(home: Path) -> AsyncIterator[House]:
    os.environ["SSO_SECRET"] = SECRET
    async with (
        LocalProvider().running() as provider,
        running_gateway(home, 'auth = "required"') as gateway,
    ):
        told = {"issuer": provider.url, "client": CLIENT, "cli": CLI, "url": gateway.url}
        gateway.configure('auth = "required"', SSO.format(**told))
        house = House(gateway, provider=provider)
        reloaded = await house.ask("POST", "/admin/reload", house.admin)
        assert reloaded.status == 200, str(reloaded)
        yield house
