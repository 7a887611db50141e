"""Models by aliases and patterns, through the gateway: opened, billed, listed, missed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from shortstop.accounts import Grant
from shortstop.app.naming import MOST_UNLISTED
from shortstop.dialects.embeddings import decode_request
from shortstop.errors import NotFound, QuotaExceeded, ShortstopError
from shortstop.types import UNMETERED, Caller
from tests.app.parts import Home
from tests.app.test_gateway import asked, running
from tests.server.scripted import ScriptedModel

OPEN = """
[models.small]
url = "{url}"
[upstreams.vendor]
base_url = "{url}"
models = ["*"]
discover = false
[prices."*-cheap"]
input = 1
output = 2
[aliases]
fast = "small"
"gpt-*" = "big-cheap"
"""


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel().running() as scripted:
        yield scripted


async def test_an_alias_is_the_model_it_stands_for(home: Home, model: ScriptedModel) -> None:
    async with running(home, OPEN.format(url=model.url)) as gateway:
        answer = await gateway.answer(asked(model="fast"), Caller(), UNMETERED)
        assert answer.target == "small"
        answer = await gateway.answer(asked(model="gpt-9-2027"), Caller(), UNMETERED)
        assert answer.target == "big-cheap"
        assert model.bodies[-1]["model"] == "big-cheap"
        assert await gateway.count_tokens(asked(model="fast"), Caller()) > 0


async def test_a_model_that_a_pattern_allows_needs_no_table(
    home: Home, model: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(home, OPEN.format(url=model.url)) as gateway:
        priced = await gateway.answer(asked(model="x-cheap"), Caller(), UNMETERED)
        unknown = await gateway.answer(asked(model="who-knows"), Caller(), UNMETERED)
        assert priced.bill is not None
        assert priced.bill.cost == Decimal("0.00002"), "10 tokens in at $1, 5 out at $2 a million"
        assert unknown.bill is not None
        assert unknown.bill.cost is None, "never zero"
        assert [r.message for r in caplog.records if "no price is known for who-knows" in r.message]
        auto = await gateway.answer(asked(model="auto"), Caller(), UNMETERED)
        assert auto.target == "small", "Shortstop chooses none of them"
        embedded = decode_request({"model": "text-embedding-9", "input": ["a"]})
        made = await gateway.embed(embedded, "req_2", Caller(), UNMETERED)
        assert made.target == "text-embedding-9"


async def test_many_who_name_the_same_model_open_it_once(home: Home, model: ScriptedModel) -> None:
    async with running(home, OPEN.format(url=model.url)) as gateway:
        before = gateway._runtime
        answers = [gateway.answer(asked(model="new"), Caller(), UNMETERED) for _ in range(20)]
        assert {a.target for a in await asyncio.gather(*answers)} == {"new"}
        assert len(gateway._reloader._retiring) == 1
        assert gateway._runtime.learned.state is before.learned.state


async def test_a_budget_needs_a_price_and_a_key_its_models(
    home: Home, model: ScriptedModel
) -> None:
    async with running(home, OPEN.format(url=model.url)) as gateway:
        secret, _ = gateway.accounts.create(Grant(name="a", budget_usd=Decimal(1)))
        with pytest.raises(QuotaExceeded, match="unknown"):
            await gateway.answer(asked(model="new"), gateway.identify(secret), UNMETERED)
        secret, _ = gateway.accounts.create(Grant(name="b", targets=("small",)))
        with pytest.raises(ShortstopError, match="only: small"):
            await gateway.answer(asked(model="new2"), gateway.identify(secret), UNMETERED)


async def test_names_without_end_are_refused_at_last(home: Home, model: ScriptedModel) -> None:
    async with running(home, OPEN.format(url=model.url)) as gateway:
        for i in range(MOST_UNLISTED):
            await gateway._called(f"m{i}")
        with pytest.raises(NotFound):
            await gateway.answer(asked(model="one-more"), Caller(), UNMETERED)
        assert (await gateway.answer(asked(model="m3"), Caller(), UNMETERED)).target == "m3"


# ------------------------------------------------------------ what upstreams say they have


class ListingVendor:
    """Answers `GET /v1/models` with `body`, and nothing else."""

    def __init__(self) -> None:
        self.body = b""
        self.asked: list[bytes] = []

    def lists(self, *rows: object) -> None:
        self.body = json.dumps({"data": rows}).encode()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(self.body)
        writer.write(head + self.body)
        writer.close()


def vendor(url: str, dialect: str = "openai") -> str:
    upstream = f'[upstreams.vendor]\nbase_url = "{url}"\ndialect = "{dialect}"\npatterns = ["*"]\n'
    return f'[models.small]\nurl = "{url}"\n{upstream}[upstreams.vendor.models.listed]\n'


async def test_what_an_upstream_lists_is_offered_and_what_vanishes_is_told(
    home: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = ListingVendor()
    there.lists({"id": "listed"}, {"id": "gpt-5.2"}, {"id": "own", "max_model_len": 4096})
    async with there.running() as url, running(home, vendor(url)) as gateway:
        offers = gateway._resources.offers
        await offers.refresh(gateway.config(), {})
        assert gateway.targets["own"].context == 4096
        assert gateway.targets["gpt-5.2"].context == 400_000, "from the dated table"
        assert gateway.notices == {}
        there.lists({"id": "gpt-5.2"})
        monkeypatch.setattr("shortstop.app.offers.FRESH_SECONDS", 0.0)
        monkeypatch.setattr("shortstop.app.offers.RETRY_SECONDS", 0.0)
        await offers.refresh(gateway.config(), {})
        assert "own" not in gateway.targets
        assert list(gateway.notices) == ["listed"]
        assert "does not list the model listed" in caplog.text
        assert set(there.asked) == {b"GET /v1/models HTTP/1.1"}
    async with running(home, vendor(url)) as again:
        assert "gpt-5.2" in again.targets, "remembered, though nobody answers now"


@pytest.mark.parametrize(
    "body", [b"<html>not here</html>", b'{"data": ' + b" " * 5_000_000 + b"[]}", b"[" * 5_000]
)
async def test_garbage_in_place_of_a_list_changes_nothing(
    home: Home, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    there = ListingVendor()
    there.body = body
    async with there.running() as url, running(home, vendor(url, "anthropic")) as gateway:
        await gateway._resources.offers.refresh(gateway.config(), {})
        assert "the models of [upstreams.vendor] are not known" in caplog.text
        assert gateway._runtime.foundation.naming.opening("any") is not None, (
            "names go on to be taken"
        )
        assert there.asked[0] == b"GET /v1/models?limit=1000 HTTP/1.1"


async def test_a_damaged_file_of_lists_is_done_without(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    (home.folder / "offers.json").write_bytes(b'{"vendor": 7}\xff')
    async with running(home, vendor("http://127.0.0.1:9")) as gateway:
        assert "done without" in caplog.text
        assert "listed" in gateway.targets
