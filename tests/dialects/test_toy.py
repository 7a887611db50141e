"""A dialect that is new touches its own file and the table: clients, upstreams, privacy and the
gateway's document know it from its description."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from shortstop import dialects
from shortstop.dialects.table import TABLE
from shortstop.errors import UpstreamRejected
from shortstop.privacy.leaves import LeafReader
from shortstop.privacy.names.reader import readable
from shortstop.privacy.replace.pseudonyms import rename
from shortstop.types import DialectName
from tests.dialects.samples import CREATED, NAMES, REPLIES, STREAMS, asked
from tests.dialects.toy import NAME, Parrot
from tests.server.conftest import KEY, Gateway
from tests.server.scripted import ScriptedModel

SECRET = "AKIAQ3EGRXQPZ7WJ2YHT"
REPLY = {"brain": "polly-9", "says": "Hello, Jane!", "because": "done"}
EATEN = {"seeds": 12, "words": 3}
STREAM = [{"bit": "Hello, "}, {"bit": "Jane!"}, {"because": "done", "eaten": EATEN}]
CONFIG = """
[server]
port = 0
[models.small]
url = "{local}"
abilities = ["json", "logprobs", "tools"]
[upstreams.birds]
base_url = "{vendor}/api"
dialect = "parrot"
api_key_env = "VENDOR_KEY"
retries = 0
[upstreams.birds.models.polly]
[upstreams.acme]
base_url = "{vendor}/api"
api_key_env = "VENDOR_KEY"
retries = 0
[upstreams.acme.models.big]
[[privacy.policies.default.rules]]
action = "pseudonymise"
labels = ["EMAIL"]
"""


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines() if line.strip()]


def said(text: str, **more: Any) -> dict[str, Any]:
    """A request in the toy dialect."""
    return {"brain": "auto", "dialogue": [{"who": "human", "says": text}], **more}


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **more}


# ---------------------------------------------------------------- in the table


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    toy = Parrot()
    dialects.register(toy)
    yield toy
    del TABLE[NAME]


def test_it_fits_in_150_lines() -> None:
    from tests.dialects import toy

    with open(toy.__file__) as file:
        assert len(file.readlines()) < 150


def test_a_name_a_path_and_an_alias_are_taken_once(parrot: Parrot) -> None:
    with pytest.raises(ValueError, match=r"name parrot\.talk"):
        dialects.register(Parrot())


@pytest.mark.parametrize("name", NAMES)
def test_every_request_is_asked_in_it_or_refused(parrot: Parrot, name: DialectName) -> None:
    request = asked(name)
    try:
        body = json.loads(parrot.encode_request(request, "polly-9"))
    except UpstreamRejected as error:
        assert error.param in ("messages", "prompt", "tools")
        return
    assert body["brain"] == "polly-9"
    again = parrot.decode_request(body, "r")
    assert again.sampling.max_tokens == request.sampling.max_tokens


@pytest.mark.parametrize("name", NAMES)
def test_it_is_asked_in_every_dialect(parrot: Parrot, name: DialectName) -> None:
    request = parrot.decode_request(said("Hello!", heat=0.5, most=7, plumage="red"), "r")
    body = dialects.get(name).encode_request(request, "m")
    again = dialects.get(name).decode_request(json.loads(body), "r")
    assert again.messages == request.messages
    assert again.sampling == request.sampling
    assert dialects.lost(request, name) == ("plumage",)
    assert b"plumage" not in body


@pytest.mark.parametrize("name", NAMES)
def test_answers_and_streams_come_back_both_ways(parrot: Parrot, name: DialectName) -> None:
    other = dialects.get(name)
    ours, theirs = parrot.decode_request(said("Hi"), "r"), asked(name, stream=True)
    reply = other.decode_reply(json.dumps(REPLIES[name]).encode())
    assert json.loads(parrot.encode_reply(reply, ours))["says"] == reply.text
    toys = parrot.decode_reply(json.dumps({**REPLY, "eaten": EATEN}).encode())
    assert other.decode_reply(other.encode_reply(toys, asked(name))).text == "Hello, Jane!"

    encoder = parrot.stream_encoder(ours, CREATED)
    chunks = other.stream_decoder().feed(STREAMS[name])
    bits = lines(b"".join([encoder.encode(c) for c in chunks]) + encoder.finish())
    assert "".join(frame.get("bit", "") for frame in bits) == "".join(c.text for c in chunks)
    data = b"".join(json.dumps(frame).encode() + b"\n" for frame in STREAM)
    back = other.stream_encoder(theirs, CREATED)
    streamed = b"".join([back.encode(c) for c in parrot.stream_decoder().feed(data)])
    heard = other.stream_decoder().feed(streamed + back.finish())
    assert "".join(c.text for c in heard).endswith("Hello, Jane!")


def test_privacy_reads_it_as_it_reads_the_others(parrot: Parrot) -> None:
    reader = LeafReader(dialects.wire_words())
    body = said("Jane Doe called.")
    assert [leaf.text for leaf in readable(body, reader)] == ["Jane Doe called."]
    (leaf,) = [leaf for leaf in reader.leaves(body) if leaf.spoken]
    assert leaf.shown == "Jane Doe called.", "the field's name says nothing about it"
    renamed = rename(body, {"Jane": "Ada", "Doe": "Roe"}, reader)
    assert renamed["dialogue"][0] == {"who": "human", "says": "Ada Roe called."}


def test_what_is_derived_from_the_table_has_it(parrot: Parrot) -> None:
    assert dialects.upstream_dialects()["parrot"] is parrot
    assert "x-perch" in dialects.key_headers(), "from which the door makes its list at the start"
    assert "dialogue" in dialects.wire_words().spoken
    usage = dialects.read_usage(EATEN)
    assert usage is not None
    assert (usage.prompt, usage.completion) == (12, 3)


# ---------------------------------------------------------------- in a gateway


class Vendor:
    """Answers in the toy dialect, or in OpenAI's, by the path."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.model = ScriptedModel("big")

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append((request.path, headers, body))
        if request.path != "/api/talk":
            if body.get("stream"):
                return web.Response(body=STREAMS["openai.chat"], content_type="text/event-stream")
            return web.json_response(REPLIES["openai.chat"])
        last = body["dialogue"][-1]["says"]
        if last == "!fail":
            return web.json_response({"squawk": "Too hot."}, status=422)
        if body.get("live"):
            data = b"".join(json.dumps(frame).encode() + b"\n" for frame in STREAM)
            return web.Response(body=data, content_type="application/x-ndjson")
        return web.json_response({**REPLY, "says": f"You said: {last}", "eaten": EATEN})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Gateway, Vendor]]:
    vendor = Vendor()
    app = web.Application()
    app.router.add_post("/{path:.*}", vendor.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ScriptedModel("small").running() as local:
        gateway = Gateway(tmp_path_factory.mktemp("toy"), local, local)
        gateway.command = ("tests.dialects.gateway_with_toy",)
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        gateway.config_file.write_text(CONFIG.format(local=local.url, vendor=url))
        await gateway.start()
        yield gateway, vendor
        await gateway.stop()
    await runner.cleanup()


@pytest.mark.asyncio(loop_scope="module")
class TestGateway:
    async def test_a_client_speaks_it_to_another_vendor(
        self, house: tuple[Gateway, Vendor]
    ) -> None:
        gateway, vendor = house
        async with gateway.http.post("/v1/talk", json=said("Hello!", brain="big")) as answer:
            assert answer.status == 200
            told = await answer.json()
        assert told["brain"] == "big"
        assert told["because"] == "done"
        assert told["eaten"]["seeds"] > 0
        path, headers, sent = vendor.received[-1]
        assert path == "/api/chat/completions"
        assert headers["authorization"] == f"Bearer {KEY}"
        assert sent["messages"] == [{"role": "user", "content": "Hello!"}]

    async def test_and_hears_its_stream_in_its_own_framing(
        self, house: tuple[Gateway, Vendor]
    ) -> None:
        body = said("Hello!", brain="big", live=True)
        async with house[0].http.post("/v1/talk", json=body) as answer:
            assert answer.content_type == "application/x-ndjson"
            frames = lines(await answer.read())
        assert "".join(frame.get("bit", "") for frame in frames) == "Let me look. 🌦"
        assert frames[-1]["because"] == "done"
        assert house[1].received[-1][2]["stream"] is True

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    async def test_another_client_is_answered_by_its_vendor(
        self, house: tuple[Gateway, Vendor], stream: bool
    ) -> None:
        gateway, vendor = house
        body = chat("Hello!", model="polly", stream=stream)
        async with gateway.http.post("/v1/chat/completions", json=body) as answer:
            assert answer.status == 200
            data = await answer.read()
        path, headers, sent = vendor.received[-1]
        assert (path, headers["x-perch"]) == ("/api/talk", KEY)
        assert sent == {
            "brain": "polly",
            "dialogue": [{"who": "human", "says": "Hello!"}],
            "live": stream,
        }
        if stream:
            decoded = dialects.get("openai.chat").stream_decoder().feed(data)
            assert "".join(chunk.text for chunk in decoded) == "Hello, Jane!"
        else:
            told = json.loads(data)
            assert told["choices"][0]["message"]["content"] == "You said: Hello!"
            assert told["usage"]["prompt_tokens"] == EATEN["seeds"]

    async def test_its_own_clients_body_goes_to_its_vendor_untouched(
        self, house: tuple[Gateway, Vendor]
    ) -> None:
        body = said("Hello!", brain="polly", plumage="green", heat=0.3)
        async with house[0].http.post("/v1/talk", json=body) as answer:
            assert (await answer.json()).get("says") == "You said: Hello!", await answer.text()
        assert house[1].received[-1][2] == body

    async def test_errors_are_told_in_its_words_and_read_from_them(
        self, house: tuple[Gateway, Vendor]
    ) -> None:
        http = house[0].http
        async with http.post("/v1/talk", json={"brain": "auto"}) as answer:
            assert answer.status == 400
            assert await answer.json() == {"squawk": "Must be a list (dialogue)"}
        body = chat("!fail", model="polly")
        async with http.post("/v1/chat/completions", json=body) as answer:
            assert answer.status == 422
            assert "Too hot." in (await answer.json())["error"]["message"]

    @pytest.mark.parametrize("live", [False, True])
    async def test_a_secret_in_its_words_stays_here(
        self, house: tuple[Gateway, Vendor], live: bool
    ) -> None:
        gateway, vendor = house
        asked, local = len(vendor.received), len(gateway.local.received)
        body = said(f"my key is {SECRET}", live=live)
        async with gateway.http.post("/v1/talk", json=body) as answer:
            assert answer.status == 200
            assert answer.headers["x-shortstop-tier"] == "S3"
            assert answer.headers["x-shortstop-target"] == "small"
            await answer.read()
        async with gateway.http.post("/v1/talk", json={**body, "brain": "polly"}) as answer:
            assert answer.headers["x-shortstop-target"] == "small", "also where it is named"
        assert len(vendor.received) == asked
        assert len(gateway.local.received) == local + 2

    async def test_a_value_is_replaced_in_its_words_and_comes_back(
        self, house: tuple[Gateway, Vendor]
    ) -> None:
        gateway, vendor = house
        body = said("write to jane.doe@acme-corp.com", brain="polly")
        async with gateway.http.post("/v1/talk", json=body) as answer:
            assert answer.status == 200
            told = await answer.json()
        sent = vendor.received[-1][2]["dialogue"][0]["says"]
        assert sent.startswith("write to ")
        assert "jane.doe" not in sent
        assert told["says"] == "You said: write to jane.doe@acme-corp.com"

    async def test_the_gateways_document_has_it(self, house: tuple[Gateway, Vendor]) -> None:
        async with house[0].http.get("/openapi.json") as answer:
            operation = (await answer.json())["paths"]["/v1/talk"]["post"]
        assert "application/x-ndjson" in operation["responses"]["200"]["content"]
