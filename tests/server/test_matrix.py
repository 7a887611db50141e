"""Any dialect in, any upstream dialect out, through a real gateway process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from shortstop import dialects
from shortstop.types import DialectName
from tests.dialects.grammar import check_anthropic, check_responses, frames
from tests.dialects.samples import ERRORS, NAMES, REPLIES, REQUESTS, STREAMS
from tests.dialects.test_matrix import REPLY_TYPES, STREAM_TYPES
from tests.server.conftest import KEY, Gateway
from tests.server.scripted import ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPSTREAMS: dict[str, DialectName] = {
    "openai": "openai.chat",
    "responses": "openai.responses",
    "anthropic": "anthropic.messages",
}
PATHS: dict[DialectName, str] = {
    "openai.chat": "/v1/chat/completions",
    "openai.responses": "/v1/responses",
    "openai.completions": "/v1/completions",
    "anthropic.messages": "/v1/messages",
}
PAIRS = [(client, upstream) for client in NAMES for upstream in UPSTREAMS]
CONFIG = """
[server]
port = 0
[models.small]
url = "{nobody}"
{upstreams}
[privacy.policies.default]
images = "allow"
"""
UPSTREAM = """
[upstreams.{name}]
base_url = "{url}"
dialect = "{name}"
api_key_env = "VENDOR_KEY"
retries = 0
[upstreams.{name}.models."at-{name}"]
abilities = ["tools", "json", "vision", "logprobs", "thinking"]
"""


class Vendor:
    """Answers in the dialect of the path with that dialect's sample."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.fails = False

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.received.append((request.path, dict(request.headers), body))
        name = next(d for d, path in PATHS.items() if request.path == path)
        if self.fails:
            return web.json_response(ERRORS[name], status=400)
        if body.get("stream"):
            return web.Response(body=STREAMS[name], content_type="text/event-stream")
        return web.json_response(REPLIES[name])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vendor() -> AsyncIterator[tuple[Vendor, str]]:
    asked = Vendor()
    app = web.Application()
    app.router.add_post("/{path:.*}", asked.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield asked, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def matrix(
    vendor: tuple[Vendor, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    nobody = ScriptedModel()
    gateway = Gateway(tmp_path_factory.mktemp("matrix"), nobody, nobody)
    roots = {"anthropic": vendor[1]}
    upstreams = "".join(
        UPSTREAM.format(name=name, url=roots.get(name, f"{vendor[1]}/v1")) for name in UPSTREAMS
    )
    gateway.config_file.write_text(
        CONFIG.format(nobody="http://127.0.0.1:9/v1", upstreams=upstreams)
    )
    await gateway.start()
    yield gateway
    await gateway.stop()


def sample(client: DialectName, upstream: str, *, stream: bool) -> dict[str, Any]:
    body = {**REQUESTS[client], "model": f"at-{upstream}", "stream": stream}
    if client == "openai.responses":
        body["store"] = False
    return body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_every_client_gets_its_own_dialect_from_every_upstream(
    matrix: Gateway,
    vendor: tuple[Vendor, str],
    client: DialectName,
    upstream: str,
    stream: bool,
) -> None:
    asked, (far, _) = sample(client, upstream, stream=stream), vendor
    far.fails = False
    async with matrix.http.post(PATHS[client], json=asked) as answer:
        made = await answer.read()
        assert answer.status == 200, made
        assert answer.headers["x-shortstop-target"] == f"at-{upstream}"
    path, headers, sent = far.received[-1]
    assert path == PATHS[UPSTREAMS[upstream]]
    assert KEY in (headers.get("Authorization", "") + headers.get("x-api-key", ""))
    neutral = dialects.get(client).decode_request(asked, "req_1")
    expected = json.loads(dialects.get(UPSTREAMS[upstream]).encode_request(neutral, sent["model"]))
    assert sent == expected, "what is sent is what the golden files show"
    if not stream:
        told = json.loads(made)
        REPLY_TYPES[client].model_validate(told, strict=False)
        assert told["model"] == asked["model"], "the client's own name"
        return
    _check_stream(client, made, asked["model"])


def _check_stream(client: DialectName, made: bytes, model: str) -> None:
    if client == "anthropic.messages":
        check_anthropic(made)
    elif client == "openai.responses":
        check_responses(made)
    else:
        assert made.endswith(b"data: [DONE]\n\n")
    for frame in frames(made):
        if frame.get("type") == "ping":
            continue
        if client == "openai.completions":
            for choice in frame["choices"]:
                choice["finish_reason"] = choice["finish_reason"] or "stop"
        STREAM_TYPES[client].validate_python(frame)
        assert frame.get("model", model) == model


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_a_refusal_is_told_in_the_clients_words(
    matrix: Gateway,
    vendor: tuple[Vendor, str],
    client: DialectName,
    upstream: str,
    stream: bool,
) -> None:
    vendor[0].fails = True
    body = sample(client, upstream, stream=stream)
    async with matrix.http.post(PATHS[client], json=body) as answer:
        assert answer.status == 400
        assert answer.content_type == "application/json"
        told = await answer.json()
        assert answer.headers["x-request-id"] == answer.headers["request-id"]
    if client == "anthropic.messages":
        assert told["type"] == "error"
        assert told["error"]["type"] == "invalid_request_error"
        assert told["request_id"].startswith("req_")
    else:
        assert told["error"]["code"] == "context_length_exceeded"
