"""What a vendor calls a failure, with whatever status it is sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shortstop import dialects
from shortstop.dialects.failures import failure, refuse_failure, told_failure
from shortstop.errors import TargetError, UpstreamFailed, UpstreamRejected


@pytest.mark.parametrize(
    ("tree", "status"),
    [
        ({"error": {"message": "no", "code": 429}}, 429),
        ({"error": {"message": "no", "code": "429"}}, 429),
        ({"error": {"message": "no", "type": "rate_limit_error"}}, 429),
        ({"error": "no"}, 502),
        ({"object": "error", "message": "no", "code": 400}, 400),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, 503),
        ({"choices": [{"error": {"code": 502, "message": "no"}}]}, 502),
        ({"base_resp": {"status_code": 1008, "status_msg": "no"}}, 502),
        ({"code": "InvalidParameter", "message": "no"}, 502),
    ],
)
def test_a_failure_is_one_in_every_form(tree: Any, status: int) -> None:
    with pytest.raises(TargetError, match="no") as caught:
        refuse_failure(tree)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "tree",
    [{"error": None, "choices": [{"error": None}]}, {"base_resp": {"status_code": 0}}, [], 7],
)
def test_an_answer_is_none(tree: Any) -> None:
    refuse_failure(tree)


def test_a_refusal_is_the_clients_and_a_failure_the_upstreams() -> None:
    assert isinstance(told_failure({"error": {"message": "x", "code": 400}}), UpstreamRejected)
    assert isinstance(told_failure({}), UpstreamFailed)


# ------------------------------------------------------------ classes


def openai_error(**details: Any) -> bytes:
    return msgspec.json.encode({"error": details})


def anthropic_error(kind: str, message: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})


OPENAI: list[tuple[int, dict[str, Any], str | None]] = [
    (400, {"code": "context_length_exceeded", "message": "too long"}, "context"),
    (400, {"message": "This model's maximum context length is 8192 tokens."}, "context"),
    (413, {"message": "Request too large."}, "context"),
    (400, {"code": "content_filter", "message": "The response was filtered due to the prompt"},
     "content_filter"),
    (400, {"code": "content_policy_violation", "message": "no"}, "content_filter"),
    (400, {"code": "invalid_prompt", "message": "Your prompt was flagged as potentially violating"
           " our usage policy."}, "content_filter"),
    (403, {"message": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"},
     "content_filter"),
    (403, {"message": "Your chosen model requires moderation and your input was flagged"},
     "content_filter"),
    (400, {"code": "data_inspection_failed", "message": "Input data may contain"},
     "content_filter"),
    (400, {"message": "Content Exists Risk"}, "content_filter"),
    (429, {"code": "rate_limit_exceeded", "message": "Rate limit reached"}, "rate_limit"),
    (429, {"code": "insufficient_quota", "message": "You exceeded your quota"}, "rate_limit"),
    (402, {"message": "Insufficient Balance"}, "rate_limit"),
    (401, {"code": "invalid_api_key", "message": "wrong"}, "outage"),
    (403, {"message": "Country not supported"}, "outage"),
    (404, {"code": "model_not_found", "message": "The model `x` does not exist"}, "outage"),
    (404, {"message": "No file with this id"}, None),
    (400, {"message": "temperature must be below 2"}, None),
    (422, {"message": "extra fields"}, None),
    (500, {"message": "oops"}, "outage"),
    (503, {"message": "busy"}, "outage"),
    (504, {"message": "late"}, "outage"),
]  # fmt: skip
ANTHROPIC: list[tuple[int, str, str, str | None]] = [
    (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000", "context"),
    (413, "request_too_large", "Request exceeds the maximum size", "context"),
    (400, "invalid_request_error", "Output blocked by content filtering policy", "content_filter"),
    (429, "rate_limit_error", "This would exceed your rate limit", "rate_limit"),
    (402, "billing_error", "Your credit balance is too low", "rate_limit"),
    (404, "not_found_error", "model: claude-0", "outage"),
    (529, "overloaded_error", "Overloaded", "outage"),
    (401, "authentication_error", "invalid x-api-key", "outage"),
    (400, "invalid_request_error", "messages: roles must alternate", None),
]


@pytest.mark.parametrize(("status", "details", "failure"), OPENAI)
@pytest.mark.parametrize("dialect", ["openai.chat", "openai.responses"])
def test_classes_in_openais_dialects(
    dialect: str, status: int, details: dict[str, Any], failure: str | None
) -> None:
    error = dialects.get(dialect).decode_error(status, openai_error(**details), None)
    assert error.failure == failure


@pytest.mark.parametrize(("status", "kind", "message", "failure"), ANTHROPIC)
def test_classes_in_anthropics_dialect(
    status: int, kind: str, message: str, failure: str | None
) -> None:
    body = anthropic_error(kind, message)
    error = dialects.get("anthropic.messages").decode_error(status, body, None)
    assert error.failure == failure


@pytest.mark.parametrize(
    ("status", "code", "about"),
    [(401, None, True), (403, None, True), (402, None, True), (429, "insufficient_quota", True),
     (429, "rate_limit_exceeded", False), (400, None, False), (500, None, False)],
)  # fmt: skip
def test_what_is_about_the_key(status: int, code: str | None, about: bool) -> None:
    assert failure(status, "no", code=code).about_key is about


def test_what_a_filter_refuses_is_the_clients_and_keeps_its_vendors_word() -> None:
    error = failure(403, "Content violates usage guidelines.")
    assert isinstance(error, UpstreamRejected)
    assert (error.status, error.code) == (400, "content_filter")
    assert failure(400, "no", code="content_policy_violation").code == "content_policy_violation"


def test_a_filter_that_is_told_in_a_stream_is_the_same() -> None:
    error = told_failure({"error": {"code": "content_filter", "message": "filtered"}})
    assert (error.failure, error.status) == ("content_filter", 400)
    late = told_failure({"error": {"message": "broke", "type": "server_error"}})
    assert late.failure == "outage"
