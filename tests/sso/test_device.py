"""Device authorization over HTTP, with a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shortstop.errors import SignOnRefused, SignOnUnavailable
from shortstop.serving.identity import IdentityFetch
from shortstop.sso import DeviceOffer
from shortstop.sso.device import SLOWER_SECONDS, DeviceLogin
from tests.sso.provider import CLI, LocalProvider


class Waiting:
    """`says` is what the provider's person does while it is waited for, pause by pause."""

    def __init__(self, local: LocalProvider, *says: str) -> None:
        self.local = local
        self.says = [*says]
        self.pauses: list[float] = []

    def time(self) -> float:
        return sum(self.pauses)

    monotonic = time

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.local.fault = ""
        said = self.says.pop(0) if self.says else "pending"
        if said in ("away", "busy"):
            self.local.fault = said
            return
        self.local.devices = dict.fromkeys(self.local.devices, said)


@pytest_asyncio.fixture
async def local() -> AsyncIterator[LocalProvider]:
    async with LocalProvider().running() as running:
        running.user, running.interval = {"sub": "ada"}, 5
        yield running


def login(local: LocalProvider, waiting: Waiting, client: str = CLI) -> DeviceLogin:
    offer = DeviceOffer(
        local.url, client, f"{local.url}/device", f"{local.url}/token", ("openid", "email")
    )
    return DeviceLogin(offer, IdentityFetch(30, {}), waiting, waiting.sleep)


async def test_who_signs_in_in_a_browser_is_signed_in(local: LocalProvider) -> None:
    waiting = Waiting(local, "pending", "slow_down", "away", "busy", "done")
    asked = login(local, waiting)
    code = await asked.begin()
    assert (code.user_code, code.verification_uri) == ("WDJB-MJHT", f"{local.url}/activate")
    assert await asked.finish(code) == local.issued[0]
    slower = 5 + SLOWER_SECONDS
    assert waiting.pauses == [5, 5, slower, 2 * slower, 4 * slower], (
        "as the provider asks, and less when it is away or busy"
    )


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        ({"interval": "7", "expires_in": "600"}, 7),
        ({"interval": None}, SLOWER_SECONDS),
        ({"verification_uri_complete": "https://id.example/?code=WDJB-MJHT"}, 5),
    ],
)
async def test_a_code_comes_in_the_shapes_that_there_are(
    local: LocalProvider, answer: dict[str, Any], pause: float
) -> None:
    local.device_answer = answer
    waiting = Waiting(local, "done")
    asked = login(local, waiting)
    code = await asked.begin()
    assert code.verification_uri_complete == answer.get("verification_uri_complete")
    assert await asked.finish(code) == local.issued[0]
    assert waiting.pauses == [pause]


async def test_what_is_missing_in_a_code_is_named(local: LocalProvider) -> None:
    local.device_answer = {"device_code": 7}
    with pytest.raises(SignOnUnavailable, match=r"a code for a device: .*device_code"):
        await login(local, Waiting(local)).begin()


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("denied", "refused in the browser"),
        ("declined", "refused in the browser"),
        ("expired", "in time"),
        ("secret", "invalid_client.*must be public"),
    ],
)
async def test_a_no_is_said(local: LocalProvider, says: str, told: str) -> None:
    asked = login(local, Waiting(local, says))
    with pytest.raises(SignOnRefused, match=told):
        await asked.finish(await asked.begin())


async def test_nobody_is_waited_for_for_ever(local: LocalProvider) -> None:
    waiting = Waiting(local)
    asked = login(local, waiting)
    with pytest.raises(SignOnRefused, match="in time"):
        await asked.finish(await asked.begin())
    assert 590 <= waiting.time() <= 600


async def test_a_client_that_may_not_is_named(local: LocalProvider) -> None:
    with pytest.raises(SignOnRefused, match="unauthorized_client"):
        await login(local, Waiting(local), "another").begin()
    local.fault = "garbage"
    with pytest.raises(SignOnUnavailable, match="is not a code for a device"):
        await login(local, Waiting(local)).begin()
