"""Lines of the output, as OpenAI writes them."""

from __future__ import annotations

import json

from shortstop.batches.answer import EXPIRED, LineAnswer, written


def test_an_answer_is_written_as_it_came() -> None:
    body = b'{"b": 1.50,\n "a": "\\u00e9"}'
    whole = written("é\n", LineAnswer(200, "req_1", body))
    assert whole.endswith(b"\n")
    line = json.loads(whole)
    assert line.pop("id").startswith("batch_req_")
    assert line == {
        "custom_id": "é\n",
        "response": {"status_code": 200, "request_id": "req_1", "body": json.loads(body)},
        "error": None,
    }


def test_what_was_not_asked_has_a_reason() -> None:
    line = json.loads(written("a", EXPIRED))
    assert line["response"] is None
    assert line["error"]["code"] == "batch_expired"


def test_ids_are_never_the_same() -> None:
    ids = {json.loads(written("a", EXPIRED))["id"] for _ in range(100)}
    assert len(ids) == 100
