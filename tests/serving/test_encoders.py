"""Local encoders: the static table, and a server of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.dialects.embeddings import EmbeddingRequest
from shortstop.errors import InvalidRequest, TargetError
from shortstop.serving.encoders import ServedEncoder, StaticEncoder, shortened
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from tests.server.scripted import ScriptedModel


class Table:
    """Four numbers a text: how often it holds a, b, c and d."""

    width = 4

    def embed(self, text: str) -> Iterable[float]:
        counts = [text.count(c) for c in "abcd"]
        length = sum(n * n for n in counts) ** 0.5
        return [n / length if length else 0.0 for n in counts]

    def tokens(self, text: str) -> int:
        return len(text.split())


def asked(*inputs: str | tuple[int, ...], dimensions: int | None = None) -> EmbeddingRequest:
    body = {"model": "auto", "input": list(inputs)}
    return EmbeddingRequest(body, "auto", inputs, dimensions=dimensions)


async def test_a_vector_for_each_text_in_its_order() -> None:
    reply = await StaticEncoder(Table()).encode(asked("a b", "c c", "x"))
    assert reply.vectors[1] == (0.0, 0.0, 1.0, 0.0)
    assert reply.vectors[2] == (0.0, 0.0, 0.0, 0.0)
    assert isclose(sum(x * x for x in reply.vectors[0]), 1.0)
    assert reply.tokens == 5


async def test_fewer_dimensions_are_the_first_ones_at_unit_length() -> None:
    reply = await StaticEncoder(Table()).encode(asked("aab", dimensions=1))
    assert reply.vectors == ((1.0,),)
    with pytest.raises(InvalidRequest, match="4 dimensions") as caught:
        await StaticEncoder(Table()).encode(asked("a", dimensions=5))
    assert caught.value.param == "dimensions"


async def test_token_numbers_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="not token numbers") as caught:
        await StaticEncoder(Table()).encode(asked((1, 2)))
    assert caught.value.param == "input"
    assert caught.value.hint


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.integers(1, 8))
def test_shortening_keeps_the_direction(vector: list[float], dimensions: int) -> None:
    short = shortened(vector, asked("x", dimensions=dimensions))
    assert len(short) == min(dimensions, len(vector))
    length = sum(x * x for x in vector[:dimensions]) ** 0.5
    if length > 1e-6:
        assert isclose(sum(x * x for x in short), 1.0, rel_tol=1e-6)
        assert all(
            isclose(s * length, v, abs_tol=1e-6) for s, v in zip(short, vector, strict=False)
        )
    assert shortened(vector, asked("x")) == tuple(vector)


async def test_a_server_s_vectors_come_in_the_order_of_the_inputs() -> None:
    """The scripted server sends them backwards; the index counts."""
    async with ScriptedModel().running() as model:
        client, slots = LocalClient(f"{model.url}/v1"), Slots(1, 1)
        encoder = ServedEncoder("embed", lambda: client, slots)
        reply = await encoder.encode(asked("x", "y"))
        await client.close()
    assert reply.vectors == ((0.0, 5.0), (1.0, 6.0))
    assert reply.tokens == 7
    assert slots.running == 0
    assert model.bodies[0]["model"] == "embed"


async def test_a_server_s_error_is_a_target_error(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel()

    async def refuse(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(model, "_embed", refuse)
    async with model.running():
        client, slots = LocalClient(f"{model.url}/v1"), Slots(1, 1)
        with pytest.raises(TargetError):
            await ServedEncoder("embed", lambda: client, slots).encode(asked("x"))
        await client.close()
    assert slots.running == 0
