from __future__ import annotations

import pytest

from shortstop.errors import TargetError, UpstreamFailed, UpstreamRejected
from shortstop.serving.upstreams import Patience

PATIENCE = Patience(retries=2, backoff=0.5, longest=20)


def test_backs_off_exponentially_with_jitter() -> None:
    error = UpstreamFailed("lost")
    assert PATIENCE.pause(1, error, 0.0) == 0.25
    assert PATIENCE.pause(1, error, 0.999) == pytest.approx(0.5, abs=0.001)
    assert PATIENCE.pause(2, error, 0.999) == pytest.approx(1.0, abs=0.001)
    assert PATIENCE.pause(3, error, 0.5) is None, "no more than two retries"


def test_obeys_retry_after_unless_it_is_too_long() -> None:
    assert PATIENCE.pause(1, UpstreamFailed("busy", retry_after=3), 0.5) == 3
    assert PATIENCE.pause(1, UpstreamFailed("busy", retry_after=60), 0.5) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_never_repeats_what_was_refused(status: int) -> None:
    error: TargetError = UpstreamRejected("no", status=status)
    assert PATIENCE.pause(1, error, 0.5) is None


def test_repeats_after_a_rate_limit() -> None:
    assert PATIENCE.pause(1, UpstreamRejected("slow down", status=429), 0.5) is not None
