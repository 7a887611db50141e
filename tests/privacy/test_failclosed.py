"""Any failure is caught in one place, told by its type alone, and never swallows a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from shortstop.errors import PrivacyRefused, TargetRefused
from shortstop.privacy.failclosed import guarded, refused_on_failure

ERRORS = [RuntimeError, MemoryError, RecursionError, TimeoutError, OSError, ValueError]


@pytest.mark.parametrize("error", ERRORS)
def test_whatever_fails_becomes_a_value(error: type[Exception]) -> None:
    def fail() -> str:
        raise error("secret")

    assert guarded(fail, lambda e: type(e).__name__) == error.__name__
    assert guarded(lambda: "fine", lambda e: "closed") == "fine"


@pytest.mark.parametrize("error", ERRORS)
def test_or_a_refusal(error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(PrivacyRefused, match="not") as refusal, refused_on_failure("It is not."):
        raise error("secret")
    assert isinstance(refusal.value.__cause__, error)
    assert error.__name__ in caplog.text
    assert "secret" not in caplog.text


def test_a_refusal_passes_as_it_is() -> None:
    for refusal in (PrivacyRefused("a"), TargetRefused("b")):
        with pytest.raises(PrivacyRefused) as raised, refused_on_failure("c"):
            raise refusal
        assert raised.value is refusal
    with refused_on_failure("c"):
        pass


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_what_ends_the_work_ends_it(error: type[BaseException]) -> None:
    with pytest.raises(error), refused_on_failure("c"):
        raise error

    def end() -> None:
        raise error

    with pytest.raises(error):
        guarded(end, lambda e: None)
