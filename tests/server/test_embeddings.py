"""POST /v1/embeddings and /v1/messages/count_tokens, with the official SDKs."""

from __future__ import annotations

import base64
import math
import sqlite3
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE = """
[upstreams.vendor.models.vectors]
model = "text-embedding-3-small"
abilities = ["embeddings"]
[prices.text-embedding-3-small]
input = 0.02
output = 0
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedding_gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path_factory.mktemp("embeddings"), more=MORE) as running:
        yield running


def sdk(gateway: Gateway) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_the_built_in_encoder_puts_like_texts_together(embedding_gateway: Gateway) -> None:
    async with sdk(embedding_gateway) as client:
        done = await client.embeddings.create(
            model="auto",
            input=[
                "My credit card was stolen yesterday",
                "Somebody took my bank card",
                "The weather is sunny in the mountains",
            ],
        )
    one, two, three = (item.embedding for item in done.data)
    assert [item.index for item in done.data] == [0, 1, 2]
    assert cosine(one, one) == pytest.approx(1, abs=1e-5)
    assert cosine(one, two) > cosine(one, three) + 0.1
    assert done.usage.prompt_tokens == 6 + 5 + 7


async def test_floats_and_base64_are_the_same_vector(embedding_gateway: Gateway) -> None:
    async def ask(**more: object) -> object:
        body = {"model": "auto", "input": "one text", **more}
        async with embedding_gateway.http.post("/v1/embeddings", json=body) as answer:
            assert answer.status == 200
            return (await answer.json())["data"][0]["embedding"]

    floats, packed = await ask(), await ask(encoding_format="base64")
    assert isinstance(floats, list)
    assert isinstance(packed, str)
    raw = base64.b64decode(packed)
    assert struct.unpack(f"<{len(raw) // 4}f", raw) == pytest.approx(floats)
    assert await ask(encoding_format=None) == floats


async def test_fewer_dimensions_are_the_first_ones_at_unit_length(
    embedding_gateway: Gateway,
) -> None:
    async with sdk(embedding_gateway) as client:
        whole = (await client.embeddings.create(model="auto", input="a b c d")).data[0].embedding
        short = await client.embeddings.create(model="auto", input="a b c d", dimensions=16)
        with pytest.raises(openai.BadRequestError, match="dimensions"):
            await client.embeddings.create(model="auto", input="x", dimensions=4096)
    kept = short.data[0].embedding
    length = math.sqrt(cosine(whole[:16], whole[:16]))
    assert kept == pytest.approx([x / length for x in whole[:16]], abs=1e-6)


async def test_token_numbers_are_refused_locally_in_words(embedding_gateway: Gateway) -> None:
    async with sdk(embedding_gateway) as client:
        with pytest.raises(openai.BadRequestError) as raised:
            await client.embeddings.create(model="auto", input=[1, 2, 3])
    assert raised.value.param == "input"


async def test_an_upstream_embeds_and_is_billed(embedding_gateway: Gateway) -> None:
    async with sdk(embedding_gateway) as client:
        done = await client.embeddings.create(model="vectors", input=["first", "second"])
        assert [item.embedding for item in done.data] == [[0.0, 5.0], [1.0, 6.0]]
        assert done.model == "vectors"
    asked = embedding_gateway.frontier.bodies[-1]
    assert asked["model"] == "text-embedding-3-small"
    assert asked["input"] == ["first", "second"]
    await embedding_gateway.stop()
    with sqlite3.connect(embedding_gateway.home / "traces.db") as db:
        rows = db.execute(
            "SELECT outcome, prompt_tokens, cost_pico FROM traces WHERE target = 'vectors'"
        ).fetchall()
    await embedding_gateway.start()
    assert len(rows) == 1
    assert rows[0][:2] == ("ok", 7)
    assert rows[0][2] > 0


async def test_what_is_sensitive_is_never_embedded_elsewhere(embedding_gateway: Gateway) -> None:
    secret = "My card is 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00."
    before = len(embedding_gateway.frontier.received)
    async with sdk(embedding_gateway) as client:
        with pytest.raises(openai.PermissionDeniedError) as raised:
            await client.embeddings.create(model="vectors", input=secret)
        assert raised.value.code == "privacy_refused"
        assert len(embedding_gateway.frontier.received) == before
        await client.embeddings.create(model="auto", input=secret)


async def test_models_that_embed_are_listed_and_do_not_chat(embedding_gateway: Gateway) -> None:
    async with sdk(embedding_gateway) as client:
        listed = {model.id for model in (await client.models.list()).data}
        assert {"static", "vectors", "small", "big"} <= listed
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(
                model="vectors", messages=[{"role": "user", "content": "hi"}]
            )
        with pytest.raises(openai.NotFoundError):
            await client.embeddings.create(model="big", input="hi")


async def test_tokens_are_counted_before_they_are_paid(embedding_gateway: Gateway) -> None:
    async with anthropic.AsyncAnthropic(base_url=embedding_gateway.url, api_key="unused") as client:
        short = await client.messages.count_tokens(
            model="auto", messages=[{"role": "user", "content": "Hello there"}]
        )
        long = await client.messages.count_tokens(
            model="auto",
            system="Be brief.",
            messages=[{"role": "user", "content": "Hello there " * 100}],
        )
        assert 1 <= short.input_tokens < 10
        assert 200 < long.input_tokens < 500
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.count_tokens(model="auto", messages=[])


async def test_an_anthropic_upstream_counts_itself(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        text = gateway.config_file.read_text()
        more = (
            f'[upstreams.claude]\nbase_url = "{gateway.frontier.url}"\ndialect = "anthropic"\n'
            '[upstreams.claude.models.sonnet]\nmodel = "claude-sonnet-5-5"\n'
        )
        gateway.config_file.write_text(text + more)
        async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
            assert answer.status == 200
        async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key="unused") as client:
            counted = await client.messages.count_tokens(
                model="sonnet", messages=[{"role": "user", "content": "Hello"}]
            )
        assert counted.input_tokens == 4242
        assert "max_tokens" not in gateway.frontier.bodies[-1]
