"""No error tells what a server was shown, whatever the server makes of it."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shortstop.errors import TargetError, UpstreamRejected
from shortstop.serving.hiding import GIVEAWAY, REMOVED, Hiding, hidden

KEY = "d41d8cd98f00b204e9800998ecf8427e"
SHOWN = {"authorization": f"Bearer {KEY}", "x-tenant": "acme"}


def told(message: str, code: str | None = None, param: str | None = None) -> TargetError:
    with pytest.raises(UpstreamRejected) as raised, Hiding(SHOWN, dict):
        raise UpstreamRejected(message, code=code, param=param)
    return raised.value


def test_a_key_that_looks_like_none_is_removed_wherever_it_is() -> None:
    error = told(f"The key {KEY} of acme is unknown.", code=KEY, param=f"header/{KEY}")
    assert str(error) == f"The key {REMOVED} of acme is unknown."
    assert (error.code, error.param) == (REMOVED, f"header/{REMOVED}")


@given(
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    start=st.integers(0, len(KEY) - GIVEAWAY),
    size=st.integers(GIVEAWAY, len(KEY)),
)
def test_no_piece_of_a_key_is_left_that_tells_much_of_it(
    before: str, after: str, start: int, size: int
) -> None:
    assume(not set(before + after) & set(KEY))
    left = hidden(f"{before}{KEY[start : start + size]}{after}", [KEY])
    assert left == f"{before}{REMOVED}{after}"


def test_its_ends_may_be_told_and_words_may_be_like_keys() -> None:
    masked = f"The key {KEY[:6]}****{KEY[-4:]} has no credit: none."
    assert told(masked).message == masked
    with pytest.raises(UpstreamRejected, match="none is no model"), Hiding({"k": "none"}, dict):
        raise UpstreamRejected("none is no model")


def test_a_renewed_key_is_removed_too_and_short_ones_are_whole() -> None:
    with pytest.raises(UpstreamRejected) as raised, Hiding(SHOWN, lambda: {"k": "s3cret-12"}):
        raise UpstreamRejected("s3cret-12s3cret-12, and s3cret-1")
    assert str(raised.value) == f"{REMOVED}, and s3cret-1"


def test_other_errors_pass() -> None:
    with pytest.raises(ValueError, match=KEY), Hiding(SHOWN, dict):
        raise ValueError(KEY)
