"""Batches as OpenAI's own client makes them, of a real gateway, and whatever else is sent to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai.types import Batch

from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE = """
[models.single]
url = "{url}"
slots = 1
[batches]
max_file_mb = 3
[upstreams.vendor.models.vectors]
abilities = ["embeddings"]
price = "text-embedding-3-small"
"""
MANY = "[batches]\nconcurrency = 32"
CHAT = "/v1/chat/completions"
SECRET = "DE89 3704 0044 0532 0130 00"
ENDED = ("completed", "failed", "expired", "cancelled")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(shared_home: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(shared_home) as running:
        running.configure("", MORE.format(url=running.local.url))
        async with running.http.post("/admin/reload", headers=running.admin) as answer:
            assert answer.status == 200, await answer.text()
        yield running


@asynccontextmanager
async def client_of(gateway: Gateway, key: str = "none") -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as client:
        yield client


def chat(name: str, said: str, model: str = "small") -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": said}]}
    return {"custom_id": name, "method": "POST", "url": CHAT, "body": body}


async def begun(
    client: AsyncOpenAI, lines: Iterable[Any], endpoint: Any = CHAT, **more: Any
) -> Batch:
    content = b"\n".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines
    )
    file = await client.files.create(file=("in.jsonl", content), purpose="batch")
    return await client.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more
    )


async def until(client: AsyncOpenAI, batch: Batch, *statuses: str, answers: int = 0) -> Batch:
    async with asyncio.timeout(60):
        while True:
            batch = await client.batches.retrieve(batch.id)
            assert batch.request_counts is not None
            done = batch.request_counts.completed + batch.request_counts.failed
            if batch.status in (statuses or ENDED) and done >= answers:
                return batch
            await asyncio.sleep(0.02)


async def read(client: AsyncOpenAI, id: str | None) -> list[dict[str, Any]]:
    assert id is not None
    text = (await client.files.content(id)).text
    return [json.loads(line) for line in text.splitlines()]


def said(line: dict[str, Any]) -> str:
    text = line["response"]["body"]["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


# ---------------------------------------------------------------- as documented


async def test_the_official_client_gets_what_it_expects(gateway: Gateway) -> None:
    lines = [*[chat(f"r{i}", f"!say {i}") for i in range(10)], chat("bad", "!status 400")]
    async with client_of(gateway) as client:
        batch = await begun(client, lines, metadata={"for": "a test"})
        assert batch.object == "batch"
        assert batch.status == "validating"
        assert batch.metadata == {"for": "a test"}
        ended = await until(client, batch)
        assert ended.status == "completed"
        counts = ended.request_counts
        assert counts is not None
        assert (counts.total, counts.completed, counts.failed) == (11, 10, 1)
        assert ended.created_at <= (ended.in_progress_at or 0) <= (ended.completed_at or 0)
        assert ended.expires_at == ended.created_at + 86_400
        output = await read(client, ended.output_file_id)
        assert [(one["custom_id"], said(one)) for one in output] == [
            (f"r{i}", str(i)) for i in range(10)
        ]
        assert len({one["id"] for one in output}) == 10
        [failed] = await read(client, ended.error_file_id)
        assert failed["custom_id"] == "bad"
        assert failed["response"]["status_code"] == 400
        assert failed["response"]["body"]["error"]["message"]


async def test_files_and_batches_are_listed_in_pages(gateway: Gateway) -> None:
    async with client_of(gateway) as client:
        async for file in client.files.list():
            await client.files.delete(file.id)
        earlier = {batch.id async for batch in client.batches.list()}
        batches = [await begun(client, [chat("r", "!say x")]) for _ in range(3)]
        for batch in batches:
            await until(client, batch)
        listed = [batch.id async for batch in client.batches.list(limit=2)]
        assert len(listed) == len(set(listed))
        assert set(listed) - earlier == {batch.id for batch in batches}
        files = [file async for file in client.files.list(limit=2, order="asc")]
        assert len(files) == 6
        uploads = [file async for file in client.files.list(purpose="batch")]
        assert {file.id for file in uploads} == {batch.input_file_id for batch in batches}
        assert [file async for file in client.files.list(purpose="assistants")] == []
        for file in files:
            deleted = await client.files.delete(file.id)
            assert (deleted.id, deleted.deleted) == (file.id, True)
        assert [file async for file in client.files.list()] == []
        with pytest.raises(openai.NotFoundError):
            await client.files.retrieve(files[0].id)


async def test_every_route_to_models_takes_lines(gateway: Gateway) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "/v1/responses": {"model": "small", "input": "!say yes"},
        "/v1/completions": {"model": "small", "prompt": "!say yes"},
        "/v1/embeddings": {"model": "vectors", "input": ["a", "b"]},
    }
    async with client_of(gateway) as client:
        for endpoint, body in bodies.items():
            line = {"custom_id": "r", "method": "POST", "url": endpoint, "body": body}
            ended = await until(client, await begun(client, [line], endpoint))
            assert ended.status == "completed", ended.errors
            [output] = await read(client, ended.output_file_id)
            assert output["response"]["body"]["object"] in (
                "response", "text_completion", "list",
            )  # fmt: skip


async def test_a_file_comes_back_byte_for_byte_and_expires(gateway: Gateway) -> None:
    content = b'\n \n{"a": "\xc3\xa9"}\r\n\n{}'
    async with client_of(gateway) as client:
        file = await client.files.create(
            file=("x.jsonl", content), purpose="batch",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )  # fmt: skip
        assert (file.bytes, file.filename, file.purpose) == (len(content), "x.jsonl", "batch")
        assert file.expires_at is not None
        assert 3598 <= file.expires_at - file.created_at <= 3602
        assert (await client.files.content(file.id)).content == content


async def test_clients_come_first(gateway: Gateway) -> None:
    """With one slot: what a batch has there waits until the client has its answer."""
    gateway.local.go.clear()
    async with client_of(gateway) as client:
        batch = await begun(client, [chat("r", "!wait later", "single")])
        async with asyncio.timeout(30):
            while not any(b"!wait later" in received for received in gateway.local.received):
                await asyncio.sleep(0.02)
        answer = await client.chat.completions.create(
            model="single", messages=[{"role": "user", "content": "!say now"}], timeout=20
        )
        assert answer.choices[0].message.content == "now"
        assert (await client.batches.retrieve(batch.id)).status == "in_progress"
        gateway.local.go.set()
        ended = await until(client, batch)
        [output] = await read(client, ended.output_file_id)
        assert said(output) == "later"


# ---------------------------------------------------------------- what goes wrong


async def test_mistakes_of_a_file_are_told_by_line(gateway: Gateway) -> None:
    wrong = [
        chat("a", "hello"),
        b"{oops",
        chat("a", "again"),
        {**chat("c", "hello"), "url": "/v1/embeddings"},
        b"",
        chat("d", "hello", "gpt-unheard-of"),
        {**chat("e", "hello"), "method": "GET"},
        {"custom_id": "f", "method": "POST", "url": CHAT},
    ]
    before = len(gateway.local.received)
    async with client_of(gateway) as client:
        ended = await until(client, await begun(client, wrong))
    assert ended.status == "failed"
    assert ended.failed_at is not None
    assert ended.errors is not None
    assert [(one.line, one.code) for one in ended.errors.data or []] == [
        (2, "invalid_json_line"),
        (3, "duplicate_custom_id"),
        (4, "invalid_url"),
        (6, "model_not_found"),
        (7, "invalid_method"),
        (8, "missing_required_parameter"),
    ]
    assert len(gateway.local.received) == before


async def test_what_cannot_be_is_refused_in_openais_form(gateway: Gateway) -> None:
    async with client_of(gateway) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.files.create(file=b"{}", purpose="assistants")
        assert refused.value.param == "purpose"
        with pytest.raises(openai.BadRequestError, match="empty"):
            await client.files.create(file=b"", purpose="batch")
        with pytest.raises(openai.NotFoundError) as lost:
            await client.batches.create(
                input_file_id="file-none", endpoint=CHAT, completion_window="24h"
            )
        assert lost.value.param == "input_file_id"
        file = await client.files.create(file=b"{}", purpose="batch")
        for wrong, param in (
            ({"endpoint": "/v1/moderations"}, "endpoint"),
            ({"completion_window": "1h"}, "completion_window"),
            ({"metadata": {"x": "y" * 600}}, "metadata"),
        ):
            body: dict[str, Any] = {
                "input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h", **wrong,
            }  # fmt: skip
            with pytest.raises(openai.BadRequestError) as refused:
                await client.batches.create(**body)
            assert (refused.value.param or "").startswith(param)
        for look in (client.batches.retrieve, client.batches.cancel):
            with pytest.raises(openai.NotFoundError):
                await look("batch_none")
        with pytest.raises(openai.BadRequestError):
            await client.batches.list(limit=101)
        with pytest.raises(openai.NotFoundError):
            await client.batches.list(after="batch_none")


async def test_a_file_that_is_too_large_is_refused_at_once_and_leaves_nothing(
    gateway: Gateway,
) -> None:
    """200 MB, announced and not; lines without end, and a line without one."""
    head = (
        b'--XX\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--XX\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'
    )

    async def endless(part: bytes) -> AsyncIterator[bytes]:
        yield head
        for _ in range(400):
            yield part

    async def held() -> list[str]:
        return [file.id async for file in official.files.list()]

    async with client_of(gateway) as official:
        before = await held()
        for part, status in (
            ((b"x" * 999 + b"\n") * 500, 413),
            (b"x" * 500_000, 413),
            (b"{}\n" * 99_999, 400),
        ):
            status_of, told = await sent(gateway, endless(part))
            assert (status_of, told["error"]["param"]) == (status, "file"), told
        with pytest.raises(openai.APIStatusError) as refused:
            await official.files.create(file=b"x" * 200_000_000, purpose="batch")
        assert refused.value.status_code == 413
        assert await held() == before
    assert (gateway.home / "batches.db").stat().st_size < 1_000_000


async def sent(gateway: Gateway, body: AsyncIterator[bytes]) -> tuple[int, Any]:
    kind = {"content-type": "multipart/form-data; boundary=XX"}
    async with (
        aiohttp.ClientSession(gateway.url) as client,
        client.post("/v1/files", data=body, headers=kind) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"{}", 415),
        ("multipart/form-data; boundary=XX", b"what?", 400),
        ("multipart/form-data; boundary=XX", b"--XX--\r\n", 400),
        ("text/plain", b"{}", 415),
    ],
)
async def test_what_is_no_form_is_refused(
    gateway: Gateway, kind: str, body: bytes, status: int
) -> None:
    async with gateway.http.post("/v1/files", data=body, headers={"content-type": kind}) as answer:
        assert answer.status == status
        assert "error" in await answer.json()


async def test_a_web_page_of_another_site_uploads_nothing(gateway: Gateway) -> None:
    form = aiohttp.FormData({"purpose": "batch"})
    form.add_field("file", b"{}", filename="f")
    async with (
        aiohttp.ClientSession(gateway.url, headers={"origin": "https://evil.example"}) as c,
        c.post("/v1/files", data=form) as answer,
    ):
        assert answer.status == 403


# ---------------------------------------------------------------- whose it is


async def test_another_key_sees_nothing_of_it(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, server='auth = "required"') as gateway:
        mine, yours, gone = [await secret_of(gateway, name) for name in ("a", "b", "c")]
        async with client_of(gateway, mine[0]) as me, client_of(gateway, yours[0]) as you:
            batch = await until(me, await begun(me, [chat("r", "!say yes")]))
            assert batch.status == "completed"
            ids = [batch.input_file_id, batch.output_file_id or ""]
            for id in ids:
                for look in (you.files.retrieve, you.files.content, you.files.delete):
                    with pytest.raises(openai.NotFoundError):
                        await look(id)
            for look in (you.batches.retrieve, you.batches.cancel):
                with pytest.raises(openai.NotFoundError):
                    await look(batch.id)
            with pytest.raises(openai.NotFoundError):
                await begun_over(you, ids[0])
            assert [one async for one in you.files.list()] == []
            assert [one async for one in you.batches.list()] == []
            assert len([one async for one in me.files.list()]) == 2
        async with client_of(gateway, gone[0]) as client:
            waiting = await begun(client, [chat(f"r{i}", "!wait yes") for i in range(9)])
            await until(client, waiting, "in_progress")
            await revoke(gateway, gone[1])
        # Its lines are answered, with what a client with that key would be told.
        gateway.local.go.set()
        async with asyncio.timeout(30):
            while b"shortstop_batch_lines" not in (told := await metrics(gateway)) or (
                b'outcome="failed"' not in told
            ):
                await asyncio.sleep(0.05)


async def begun_over(client: AsyncOpenAI, file: str) -> Batch:
    return await client.batches.create(input_file_id=file, endpoint=CHAT, completion_window="24h")


async def secret_of(gateway: Gateway, name: str) -> tuple[str, str]:
    """A new key: its secret and its id."""
    body = {"name": name, "tenant": name}
    async with gateway.http.post("/admin/keys", json=body, headers=gateway.admin) as answer:
        made = await answer.json()
        return made["secret"], made["id"]


async def revoke(gateway: Gateway, id: str) -> None:
    async with gateway.http.delete(f"/admin/keys/{id}", headers=gateway.admin) as answer:
        assert answer.status == 200


async def metrics(gateway: Gateway) -> bytes:
    async with gateway.http.get("/metrics") as answer:
        return await answer.read()


async def test_lines_have_a_budget_of_their_own(tmp_path: Path) -> None:
    more = "[batches]\nusd_per_day = 0.000001"
    async with running_gateway(tmp_path, server='auth = "required"', more=more) as gateway:
        secret, _ = await secret_of(gateway, "a")
        async with client_of(gateway, secret) as client:
            lines = [chat("dear", "!say yes", "big"), chat("free", "!say yes")]
            ended = await until(client, await begun(client, lines))
            assert [one["custom_id"] for one in await read(client, ended.output_file_id)] == [
                "free"
            ]
            (failed,) = await read(client, ended.error_file_id)
            assert failed["response"]["body"]["error"]["code"] == "insufficient_quota"
            messages: Any = [{"role": "user", "content": "!say yes"}]
            answer = await client.chat.completions.create(model="big", messages=messages)
            assert answer.choices[0].message.content == "yes"


async def test_what_is_pinned_never_reaches_the_frontier(gateway: Gateway) -> None:
    lines = [
        chat("open", "!say nothing to hide", "big"),
        *[chat(f"auto{i}", f"my key is {SECRET}, case {i}", "auto") for i in range(5)],
        chat("named", f"my key is {SECRET}", "big"),
    ]
    async with client_of(gateway) as client:
        ended = await until(client, await begun(client, lines))
        output = await read(client, ended.output_file_id)
        assert [one["custom_id"] for one in output] == [one["custom_id"] for one in lines]
        assert all(SECRET in said(one) for one in output[1:]), "the local model was asked"
    assert gateway.frontier.received, "the open one"
    assert not any(SECRET.encode() in received for received in gateway.frontier.received)
    lying = [path for path in gateway.home.rglob("*") if path.is_file()]
    assert gateway.home / "batches.db" in lying
    for path in lying:
        data = path.read_bytes()
        assert SECRET.encode() not in data, path
        assert b"in.jsonl" not in data, path


async def test_an_erasure_takes_files_and_lines(gateway: Gateway) -> None:
    named = {"x-shortstop-conversation": "Maria"}
    async with client_of(gateway) as client:
        whole = await begun(client, [chat("r", "!say of Maria")], extra_headers=named)
        other = await begun(client, [chat("r", "!say of nobody"), chat("s", "!say of Eve")])
        await until(client, whole)
        ended = await until(client, other)
        assert (await erase(gateway, "Maria"))["files"] >= 2
        with pytest.raises(openai.NotFoundError):
            await client.batches.retrieve(whole.id)
        with pytest.raises(openai.NotFoundError):
            await client.files.retrieve(whole.input_file_id)
        [_, eve] = await read(client, ended.output_file_id)
        conversation = await conversation_of(gateway, eve["response"]["request_id"])
        assert (await erase(gateway, conversation))["files"] == 2, "a line and its answer"
        assert [one["custom_id"] for one in await read(client, ended.output_file_id)] == ["r"]
        assert b"Eve" not in (await client.files.content(other.input_file_id)).content


async def erase(gateway: Gateway, conversation: str) -> Any:
    path = f"/admin/conversations/default/{conversation}"
    async with gateway.http.delete(path, headers=gateway.admin) as answer:
        return (await answer.json())["erased"]


async def conversation_of(gateway: Gateway, request: str) -> str:
    """As its trace shows it, once that is written."""
    async with asyncio.timeout(20):
        while True:
            path = f"/admin/traces/{request}"
            async with gateway.http.get(path, headers=gateway.admin) as answer:
                if answer.status == 200:
                    return str((await answer.json())["trace"]["conversation"])
            await asyncio.sleep(0.02)


# ---------------------------------------------------------------- stopped in the middle


async def test_kill_9_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    lines = [
        *[chat(f"done{i}", f"!say {i}") for i in range(12)],
        *[chat(f"late{i}", f"!wait {i}") for i in range(12)],
    ]
    async with running_gateway(tmp_path) as gateway:
        async with client_of(gateway) as client:
            batch = await begun(client, lines)
            await until(client, batch, "in_progress", answers=12)
            await gateway.kill()
        asked = [body["messages"][-1]["content"] for body in gateway.local.bodies]
        assert sorted(asked[:12]) == sorted(f"!say {i}" for i in range(12))
        gateway.local.received.clear()
        gateway.local.go.set()
        await gateway.start()
        async with client_of(gateway) as client:
            ended = await until(client, batch)
            assert ended.status == "completed"
            output = await read(client, ended.output_file_id)
        assert [one["custom_id"] for one in output] == [line["custom_id"] for line in lines]
        again = [body["messages"][-1]["content"] for body in gateway.local.bodies]
        assert sorted(again) == sorted(f"!wait {i}" for i in range(12)), "none that is on the disk"


async def test_cancelling_stops_soon_and_keeps_what_is_done(gateway: Gateway) -> None:
    lines = [
        *[chat(f"done{i}", f"!say {i}") for i in range(5)],
        *[chat(f"late{i}", "!hang") for i in range(50)],
    ]
    async with client_of(gateway) as client:
        batch = await begun(client, lines)
        await until(client, batch, "in_progress", answers=5)
        with pytest.raises(openai.ConflictError):
            await client.files.delete(batch.input_file_id)
        cancelling = await client.batches.cancel(batch.id)
        assert cancelling.status in ("cancelling", "cancelled")
        ended = await until(client, batch)
        assert ended.status == "cancelled"
        assert ended.cancelled_at is not None
        async with asyncio.timeout(10):
            await gateway.local.abandoned.wait()
        output = await read(client, ended.output_file_id)
        assert [one["custom_id"] for one in output] == [f"done{i}" for i in range(5)]
        assert ended.error_file_id is None
        with pytest.raises(openai.ConflictError):
            await client.batches.cancel((await until(client, await begun(client, [b"?"]))).id)


async def test_of_several_workers_one_works_on_a_batch_and_another_when_it_dies(
    tmp_path: Path,
) -> None:
    async with (
        running_gateway(tmp_path, server="workers = 2", more=MANY) as gateway,
        client_of(gateway) as client,
    ):
        lines = [f"!say {i}" for i in range(10)] + [f"!wait {i}" for i in range(10)]
        batches = [
            await begun(
                client, [chat(f"r{i}", f"{line} of {b}", "big") for i, line in enumerate(lines)]
            )
            for b in range(3)
        ]
        for batch in batches:
            await until(client, batch, "in_progress", answers=10)
        first = asked_of(gateway, "!say")
        assert first == sorted(f"!say {i} of {b}" for i in range(10) for b in range(3))
        assert gateway.process is not None
        for worker in children(gateway.process.pid):
            os.kill(worker, signal.SIGKILL)
        gateway.frontier.go.set()
        for batch in batches:
            ended = await until(patient(client), batch)
            output = await read(client, ended.output_file_id)
            assert [one["custom_id"] for one in output] == [f"r{i}" for i in range(20)]
        assert asked_of(gateway, "!say") == first, "what is on the disk is not asked again"


def asked_of(gateway: Gateway, verb: str) -> list[str]:
    asked = [body["messages"][-1]["content"] for body in gateway.frontier.bodies]
    return sorted(said for said in asked if said.startswith(verb))


def patient(client: AsyncOpenAI) -> AsyncOpenAI:
    """Connections break while workers die."""
    return client.with_options(max_retries=10)


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
