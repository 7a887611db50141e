"""Bodies that no client library sends, and what reads beyond the gateway."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.hostile.house import Cases, House
from tests.hostile.wire import CHAT, JSON, said

INPUTS = Cases()
HI = said("Hi")
MESSAGES = json.dumps(HI["messages"]).encode()


def _with(field: bytes) -> bytes:
    return b'{"model":"big","messages":' + MESSAGES + b"," + field + b"}"


for _name, _content, _right in (
    ("nothing", b"", (400,)),
    ("null", b"null", (400,)),
    ("a list", b"[]", (400,)),
    ("a number", b"1", (400,)),
    ("a string", b'"a"', (400,)),
    ("two values", json.dumps(HI).encode() * 2, (400,)),
    ("rubbish behind", json.dumps(HI).encode() + b"\0", (400,)),
    ("UTF-16", json.dumps(HI).encode("utf-16"), (400,)),
    ("a byte order mark", b"\xef\xbb\xbf" + json.dumps(HI).encode(), (200, 400)),
    ("Latin-1", json.dumps(said("\u00e9"), ensure_ascii=False).encode("latin-1"), (400,)),
    (
        "overlong UTF-8",
        b'{"model":"big","messages":[{"role":"user","content":"\xc0\xaf"}]}',
        (400,),
    ),
    (
        "surrogates in UTF-8",
        b'{"model":"big","messages":[{"role":"user","content":"\xed\xa0\x80"}]}',
        (400,),
    ),
    (
        "a lone surrogate",
        b'{"model":"big","messages":[{"role":"user","content":"\\ud800"}]}',
        (200, 400),
    ),
    ("NaN", _with(b'"temperature":NaN'), (400,)),
    ("Infinity", _with(b'"temperature":Infinity'), (400,)),
    ("1e999", _with(b'"temperature":1e999'), (400,)),
    ("a comment", b"/**/" + json.dumps(HI).encode(), (400,)),
    ("single quotes", str(HI).encode(), (400,)),
    ("a comma too many", _with(b'"a":[1,]'), (400,)),
    (
        "a control character",
        b'{"model":"big","messages":[{"role":"user","content":"a\nb"}]}',
        (400,),
    ),
    ("depth of a million", _with(b'"a":' + b"[" * 1_000_000), (400,)),
    ("depth of 5,000, closed", _with(b'"a":' + b"[" * 5000 + b"]" * 5000), (400,)),
    ("depth of objects", _with(b'"a":' + b'{"a":' * 5000 + b"1" + b"}" * 5000), (400,)),
    ("a million values", _with(b'"a":[' + b"0," * 1_000_000 + b"0]"), (400, 413)),
    ("a million keys", _with(b'"a":{' + b'"a":0,' * 1_000_000 + b'"a":0}'), (400, 413)),
    ("a number of 5,000 digits", _with(b'"a":' + b"9" * 5000), (200, 400)),
    ("a number of a million digits", _with(b'"a":' + b"9" * 1_000_000), (400,)),
    ("an exponent of a million", _with(b'"a":1e-' + b"9" * 1_000_000), (200, 400)),
    ("a body of 33 MB", _with(b'"a":"' + b"a" * 33_000_000 + b'"'), (413,)),
    ("a role twice", b'{"model":"big","model":"small","messages":' + MESSAGES + b"}", (200, 400)),
):

    @INPUTS(f"json: {_name}")
    async def _json(
        house: House, content: bytes = _content, right: tuple[int, ...] = _right
    ) -> None:
        got = await house.ask("POST", CHAT, [house.bearer(), JSON], content)
        assert got.status in right, str(got)
        assert got.json if got.status == 200 else got.json["error"]["message"]


@INPUTS("a model that stands twice is the one that was allowed")
async def _twice(house: House) -> None:
    for first, second in (("big", "small"), ("small", "big")):
        body = b'{"model":"%s","messages":%s,"model":"%s"}' % (
            first.encode(),
            MESSAGES,
            second.encode(),
        )
        before = len(house.gateway.frontier.received)
        await house.ask("POST", CHAT, [house.bearer("local"), JSON], body)
        assert len(house.gateway.frontier.received) == before


for _name, _body in {
    "model of an object": {**HI, "model": {}},
    "model of null": {**HI, "model": None},
    "model of a list": {**HI, "model": ["big"]},
    "model of nothing": {**HI, "model": ""},
    "model of 100 kB": {**HI, "model": "a" * 100_000},
    "messages of a string": {"model": "big", "messages": "Hi"},
    "messages of nothing": {"model": "big", "messages": []},
    "messages of null": {"model": "big", "messages": [None]},
    "messages of lists": {"model": "big", "messages": [[]]},
    "no messages": {"model": "big"},
    "a role nobody knows": {"model": "big", "messages": [{"role": "root", "content": "a"}]},
    "a role of an object": {"model": "big", "messages": [{"role": {}, "content": "a"}]},
    "content of a number": {"model": "big", "messages": [{"role": "user", "content": 5}]},
    "content of an object": {"model": "big", "messages": [{"role": "user", "content": {}}]},
    "content of nulls": {"model": "big", "messages": [{"role": "user", "content": [None]}]},
    "parts without a type": {"model": "big", "messages": [{"role": "user", "content": [{}]}]},
    "max_tokens below 0": {**HI, "max_tokens": -1},
    "max_tokens of text": {**HI, "max_tokens": "many"},
    "max_tokens of a list": {**HI, "max_tokens": []},
    "temperature of text": {**HI, "temperature": "hot"},
    "temperature of a list": {**HI, "temperature": []},
    "stream of text": {**HI, "stream": "yes"},
    "stream of an object": {**HI, "stream": {}},
    "tools of a string": {**HI, "tools": "all"},
    "tools of nulls": {**HI, "tools": [None]},
    "a tool without a name": {**HI, "tools": [{"type": "function", "function": {}}]},
    "a format of a list": {**HI, "response_format": []},
    "n of a million": {**HI, "n": 1_000_000},
    "stop of numbers": {**HI, "stop": [1, 2]},
    "stop of objects": {**HI, "stop": {}},
    "logprobs beyond": {**HI, "top_logprobs": 10**9, "logprobs": True},
}.items():

    @INPUTS(f"types: {_name}")
    async def _typed(house: House, body: dict[str, Any] = _body) -> None:
        got = await house.ask("POST", CHAT, [house.bearer()], body)
        assert 400 <= got.status < 500, str(got)
        assert got.json["error"]["message"]
        assert "Traceback" not in got.text and "/src/" not in got.text and len(got.body) < 20_000, (
            f"{len(got.body)} bytes"
        )


for _path, _odd in (
    ("/v1/responses", {"model": "big", "input": {"a": 1}}),
    ("/v1/responses", {"model": "big", "input": [None]}),
    ("/v1/responses", {"model": "big", "input": "a", "previous_response_id": {}}),
    ("/v1/responses", {"model": "big", "input": "a", "previous_response_id": "../../etc"}),
    ("/v1/messages", {"model": "big", "max_tokens": "a", "messages": HI["messages"]}),
    (
        "/v1/messages",
        {"model": "big", "max_tokens": 5, "messages": [{"role": "system", "content": [0]}]},
    ),
    ("/v1/completions", {"model": "big", "prompt": {"a": 1}}),
    ("/v1/embeddings", {"model": "big", "input": {"a": 1}}),
    ("/v1/embeddings", {"model": "big", "input": []}),
    ("/v1/feedback", {"request_id": [], "score": 1}),
    ("/v1/feedback", {"request_id": "x" * 100_000, "score": 1}),
    ("/v1/batches", {"input_file_id": {}, "endpoint": "/admin/keys", "completion_window": "1s"}),
):

    @INPUTS(f"types: {_path} {str(_odd)[:60]}")
    async def _typed_at(house: House, path: str = _path, body: dict[str, Any] = _odd) -> None:
        got = await house.ask("POST", path, [house.bearer()], body)
        assert 400 <= got.status < 500, str(got)
        assert len(got.body) < 20_000


@INPUTS("no address in a body is opened")
async def _fetched(house: House) -> None:
    opened = []

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/secret"
    for address in (url, url.replace("http", "https"), "file:///etc/passwd", "ftp://127.0.0.1/"):
        image = {"type": "image_url", "image_url": {"url": address}}
        for model in ("big", "small", "auto"):
            body = {"model": model, "messages": [{"role": "user", "content": [image]}]}
            got = await house.ask("POST", CHAT, [house.bearer()], body)
            assert got.status < 500 and b"root:" not in got.body, str(got)
    server.close()
    assert opened == []


for _name, _value in {
    "idempotency-key of 300": ("idempotency-key", "a" * 300),
    "run of 200": ("x-shortstop-run", "a" * 200),
    "run with a space": ("x-shortstop-run", "a b"),
    "steps below 0": ("x-shortstop-run-max-steps", "-5"),
    "money of NaN": ("x-shortstop-run-max-usd", "NaN"),
    "money without end": ("x-shortstop-run-max-usd", "Infinity"),
    "seconds of text": ("x-shortstop-run-max-seconds", "long"),
    "traceparent of rubbish": ("traceparent", "zz-zz"),
    "a task of 10 kB": ("x-shortstop-task", "a" * 10_000),
    "a conversation of 10 kB": ("x-shortstop-conversation", "a" * 10_000),
    "a tag that is not ASCII": ("x-shortstop-tag", "\u00e9\u6771"),
    "bytes that are no text": ("x-shortstop-user", "\udcff\udcfe"),
    "a cache nobody knows": ("x-shortstop-cache", "always"),
    "a version of rubbish": ("anthropic-version", "\u00e9" * 50),
}.items():

    @INPUTS(f"header: {_name}")
    async def _header(house: House, line: tuple[str, str] = _value) -> None:
        got = await house.chat("A header.", [line])
        assert got.status == 200 or 400 <= got.status < 500, str(got)
