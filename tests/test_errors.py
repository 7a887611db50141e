"""The error tree is as it is drawn, and each error says what a client needs to know."""

from __future__ import annotations

import inspect
import re

import pytest

from shortstop import errors
from shortstop.errors import (
    LONGEST_TOLD,
    InvalidRequest,
    RequestError,
    ShortstopError,
    TargetError,
    UpstreamFailed,
    UpstreamRejected,
)

TREE = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, ShortstopError)
}
DRAWN = dict(re.findall(r"[├└]── (\w+) +(\d{3}|4xx)?", str(errors.__doc__)))


def test_the_drawing_is_complete() -> None:
    assert DRAWN.keys() | {"ShortstopError"} >= TREE.keys() - {"TargetRefused"}
    assert DRAWN.keys() <= TREE.keys()


@pytest.mark.parametrize("name", sorted(name for name, status in DRAWN.items() if status))
def test_the_statuses_are_the_drawn_ones(name: str) -> None:
    wanted = DRAWN[name]
    status = TREE[name].status
    assert str(status) == wanted or (wanted == "4xx" and 400 <= status < 500)


@pytest.mark.parametrize("kind", TREE.values(), ids=TREE)
def test_every_error_says_what_it_means(kind: type[ShortstopError]) -> None:
    assert kind.__doc__
    assert inspect.getdoc(kind) != inspect.getdoc(Exception)


def test_what_the_client_can_fix_is_a_4xx() -> None:
    for kind in TREE.values():
        assert 400 <= kind.status < 500 or not issubclass(kind, RequestError)


def test_message_and_hint_are_one_text() -> None:
    assert str(ShortstopError("It broke.")) == "It broke."
    assert str(ShortstopError("It broke.", hint="Try again.")) == "It broke. Try again."


def test_an_instance_may_know_better_than_its_class() -> None:
    error = ShortstopError("x", code="special", status=418, param="p", retry_after=2.0)
    assert (error.code, error.status, error.param, error.retry_after) == ("special", 418, "p", 2.0)
    assert ShortstopError.status == 500


def test_what_a_client_is_told_has_an_end() -> None:
    error = InvalidRequest(f"The model {'m' * 100_000!r} is unknown.", hint="Name another.")
    assert len(error.told) < LONGEST_TOLD + 10
    assert error.told.startswith("The model 'mmm")
    assert error.told.endswith("mmm' is unknown. Name another.")
    assert InvalidRequest("Short.", hint="So.").told == "Short. So."


@pytest.mark.parametrize(
    ("status", "code", "advice", "retryable"),
    [
        (400, None, None, False),
        (408, None, None, True),
        (409, None, None, True),
        (429, None, None, True),
        (429, "insufficient_quota", None, False),
        (400, None, True, True),
        (429, None, False, False),
    ],
)
def test_a_refusal_is_retried_only_when_that_may_help(
    status: int, code: str | None, advice: bool | None, retryable: bool
) -> None:
    error = UpstreamRejected("x", status=status, code=code)
    error.advice = advice
    assert error.retryable is retryable


@pytest.mark.parametrize(("advice", "retryable"), [(None, True), (True, True), (False, False)])
def test_a_failure_is_retried_unless_the_vendor_advises_against_it(
    advice: bool | None, retryable: bool
) -> None:
    error: TargetError = UpstreamFailed("x")
    error.advice = advice
    assert error.retryable is retryable
