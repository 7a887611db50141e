"""The document promises what the code accepts: budgets, the vendors' bounds, errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.accounts import GrantRequest
from shortstop.dialects import embeddings
from shortstop.errors import InvalidRequest, NotFound
from shortstop.server.openapi import document


def validator(name: str) -> jsonschema_rs.Validator:
    root = {**document(), "$ref": f"#/components/schemas/{name}"}
    return jsonschema_rs.validator_for(root)


# ---------------------------------------------------------------- budgets

GRANT = validator("GrantRequest")


def accepted(budget: object) -> bool:
    """Whether a key with this budget can be made: through the type that the route decodes."""
    try:
        grant = msgspec.convert({"name": "x", "budget_usd": budget}, GrantRequest).grant()
    except msgspec.ValidationError:
        return False
    assert grant.budget_usd is None or 0 < grant.budget_usd < 1_000_000
    return True


BUDGETS = {
    True: [
        *("0.50", "25", "1", ".5", "5.", "0.000000000001", "999999.999999999999", "100000"),
        *(0.5, 25, 1e3, 999_999.99, 1e-9, None),
    ],
    False: [
        *("0", "0.0", "-1", "1000000", "NaN", "Infinity", "", " 5", "5\n", "1_0", "1e3", "٣", "$5"),
        *(0, -0.5, 1_000_000, 1e300, True, [], {}),
    ],
}


@pytest.mark.parametrize(
    ("good", "budget"), [(good, b) for good, budgets in BUDGETS.items() for b in budgets]
)
def test_a_budget_is_valid_where_it_is_accepted(good: bool, budget: object) -> None:
    assert accepted(budget) is good
    assert GRANT.is_valid({"name": "x", "budget_usd": budget}) is good


NUMERIC = st.text("0123456789.", max_size=9) | st.text("0159.eE+-_ \n$", max_size=9)


@given(NUMERIC | st.text(max_size=9) | st.floats() | st.integers())
def test_the_document_and_the_code_agree_on_budgets(budget: str | float) -> None:
    if isinstance(budget, float) and not Decimal(budget).is_finite():
        return  # no JSON
    assert GRANT.is_valid({"name": "x", "budget_usd": budget}) is accepted(budget)


# ---------------------------------------------------------------- the vendors' requests

MESSAGES = [{"role": "user", "content": "hello"}]
REQUESTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ChatRequest": (dialects.get("openai.chat").decode_request, {"messages": MESSAGES}),
    "CompletionRequest": (
        dialects.get("openai.completions").decode_request,
        {"prompt": "hello"},
    ),
    "ResponseRequest": (dialects.get("openai.responses").decode_request, {"input": "hello"}),
    "MessageRequest": (
        dialects.get("anthropic.messages").decode_request,
        {"messages": MESSAGES, "max_tokens": 5},
    ),
    "EmbeddingRequest": (lambda body, id: embeddings.decode_request(body), {"input": "hello"}),
}


def bounds(name: str) -> Iterator[tuple[str, float, bool]]:
    """Field, value, whether it is within: at each bound of each number, and just outside."""
    for field, schema in document()["components"]["schemas"][name]["properties"].items():
        step = 1 if "integer" in schema.get("type", ()) else 0.001
        for key, sign in (("minimum", -1), ("maximum", 1)):
            if key in schema:
                yield field, schema[key], True
                yield field, schema[key] + sign * step, False


CASES = [(name, *case) for name in REQUESTS for case in bounds(name)]


@pytest.mark.parametrize(("name", "field", "value", "inside"), CASES)
def test_bounds_are_those_of_the_dialect(name: str, field: str, value: float, inside: bool) -> None:
    decode, body = REQUESTS[name]
    request = {"model": "auto", **body, field: value}
    assert validator(name).is_valid(request) is inside
    if inside:
        decode(request, "r")
    else:
        with pytest.raises(InvalidRequest) as raised:
            decode(request, "r")
        assert raised.value.param == field


def test_any_number_of_stop_sequences_is_described_and_read() -> None:
    decode, body = REQUESTS["ChatRequest"]
    request = {"model": "auto", **body, "stop": list("abcdefgh")}
    assert validator("ChatRequest").is_valid(request)
    assert decode(request, "r").sampling.stop == tuple("abcdefgh")


@pytest.mark.parametrize("name", ["openai.chat", "openai.responses", "anthropic.messages"])
def test_errors_are_as_described(name: Any) -> None:
    described = validator("AnthropicError" if name == "anthropic.messages" else "OpenAIError")
    error = NotFound("Not found.", param="id", hint="Look elsewhere.")
    body = json.loads(dialects.get(name).encode_error(error, "req_1"))
    assert described.is_valid(body)
