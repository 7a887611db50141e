"""What vendors are sent and say about batches: pure steps, whatever comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse
from openai.types import Batch, FileObject

from shortstop.dialects import BatchApi, BatchCall, BatchState, Steps
from shortstop.dialects.anthropic.batching import AnthropicBatchApi
from shortstop.dialects.openai.batching import OpenAIBatchApi
from shortstop.errors import UpstreamFailed, UpstreamRejected
from shortstop.types.batches import VendorResult

GPTS, CLAUDES = OpenAIBatchApi("/v1/chat/completions"), AnthropicBatchApi()
LINES = {"n-1": b'{"model":"m"}', "n-2": b'{"model":"m","n":2}'}
COUNTS = {"canceled": 0, "errored": 0, "expired": 0, "processing": 2, "succeeded": 0}
WHEN = "2026-11-27T19:00:00Z"
AT = 1795806000.0


def taken(steps: Steps[Any], *told: Any) -> tuple[list[BatchCall], Any]:
    """The calls that were made, and what came out."""
    calls = [next(steps)]
    for one in told:
        try:
            calls.append(steps.throw(one) if isinstance(one, Exception) else steps.send(one))
        except StopIteration as end:
            return calls, end.value
    raise AssertionError(calls[-1])


def gpt_batch(**changes: Any) -> dict[str, Any]:
    whole = {
        "id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "created_at": AT,
        "completion_window": "24h", "input_file_id": "file-1", "status": "in_progress", **changes,
    }  # fmt: skip
    return Batch.model_validate(whole).model_dump()


def claude_batch(**changes: Any) -> dict[str, Any]:
    whole = {
        "id": "msgbatch_1", "type": "message_batch", "created_at": WHEN, "expires_at": WHEN,
        "processing_status": "in_progress", "request_counts": COUNTS, **changes,
    }  # fmt: skip
    return MessageBatch.model_validate(whole).model_dump(mode="json")


def test_openai_is_sent_a_file_and_then_a_batch_over_it() -> None:
    file = FileObject(
        id="file-1", bytes=9, created_at=1, filename="f", object="file", purpose="batch",
        status="processed",
    ).model_dump()  # fmt: skip
    (upload, create), id = taken(GPTS.submit("n", LINES), file, gpt_batch())
    assert id == "batch_1"
    assert (upload.path, upload.holds, create.path, create.holds) == (
        "/files", True, "/batches", False,
    )  # fmt: skip
    lines = [json.loads(row) for row in upload.body.splitlines() if row.startswith(b"{")]
    assert [(one["custom_id"], one["method"], one["url"]) for one in lines] == [
        ("n-1", "POST", "/v1/chat/completions"),
        ("n-2", "POST", "/v1/chat/completions"),
    ]
    assert lines[1]["body"] == {"model": "m", "n": 2}
    asked = json.loads(create.body)
    assert asked["metadata"] == {"shortstop": "n"}
    assert asked["completion_window"] == "24h"


def test_a_file_without_a_batch_is_deleted() -> None:
    steps = GPTS.submit("n", LINES)
    next(steps)
    steps.send({"id": "file-1"})
    refused = UpstreamRejected("no")
    assert steps.throw(refused) == BatchCall("DELETE", "/files/file-1")
    with pytest.raises(UpstreamRejected):
        steps.send({})


def test_openai_finds_by_the_name_over_pages() -> None:
    other = gpt_batch(id="batch_9", metadata={"shortstop": "other"})
    mine = gpt_batch(id="batch_2", metadata={"shortstop": "n"})
    pages = ({"data": [other], "has_more": True}, {"data": [mine], "has_more": True})
    calls, found = taken(GPTS.find("n", 2, AT - 60), *pages)
    assert found == ["batch_2"]
    assert calls[1].path == "/batches?limit=100&after=batch_9"
    old = gpt_batch(id="batch_3", created_at=AT - 100)
    assert taken(GPTS.find("n", 2, AT), {"data": [old], "has_more": True})[1] == []


def test_anthropic_finds_by_number_and_time() -> None:
    mine, small = claude_batch(), claude_batch(id="b2", request_counts={**COUNTS, "processing": 1})
    old = claude_batch(id="b3", created_at="2026-11-26T19:00:00Z")
    page = {"data": [small, mine, old], "has_more": True}
    calls, found = taken(CLAUDES.find("n", 2, AT), page)
    assert (len(calls), found) == (1, ["msgbatch_1"])


def test_anthropic_is_sent_all_at_once() -> None:
    (call,), id = taken(CLAUDES.submit("n", LINES), claude_batch())
    assert (id, call.path, call.holds) == ("msgbatch_1", "/v1/messages/batches", True)
    assert json.loads(call.body)["requests"][1] == {
        "custom_id": "n-2",
        "params": {"model": "m", "n": 2},
    }


def test_states() -> None:
    done = gpt_batch(status="completed", output_file_id="file-2", error_file_id=None)
    assert taken(GPTS.state("batch_1"), done)[1] == BatchState(True, ("/files/file-2/content",))
    assert taken(GPTS.state("batch_1"), gpt_batch(status="failed"))[1] == BatchState(over=True)
    assert taken(GPTS.state("batch_1"), gpt_batch())[1] == BatchState(over=False)
    ended = claude_batch(processing_status="ended", results_url="https://evil.example/steal")
    state = taken(CLAUDES.state("msgbatch_1"), ended)[1]
    assert state == BatchState(True, ("/v1/messages/batches/msgbatch_1/results",))


@pytest.mark.parametrize("id", ["", "a/../b", "x?y", 7, None, "a" * 200])
def test_an_id_that_is_no_part_of_a_path_is_none(id: object) -> None:
    steps = CLAUDES.submit("n", LINES)
    next(steps)
    with pytest.raises(UpstreamFailed):
        steps.send({"id": id})


def test_results_of_openai() -> None:
    def line(**parts: Any) -> bytes:
        return json.dumps({"id": "r", "custom_id": "n-1", **parts}).encode()

    good = line(response={"status_code": 200, "request_id": "q", "body": {"x": 1}}, error=None)
    assert GPTS.result(good) == ("n-1", VendorResult(200, b'{"x":1}'))
    late = line(response=None, error={"code": "batch_expired", "message": "late"})
    assert GPTS.result(late) == ("n-1", VendorResult(0))


def test_results_of_anthropic() -> None:
    def told(**result: Any) -> tuple[str, VendorResult]:
        whole = {"custom_id": "n-1", "result": result}
        MessageBatchIndividualResponse.model_validate(whole)
        return CLAUDES.result(json.dumps(whole).encode())

    for kind in ("canceled", "expired"):
        assert told(type=kind) == ("n-1", VendorResult(0))
    for kind, status in (("invalid_request_error", 400), ("api_error", 500),
                         ("overloaded_error", 529)):  # fmt: skip
        error = {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": None}
        name, result = told(type="errored", error=error)
        assert (name, result.status) == ("n-1", status)
        assert json.loads(result.body) == error
    message = {
        "id": "m", "type": "message", "role": "assistant", "model": "c", "content": [],
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    assert told(type="succeeded", message=message)[1].status == 200


@pytest.mark.parametrize("api", [GPTS, CLAUDES])
@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"7", b"{}", b'{"custom_id": 1}', b'{"custom_id": "n-1", "result": 7}',
        b'{"custom_id": "n-1", "response": {"status_code": "200", "body": {}},'
        b' "result": {"type": "succeeded"}}',
        b'{"custom_id": "n-1", "response": {"status_code": 200, "body": 7},'
        b' "result": {"type": "errored"}}',
    ],
)  # fmt: skip
def test_what_is_no_result_is_an_error_or_nothing(api: BatchApi, line: bytes) -> None:
    try:
        name, result = api.result(line)
    except ValueError:
        return
    assert (name, result) == ("n-1", VendorResult(0))
