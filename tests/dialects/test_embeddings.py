"""Embeddings (case 33)."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from shortstop.dialects import embeddings
from shortstop.errors import InvalidRequest, UpstreamFailed


def request(**more: Any) -> embeddings.EmbeddingRequest:
    return embeddings.decode_request({"model": "e", "input": "a", **more})


@pytest.mark.parametrize(
    ("said", "inputs"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
    ],
)
def test_33_inputs(said: Any, inputs: Any) -> None:
    assert request(input=said).inputs == inputs


@pytest.mark.parametrize(
    ("param", "more"),
    [
        ("input", {"input": None}),
        ("input", {"input": ""}),
        ("input", {"input": []}),
        ("input[1]", {"input": ["a", ""]}),
        ("input[1]", {"input": ["a", 5]}),
        ("input[0]", {"input": [[1, "a"]]}),
        ("input", {"input": ["a"] * 2049}),
        ("encoding_format", {"encoding_format": "hex"}),
        ("encoding_format", {"encoding_format": []}),
        ("dimensions", {"dimensions": 0}),
        ("model", {"model": ""}),
    ],
)
def test_33_wrong_values(param: str, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**more)
    assert caught.value.param == param


def test_33_absent_stays_absent() -> None:
    body = json.loads(embeddings.encode_request(request(encoding_format=None, x=1), "target"))
    assert body == {"model": "target", "input": "a", "x": 1}


VECTORS = ((0.5, -1.25), (3.0, 0.0))


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_33_float_and_base64(encoding: str | None) -> None:
    made = embeddings.encode_reply(
        embeddings.EmbeddingReply(VECTORS, 7), request(encoding_format=encoding)
    )
    told = json.loads(made)
    first = told["data"][0]["embedding"]
    if encoding == "base64":
        assert base64.b64decode(first) == struct.pack("<2f", 0.5, -1.25)
    else:
        assert first == [0.5, -1.25]
        CreateEmbeddingResponse.model_validate_json(made)
    assert [d["index"] for d in told["data"]] == [0, 1]
    assert told["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert embeddings.decode_reply(made) == embeddings.EmbeddingReply(VECTORS, 7)


def test_33_order_is_by_index() -> None:
    data = [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]
    reply = embeddings.decode_reply(json.dumps({"data": data}).encode())
    assert reply.vectors == ((1.0,), (2.0,))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"data":null}',
        b'{"data":[{"index":1,"embedding":[1]}]}',
        b'{"data":[{"index":0,"embedding":"AAA"}]}',
        b'{"data":[{"index":0,"embedding":"AAAA"}]}',
        b'{"data":[{"index":0,"embedding":["x"]}]}',
    ],
)
def test_33_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        embeddings.decode_reply(body)
