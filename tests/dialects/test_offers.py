"""What servers say they have, in the words of several, and what is no list."""

from __future__ import annotations

import json

import pytest

from shortstop.dialects import Offered, decode_offers
from shortstop.errors import UpstreamFailed


def listed(*rows: object) -> bytes:
    return json.dumps({"object": "list", "data": rows}).encode()


def test_vendors_and_local_servers_say_how_much_their_models_take() -> None:
    body = listed(
        {"id": "gpt-6.1-sol", "object": "model", "owned_by": "openai"},
        {"id": "qwen", "max_model_len": 32768},
        {"id": "anthropic/claude", "context_length": 1_000_000},
        {"id": "lm", "max_context_length": 8192},
        {"id": "odd", "max_model_len": "many"},
        {"id": "qwen", "max_model_len": 4096},
    )
    found = {one.id: one.context for one in decode_offers(body)}
    assert found["gpt-6.1-sol"] is None
    assert found["anthropic/claude"] == 1_000_000
    assert found["lm"] == 8192
    assert found["odd"] is None


def test_rows_that_name_nothing_are_left_out() -> None:
    body = listed({"id": "good"}, {"id": 7}, "text", {"id": "a b"}, {"id": "x" * 999}, {"id": "\n"})
    assert decode_offers(body) == (Offered("good"),)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"data": 7}', b'{"data": [1]}', b"[" * 100_000, b"\xff"],
)
def test_what_is_no_list_is_said_so(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        decode_offers(body)


def test_an_empty_list_is_one_and_a_long_one_is_cut() -> None:
    assert decode_offers(listed()) == ()
    assert len(decode_offers(listed(*({"id": f"m{i}"} for i in range(20_000))))) == 5_000
