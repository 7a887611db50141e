"""Embedding models: which of them stands for `auto`, and that they answer no chat."""

from __future__ import annotations

import pytest

from shortstop.app.encoders import BUILTIN, EMBEDS, build_encoders, encoder_targets
from shortstop.app.engines import Engine, local_target
from shortstop.app.gateway import ANYBODY, Shortstop
from shortstop.config import ModelConfig
from shortstop.dialects.embeddings import decode_request
from shortstop.errors import NotFound
from shortstop.routing import packaged
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from shortstop.types import UNMETERED, Message, Request, Target, Text
from tests.app.parts import SMALL, VENDOR, Home
from tests.server.scripted import ScriptedModel

BOTH = (
    SMALL
    + '[models.vectors]\nurl = "http://127.0.0.1:9/v1"\nabilities = ["embeddings"]\n'
    + VENDOR
    + '[upstreams.vendor.models.far]\nabilities = ["embeddings"]\n'
)


def target(name: str, *abilities: str, local: bool = True) -> Target:
    return Target(name, name, local, "any", 512, frozenset(abilities))


def names(*targets: Target) -> list[str]:
    return list(encoder_targets({t.name: t for t in targets}, 256))


# ------------------------------------------------------------ which one stands for `auto`


def test_the_built_in_table_stands_for_auto_where_nothing_local_embeds() -> None:
    assert names() == [BUILTIN]
    assert names(target("chat", "json")) == [BUILTIN]
    assert names(target("far", EMBEDS, local=False)) == [BUILTIN, "far"]


def test_the_first_local_encoder_stands_for_auto_where_there_is_one() -> None:
    far, near, nearer = target("far", EMBEDS, local=False), target("a", EMBEDS), target("b", EMBEDS)
    assert names(far, nearer, near) == ["b", "a", "far"], "in the configuration's order"


def test_the_built_in_table_is_described_like_any_target() -> None:
    builtin = encoder_targets({}, 256)[BUILTIN]
    assert (builtin.model, builtin.local, builtin.price) == ("static-256", True, None)
    assert builtin.abilities == {EMBEDS}


# ------------------------------------------------------------ what they do


async def test_the_built_in_table_embeds_at_once() -> None:
    embedder = packaged().embedder
    encoders = build_encoders({}, {}, {}, embedder)
    reply = await encoders.local[BUILTIN].encode(decode_request({"model": "auto", "input": "card"}))
    assert [len(vector) for vector in reply.vectors] == [embedder.width]


async def test_a_local_server_embeds_under_its_own_name() -> None:
    async with ScriptedModel().running() as model:
        config = ModelConfig(url=f"{model.url}/v1", model="e5", abilities=(EMBEDS,))
        served = local_target("vectors", config, "e5", None)
        engine = Engine(config, served, Slots(1, 1), client=LocalClient(f"{model.url}/v1"))
        encoders = build_encoders({"vectors": served}, {"vectors": engine}, {}, packaged().embedder)
        asked = decode_request({"model": "vectors", "input": ["a", "b"]})
        reply = await encoders.local["vectors"].encode(asked)
        await engine.close()
    assert list(encoders.targets) == ["vectors"]
    assert reply.vectors == ((0.0, 5.0), (1.0, 6.0))
    assert model.bodies[0]["model"] == "e5"


# ------------------------------------------------------------ chats are apart


async def test_what_embeds_answers_no_chat_and_the_other_way_round(home: Home) -> None:
    home.configure(BOTH)
    gateway = Shortstop(home.config, home.source)
    async with gateway.running():
        assert list(gateway.targets) == ["small", "big", "vectors", "far"]
        for name in ("vectors", "far"):
            request = Request("r1", "openai.chat", {}, name, (Message("user", (Text("Hi"),)),))
            with pytest.raises(NotFound, match=name):
                await gateway.answer(request, ANYBODY, UNMETERED)
        for name in ("small", "big"):
            asked = decode_request({"model": name, "input": "Hi"})
            with pytest.raises(NotFound, match=name) as raised:
                await gateway.embed(asked, "r2", ANYBODY, UNMETERED)
            assert "vectors, far" in raised.value.hint
