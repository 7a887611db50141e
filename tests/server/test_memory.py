"""The Responses API remembers, for the owner alone."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.server.conftest import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sdk(gateway: Gateway, secret: str = "unused") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=secret, max_retries=0)


def texts(gateway: Gateway) -> list[str]:
    """What the frontier was asked last, message by message."""
    return [str(m["content"]) for m in gateway.frontier.bodies[-1]["messages"]]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_goes_on_where_it_was(gateway: Gateway, stream: bool) -> None:
    async with sdk(gateway) as client:

        async def ask(said: str, **more: Any) -> Any:
            done: Any = await client.responses.create(
                model="big", input=said, stream=stream, **more
            )
            if not stream:
                return done
            return [event async for event in done][-1].response

        first = await ask("!say one")
        second = await ask("!say two", previous_response_id=first.id)
        third = await ask("!say three", previous_response_id=second.id)
        assert third.output_text.strip() == "three"
        asked_after = [first.previous_response_id, third.previous_response_id]
        assert asked_after == [None, second.id]
        assert [t.strip() for t in texts(gateway)] == [
            "!say one",
            "one",
            "!say two",
            "two",
            "!say three",
        ]
        branch = await ask("!say other", previous_response_id=first.id)
        assert branch.output_text.strip() == "other"
        assert len(texts(gateway)) == 3


async def test_what_is_not_to_be_stored_is_not_there(gateway: Gateway) -> None:
    async with sdk(gateway) as client:
        first = await client.responses.create(model="big", input="!say x", store=False)
        for call in (
            client.responses.create(model="big", input="y", previous_response_id=first.id),
            client.responses.create(model="big", input="y", previous_response_id="resp_none"),
        ):
            with pytest.raises(openai.BadRequestError) as raised:
                await call
            assert raised.value.code == "previous_response_not_found"
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)


async def test_sensitive_turns_are_not_written_down(gateway: Gateway) -> None:
    secret = "The key is AKIAIOSFODNN7EXAMPQZ, keep it"
    async with sdk(gateway) as client:
        first = await client.responses.create(model="auto", input=secret)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)
    kept = b"".join(p.read_bytes() for p in gateway.home.glob("responses.db*"))
    assert b"AKIAIOSFODNN7EXAMPQZ" not in kept


async def test_a_response_is_its_owners(gateway: Gateway) -> None:
    keys = []
    for name in ("one", "two"):
        async with gateway.http.post(
            "/admin/keys", json={"name": name}, headers=gateway.admin
        ) as answer:
            keys.append((await answer.json())["secret"])
    async with sdk(gateway, keys[0]) as owner, sdk(gateway, keys[1]) as other:
        first = await owner.responses.create(model="big", input="!say mine")
        assert (await owner.responses.retrieve(first.id)).output_text == "mine"
        with pytest.raises(openai.NotFoundError):
            await other.responses.retrieve(first.id)
        with pytest.raises(openai.BadRequestError) as raised:
            await other.responses.create(model="big", input="go on", previous_response_id=first.id)
        assert raised.value.code == "previous_response_not_found"
        with pytest.raises(openai.NotFoundError):
            await other.responses.delete(first.id)
        await owner.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            await owner.responses.retrieve(first.id)


async def test_a_restart_forgets_nothing(gateway: Gateway) -> None:
    async with sdk(gateway) as client:
        first = await client.responses.create(model="big", input="!say one")
    await gateway.stop()
    await gateway.start()
    async with sdk(gateway) as client:
        second = await client.responses.create(
            model="big", input="!say two", previous_response_id=first.id
        )
    assert second.output_text == "two"
    assert texts(gateway)[:2] == ["!say one", "one"]
