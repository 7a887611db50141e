"""What operators ask of a running gateway over HTTP: why, what was recorded, all of it as files."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import aiohttp
import pyarrow.parquet as pq
import pytest
import pytest_asyncio

from shortstop.privacy.audit import records
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.traces.document import encode
from shortstop.traces.rows import row
from tests.server.conftest import Gateway, running_gateway
from tests.traces.example import trace

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "My card is 4111 1111 1111 1111, my IBAN DE89 3704 0044 0532 0130 00."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running_gateway(
        tmp_path_factory.mktemp("operators"),
        server='auth = "required"',
        more='[privacy.terms]\nacme = ["bluebird"]',
    ) as running:
        yield running


async def make_key(gateway: Gateway, name: str, **more: Any) -> tuple[str, dict[str, str]]:
    """Its id, and the headers that show it."""
    body = {"name": name, **more}
    async with gateway.http.post("/admin/keys", json=body, headers=gateway.admin) as answer:
        made = await answer.json()
    return made["id"], {"authorization": f"Bearer {made['secret']}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def user(gateway: Gateway) -> dict[str, str]:
    return (await make_key(gateway, "user", tenant="acme"))[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def operator(gateway: Gateway) -> dict[str, str]:
    made = await make_key(
        gateway, "op", tenant="acme", console="operator", budget_usd="0.01", rpm=50
    )
    return made[1]


async def ask(
    gateway: Gateway, path: str, body: dict[str, Any], headers: dict[str, str]
) -> tuple[int, Any]:
    async with gateway.http.post(path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


def chat(text: str, model: str = "auto") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 5}


# ------------------------------------------------------------ why


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", chat("Which team handles refunds?")),
        ("/v1/messages", chat("Which team handles refunds?")),
        ("/v1/responses", {"model": "auto", "input": "Which team handles refunds?"}),
    ],
)
async def test_an_operator_is_told_what_would_be_decided(
    gateway: Gateway, operator: dict[str, str], path: str, body: dict[str, Any]
) -> None:
    asked = len(gateway.local.received), len(gateway.frontier.received)
    for headers in (gateway.admin, operator):
        status, told = await ask(gateway, f"{path}?explain=1", body, headers)
        assert status == 200, told
        assert told["decision"]["plan"] == ["big", "small"]
        assert {one["target"] for one in told["targets"]} == {"big", "small"}
        assert {"score", "usd", "seconds", "known"} <= set(told["targets"][0])
    assert (len(gateway.local.received), len(gateway.frontier.received)) == asked


async def test_explaining_costs_nothing_and_leaves_nothing(
    gateway: Gateway, operator: dict[str, str]
) -> None:
    """No row, no money set aside, no tier that sticks to the conversation, no kept answer."""
    one = {**operator, "x-shortstop-conversation": "dry", "idempotency-key": "dry-1"}
    before = gateway.rows()
    _, told = await ask(gateway, "/v1/chat/completions?explain=1", chat(SECRET), one)
    assert told["decision"]["plan"] == ["small"]
    assert told["privacy"]["tier"] >= 2
    assert all(
        "must stay on this machine" in t["barred"] for t in told["targets"] if not t["local"]
    )
    _, again = await ask(gateway, "/v1/chat/completions?explain=1", chat("hello"), one)
    assert again["privacy"]["tier"] == 0
    async with gateway.http.get("/admin/keys", headers=gateway.admin) as answer:
        (key,) = [key for key in (await answer.json())["data"] if key["name"] == "op"]
    async with gateway.http.get(f"/admin/keys/{key['id']}", headers=gateway.admin) as answer:
        balance = await answer.json()
    assert (balance["spent_usd"], balance["held_usd"]) == ("0", "0")
    status, _ = await ask(gateway, "/v1/chat/completions", chat("!say answered", "small"), one)
    assert status == 200
    assert len(gateway.rows()) <= len(before) + 1


async def test_what_would_be_refused_says_why(gateway: Gateway) -> None:
    body = chat("hello", "unheard-of")
    status, told = await ask(gateway, "/v1/chat/completions?explain=1", body, gateway.admin)
    assert (status, told["decision"]) == (200, None)
    assert "unheard-of" in told["refused"]


async def test_explaining_is_for_operators(gateway: Gateway, user: dict[str, str]) -> None:
    status, told = await ask(gateway, "/v1/chat/completions?explain=1", chat("hello"), user)
    assert (status, told["error"]["message"].partition(" Send")[0]) == (
        403,
        "This is for operators.",
    )
    status, told = await ask(gateway, "/v1/messages?explain=1", chat("hello"), {})
    assert (status, told["type"]) == (401, "error")
    status, told = await ask(gateway, "/v1/chat/completions?explain=0", chat("!say hi"), user)
    assert told["choices"][0]["message"]["content"] == "hi"


async def test_an_administrator_says_whose_request_it_is(
    gateway: Gateway, operator: dict[str, str]
) -> None:
    """What is a secret word of one tenant is none of another's."""
    tiers = {}
    for headers, tenant in ((gateway.admin, "acme"), (gateway.admin, "other"), (operator, "other")):
        path = f"/v1/chat/completions?explain=1&tenant={tenant}"
        _, told = await ask(gateway, path, chat("about project bluebird"), headers)
        tiers[headers is operator, tenant] = told["privacy"]["tier"]
    assert tiers[False, "acme"] > tiers[False, "other"]
    assert tiers[True, "other"] == tiers[False, "acme"], "an operator's tenant is its own"


# ------------------------------------------------------------ what was recorded


async def look(gateway: Gateway, path: str, headers: dict[str, str]) -> tuple[int, Any]:
    async with gateway.http.get(path, headers=headers) as answer:
        return answer.status, await answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def overseer(gateway: Gateway) -> dict[str, str]:
    """An operator of the tenant whose rows are looked at."""
    return (await make_key(gateway, "overseer", tenant="post", console="operator"))[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(gateway: Gateway) -> list[str]:
    """The ids of twelve rows of that tenant, oldest first, all of them written."""
    _, clerk = await make_key(gateway, "clerk", tenant="post")
    ids = []
    for number in range(12):
        tag = {**clerk, "x-shortstop-tag": "nightly" if number % 3 == 0 else "daily"}
        body = chat(f"!say Write to jane.doe@acme-corp.com, {number}")
        async with gateway.http.post("/v1/chat/completions", json=body, headers=tag) as answer:
            assert answer.status == 200
            ids.append(answer.headers["x-request-id"])
    async with asyncio.timeout(10):
        while (await look(gateway, f"/admin/traces/{ids[-1]}", gateway.admin))[0] != 200:
            await asyncio.sleep(0)
    return ids


async def pages(gateway: Gateway, query: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        status, page = await look(gateway, f"/admin/traces?{query}{cursor}", headers)
        assert status == 200, page
        found += page["data"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def test_rows_are_found_in_pages_by_every_filter(
    gateway: Gateway, recorded: list[str], overseer: dict[str, str]
) -> None:
    all_of_them = await pages(gateway, "limit=5&tenant=post&outcome=ok", gateway.admin)
    assert [row["id"] for row in all_of_them] == recorded[::-1]
    assert "jane" not in json.dumps(all_of_them)
    nightly = await pages(gateway, "tag=nightly&limit=2", overseer)
    assert [row["id"] for row in nightly] == recorded[::3][::-1]
    key = all_of_them[0]["key"]
    assert len(await pages(gateway, f"key_id={key}&outcome=ok&since=1h", gateway.admin)) == 12
    assert await pages(gateway, f"key_id={key}&until=1h", gateway.admin) == []


async def test_what_was_said_is_shown_on_demand_and_written_down(
    gateway: Gateway, recorded: list[str], overseer: dict[str, str]
) -> None:
    path = f"/admin/traces/{recorded[0]}"
    _, bare = await look(gateway, path, overseer)
    assert (bare["content"], bare["trace"]["request"]) == ("none", None)
    _, masked = await look(gateway, f"{path}?content=masked", overseer)
    assert "Write to [" in json.dumps(masked["trace"]["request"])
    assert "jane" not in json.dumps(masked)
    status, refused = await look(gateway, f"{path}?content=full", overseer)
    assert (status, "content=masked" in refused["error"]["message"]) == (403, True)
    _, whole = await look(gateway, f"{path}?content=full", gateway.admin)
    assert "jane.doe@acme-corp.com" in json.dumps(whole["trace"]["response"])
    noted = [record.event.detail for record in records(gateway.home / "changes.log")]
    assert noted.count(f"overseer: read content of {recorded[0]}") == 1
    assert noted.count(f"admin token: read content of {recorded[0]}") == 1


@pytest.mark.parametrize(
    "wrong",
    ["tsk=mail", "limit=0", "limit=1001", "limit=x", "cursor=no", "cursor=nan:1", "outcome=good",
     "since=soon"],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(gateway: Gateway, wrong: str) -> None:
    """A filter that is misspelt would otherwise leave nothing out."""
    status, told = await look(gateway, f"/admin/traces?{wrong}", gateway.admin)
    assert (status, told["error"]["type"]) == (400, "invalid_request_error")


async def test_rows_are_for_operators_and_of_their_own_tenant(
    gateway: Gateway, recorded: list[str], user: dict[str, str]
) -> None:
    _, other = await make_key(gateway, "elsewhere", tenant="other", console="operator")
    for path in ("/admin/traces", "/admin/traces/export", f"/admin/traces/{recorded[0]}"):
        assert (await look(gateway, path, user))[0] == 403
        assert (await look(gateway, path, {}))[0] == 401
    assert (await look(gateway, f"/admin/traces/{recorded[0]}", other))[0] == 404
    assert await pages(gateway, "", other) == []
    assert (await look(gateway, "/admin/traces?tenant=post", other))[0] == 403


async def export(gateway: Gateway, query: str, headers: dict[str, str]) -> tuple[int, bytes]:
    async with gateway.http.get(f"/admin/traces/export?{query}", headers=headers) as answer:
        return answer.status, await answer.read()


async def test_all_rows_are_had_as_a_file(
    gateway: Gateway, recorded: list[str], overseer: dict[str, str]
) -> None:
    status, lines = await export(gateway, "tenant=post&outcome=ok&content=full", gateway.admin)
    rows = [json.loads(line) for line in lines.splitlines()]
    assert (status, [row["id"] for row in rows]) == (200, recorded)
    assert b"jane.doe@acme-corp.com" in lines
    _, masked = await export(gateway, "content=masked&outcome=ok", overseer)
    assert len(masked.splitlines()) == 12
    assert b"jane" not in masked
    _, table = await export(gateway, "format=parquet&outcome=ok", overseer)
    assert pq.read_table(io.BytesIO(table)).column("id").to_pylist() == recorded
    status, refused = await export(gateway, "format=openai", gateway.admin)
    assert (status, b"teacher" in refused) == (400, True)


async def test_an_export_that_breaks_is_not_taken_for_a_whole_one(gateway: Gateway) -> None:
    """The file goes away while it is read; what was read before was not held in memory."""
    path, rows = gateway.home / "traces.db", SqliteRows(gateway.home / "traces.db")
    said = {"messages": [{"role": "user", "content": "x" * 40_000}]}
    made = [trace(f"bulk-{n}", tenant="bulk", request=said) for n in range(600)]
    with closing(rows):
        rows.insert([row(one, encode(one, one.request, None)) for one in made])
    query = "/admin/traces/export?tenant=bulk&content=full"
    async with gateway.http.get(query, headers=gateway.admin) as answer:
        assert answer.status == 200
        assert (await answer.content.readany()).startswith(b'{"id":"bulk-0"')
        path.rename(path.with_suffix(".away"))
        try:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        finally:
            path.with_suffix(".away").rename(path)
    await gateway.logged(b"an export was cut off")
    status, told = await export(gateway, "tenant=bulk", gateway.admin)
    assert (status, len(told.splitlines())) == (200, 600)
