"""What lies on the disk: in no file of the data folder stands a word that was asked or answered.

Real gateway processes are asked in every dialect, whole and in streams, while models fail, clients
leave and the process is killed; then every byte of every file is searched, in every encoding that
is easily turned back.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow.parquet as pq
import pytest

from shortstop.stores.sqlite import SqliteReports
from shortstop.traces import TraceReader
from shortstop.traces.keyfile import read_keys
from shortstop.traces.seal import Seal
from shortstop.types import Trace
from tests.server.conftest import Gateway, running_gateway
from tests.server.test_canary import CHAT, CLAUDE, COMPLETIONS, EMBEDDINGS, RESPONSES, called, say

pytestmark = pytest.mark.asyncio(loop_scope="module")

CARD, IBAN = "4111 1111 1111 1111", "DE89370400440532013000"
MAIL, PHONE = "jane.doe@acme-corp.com", "+49 30 9018200"
HARMLESS = "vermilion otters knit umbrellas"
ACCENTS = "Grüße aus Łódź, 東京"
VALUES = (CARD, IBAN, MAIL, PHONE, HARMLESS, ACCENTS)
TEXT = f"Please note: card {CARD}, IBAN {IBAN}, {MAIL}, call {PHONE}. {HARMLESS}. {ACCENTS}."
PLAIN = f"Explain why {HARMLESS}, {ACCENTS}."
"""Nothing in it is sensitive: it may go to the frontier."""


# ------------------------------------------------------------ the search


def forms(value: str) -> Iterator[bytes]:
    """The value as it stands in a file, and what is easily turned back into it."""
    for text in (value, value.replace(" ", ""), json.dumps(value)[1:-1]):
        for data in (text.encode(), text[::-1].encode(), text.encode("utf-16-le")):
            yield data
            yield data.hex().encode()
            yield data.hex().upper().encode()
            yield from _base64(data)
        yield "".join(f"%{byte:02X}" for byte in text.encode()).encode()


def _base64(data: bytes) -> Iterator[bytes]:
    """Wherever in a longer text it begins: without the characters that depend on what is beside."""
    for before in range(3):
        inner = base64.b64encode(b"\0" * before + data)[(0, 2, 3)[before] :]
        inner = inner.rstrip(b"=")[:-2]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def unpacked(data: bytes) -> Iterator[bytes]:
    """The file, and every gzip or zlib stream that begins somewhere in it."""
    yield data
    for mark, bits in ((b"\x1f\x8b\x08", 31), (b"\x78\x9c", 15), (b"\x78\x01", 15)):
        start = data.find(mark)
        while start >= 0:
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj(bits).decompress(data[start:], 1 << 20)
            start = data.find(mark, start + 1)


def found(folder: Path, values: Iterable[str] = VALUES) -> set[tuple[str, str]]:
    """(value, file) wherever one stands. The configuration is the operator's own."""
    looked = {(value, form) for value in values for form in forms(value)}
    places = set()
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "shortstop.toml":
            for data in unpacked(path.read_bytes()):
                places |= {(value, path.name) for value, form in looked if form in data}
    return places


def loose(folder: Path) -> set[tuple[str, str]]:
    """Files and folders to which others have any right."""
    paths = [folder, *folder.rglob("*")]
    return {(p.name, oct(p.lstat().st_mode & 0o777)) for p in paths if p.lstat().st_mode & 0o077}


@pytest.mark.parametrize("value", VALUES)
async def test_the_search_finds_what_is_there(tmp_path: Path, value: str) -> None:
    document = json.dumps({"text": f"x {value} y"})
    for i, data in enumerate((
        document.encode(), f"..{value}..".encode(), document[::-1].encode(),
        base64.b64encode(document.encode()), gzip.compress(b"junk" + value.encode()),
        b"head" + zlib.compress(value.encode()), value.encode().hex().encode(),
    )):  # fmt: skip
        (tmp_path / str(i)).write_bytes(data)
    assert {name for _, name in found(tmp_path, [value])} == set("0123456")


# ------------------------------------------------------------ what is asked


def requests(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """One of each kind, in each dialect."""
    for stream in (False, True):
        yield CHAT, say(text, stream=stream)
        yield CLAUDE, say(text, stream=stream)
        yield RESPONSES, {"model": "auto", "input": text, "stream": stream}
        yield COMPLETIONS, {"model": "auto", "prompt": text, "max_tokens": 9, "stream": stream}
    yield CHAT, say("go on", *called(json.dumps({"note": text})))
    yield CHAT, say(text, {"role": "system", "content": text}, metadata={text: text})
    yield CHAT, say(f"!call look {json.dumps({'x': text})}", tools=[TOOL])
    yield CHAT, say(text, response_format={"type": "json_schema", "json_schema": SHAPE})
    yield EMBEDDINGS, {"model": "vectors", "input": [text]}
    yield "/v1/messages/count_tokens", say(text)


TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
SHAPE = {"name": "n", "schema": {"type": "object", "required": ["a"], "properties": {}}}
MORE = """
[upstreams.vendor.models.vectors]
abilities = ["embeddings"]
[judge]
target = "big"
rate = 1.0
[traces]
content = "full"
sensitive_content = "full"
"""
"""As much as can be kept is kept."""
SHADOWS = "shadow_rate = 1.0\n"


async def ask_everything(gateway: Gateway) -> None:
    """Every request under an idempotency key, in a named conversation, and corrected afterwards."""
    asked = [*requests(TEXT), *requests(PLAIN), *requests("!status 500"), *requests("!garbage")]
    room = asyncio.Semaphore(8)

    async def one(number: int, path: str, body: dict[str, Any]) -> None:
        headers = {"idempotency-key": f"{MAIL} {number}", "x-shortstop-conversation": PHONE}
        if number % 2:
            del headers["x-shortstop-conversation"]
        async with room:
            async with gateway.http.post(path, json=body, headers=headers) as answer:
                said = await answer.read()
                id = answer.headers.get("x-request-id", "")
            if path == RESPONSES and not body["stream"] and answer.status == 200:
                again = {**body, "previous_response_id": json.loads(said)["id"]}
                async with gateway.http.post(path, json=again) as answer:
                    assert answer.status in (200, 502, 503), await answer.text()
            verdict = {"request_id": id, "answer": TEXT, "correction": f"{TEXT} and more"}
            async with gateway.http.post("/v1/feedback", json=verdict) as answer:
                await answer.read()

    await asyncio.gather(*(one(i, *what) for i, what in enumerate(asked)))


async def leave_in_the_middle(gateway: Gateway) -> None:
    """A client that hangs up while its stream runs."""
    body = say(f"!slow {TEXT}", stream=True)
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(0.5), gateway.http.post(CHAT, json=body) as answer:
            await answer.content.readany()


def traces(home: Path) -> list[Trace]:
    seal = Seal(*read_keys(home / "content.key"))
    return list(TraceReader(SqliteReports(home / "traces.db"), seal).traces())


@pytest.mark.parametrize(
    ("server", "killed"), [("", False), ("", True), ("workers = 2", False), ("workers = 2", True)]
)
async def test_nothing_that_was_said_lies_open_on_the_disk(
    tmp_path: Path, server: str, killed: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    before = os.umask(0o000)
    try:
        async with running_gateway(home, server, SHADOWS + MORE) as gateway:
            await ask_everything(gateway)
            await leave_in_the_middle(gateway)
            assert found(home) == set(), "while it runs, with its write-ahead logs"
            assert loose(home) == set()
            await (gateway.kill() if killed else gateway.stop())
            assert found(home) == set()
            assert loose(home) == set()
            assert found(tmp_path) == set()
            await gateway.start()  # what the journal holds is written now
            await gateway.stop()
    finally:
        os.umask(before)
    assert found(home) == set()
    assert loose(home) == set()
    kept = [trace for trace in traces(home) if trace.request is not None]
    assert any(CARD in json.dumps(trace.request) for trace in kept), "with the key it is there"
    assert any(trace.response and MAIL in trace.response[0].text for trace in kept)
    assert {trace.dialect for trace in kept} >= {
        "openai.chat", "openai.responses", "openai.completions", "anthropic.messages",
    }  # fmt: skip


async def test_erased_is_off_every_file_sealed_or_not(tmp_path: Path) -> None:
    name = {"x-shortstop-conversation": "c1"}
    async with running_gateway(tmp_path, more=MORE) as gateway:
        for i, (path, body) in enumerate(requests(TEXT)):
            retry = {**name, "idempotency-key": str(i)}
            async with gateway.http.post(path, json=body, headers=retry) as answer:
                await answer.read()
        async with gateway.http.post(CHAT, json=say(TEXT)) as answer:
            assert answer.status == 200
        token = {"authorization": f"Bearer {admin_token(tmp_path)}"}
        erased = ("DELETE", "/admin/conversations/default/c1")
        pieces: set[bytes] = set()
        async with asyncio.timeout(10):
            while len(pieces) < 20:  # the writer takes a moment
                pieces = ciphertexts(tmp_path)
                await asyncio.sleep(0.02)
        async with gateway.http.request(*erased, headers=token) as answer:
            assert answer.status == 200, await answer.text()
            counts = (await answer.json())["erased"]
        assert counts["traces"] >= 10
        assert counts["responses"] >= 1
        assert counts["answers"] >= 5
        left = {p.name for p in tmp_path.iterdir() if p.is_file() and holds(p, pieces)}
        assert left == set()
        await gateway.stop()
    kept = [trace for trace in traces(tmp_path) if trace.request is not None]
    assert len(kept) == 1, "the other conversation's"


async def test_a_lake_is_sealed_shown_and_erased(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    more = f"{MORE}[traces.lake]\nfolder = '{lake}'\ngather_seconds = 0\n"
    async with running_gateway(tmp_path, more=more) as gateway:
        for name in ("c1", "c2"):
            headers = {"x-shortstop-conversation": name}
            async with gateway.http.post(CHAT, json=say(TEXT), headers=headers) as answer:
                assert answer.status == 200
                id = answer.headers["x-request-id"]
        token = {"authorization": f"Bearer {admin_token(tmp_path)}"}
        async with asyncio.timeout(60):
            while id not in {row["id"] for row in laid(lake)}:
                await asyncio.sleep(0.02)
            row = f"/admin/traces/{id}"
            while (answer := await gateway.http.get(row, headers=token)).status == 404:
                await asyncio.sleep(0.02)
        assert HARMLESS not in await answer.text()
        async with gateway.http.get(f"{row}?content=full", headers=token) as answer:
            assert HARMLESS in await answer.text()
        before = laid(lake)
        assert not any(value in str(before) for value in VALUES)
        erased = ("DELETE", "/admin/conversations/default/c1")
        async with gateway.http.request(*erased, headers=token) as answer:
            assert answer.status == 200, await answer.text()
        left = laid(lake)
        assert len({row["conversation"] for row in before} - {row["conversation"] for row in left})
        assert any(row["id"] == id for row in left)


def laid(lake: Path) -> list[dict[str, Any]]:
    """What lies in the files, as anybody reads it."""
    return [row for one in lake.glob("day=*/*.parquet") for row in pq.read_table(one).to_pylist()]


def holds(path: Path, pieces: set[bytes]) -> set[bytes]:
    data = path.read_bytes()
    return {piece for piece in pieces if piece in data}


def ciphertexts(home: Path) -> set[bytes]:
    """Of what is kept of the conversation, a piece of each as it lies there."""
    with sqlite3.connect(home / "traces.db") as db:
        bodies = db.execute(
            "SELECT trace FROM traces JOIN bodies USING (seq) WHERE conversation NOT LIKE '~%'"
            " AND conversation IN (SELECT conversation FROM traces GROUP BY 1 HAVING count(*) > 2)"
        ).fetchall()
    sealed = [json.loads(body)[part] for (body,) in bodies for part in ("request", "response")]
    pieces = {one["shortstop-sealed"][20:60].encode() for one in sealed if one}
    with sqlite3.connect(home / "accounts.db") as db:
        answers = db.execute("SELECT body FROM answers WHERE conversation != ''").fetchall()
    with sqlite3.connect(home / "responses.db") as db:
        turns = db.execute("SELECT turn FROM responses WHERE conversation != ''").fetchall()
    return pieces | {body[20:60] for (body,) in (*answers, *turns) if body}


def admin_token(home: Path) -> str:
    """The one that the gateway made, where it makes one."""
    path = home / "admin.token"
    return path.read_text().strip() if path.exists() else ""


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_of_a_conversation_without_a_name_is_erased_with_it(
    tmp_path: Path, stream: bool
) -> None:
    retry = {"idempotency-key": "t"}
    async with running_gateway(tmp_path) as gateway:
        async with gateway.http.post(CHAT, json=say(PLAIN, stream=stream), headers=retry) as answer:
            first = answer.headers["x-request-id"]
            await answer.read()
        rows: list[tuple[str]] = []
        async with asyncio.timeout(10):
            while not rows:  # the writer takes a moment
                with sqlite3.connect(tmp_path / "traces.db") as db:
                    rows = db.execute("SELECT conversation FROM traces").fetchall()
                await asyncio.sleep(0.02)
        token = {"authorization": f"Bearer {admin_token(tmp_path)}"}
        where = f"/admin/conversations/default/{rows[0][0]}"
        async with gateway.http.delete(where, headers=token) as answer:
            assert (await answer.json())["erased"]["answers"] == 1
        async with gateway.http.post(CHAT, json=say(PLAIN, stream=stream), headers=retry) as answer:
            assert "idempotency-replayed" not in answer.headers
            assert answer.headers["x-request-id"] != first
