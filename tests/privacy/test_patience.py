"""A long text may be read longer, and none for ever."""

from __future__ import annotations

import pytest

from shortstop.privacy.patience import AT_MOST, READ_AT_ONCE, patience


@pytest.mark.parametrize("characters", [0, 1, 4_000, READ_AT_ONCE])
def test_a_short_text_has_the_time_out_itself(characters: int) -> None:
    assert patience(2.0, characters) == 2.0


def test_a_long_text_has_more_and_the_longest_no_more_than_that() -> None:
    assert patience(2.0, 3 * READ_AT_ONCE) == 6.0
    assert patience(2.0, 10**9) == 2.0 * AT_MOST
