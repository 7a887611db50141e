"""What is written to a file holds no value, or is not written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.redact import redacted
from shortstop.types import Json

from .conftest import UNTIMED, chat, guard

MAIL, SECRET = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"
GUARD = guard()


def test_every_value_becomes_its_label_and_the_rest_stays() -> None:
    body: Json = {
        "messages": [{"role": "user", "content": f"to {MAIL}, key {SECRET}"}],
        "x": {MAIL: None, "y": [f"again {MAIL}", 7]},
        "n": 1,
    }
    assert redacted(GUARD, body, "default") == {
        "messages": [{"role": "user", "content": "to [EMAIL], key [SECRET]"}],
        "x": {"[EMAIL]": None, "y": ["again [EMAIL]", 7]},
        "n": 1,
    }


def test_also_what_may_leave_is_not_written_down() -> None:
    """Tier S1: a public address of a machine."""
    assert redacted(GUARD, chat("ping 8.8.4.4 now"), "default") == chat("ping [IP] now")


def test_what_stands_under_a_key_that_is_a_value_keeps_the_body_out() -> None:
    """Key and text are read together, so what was found has no place in the text alone."""
    with pytest.raises(ValueError, match="too short"):
        redacted(GUARD, {"x": {MAIL: "hello"}}, "default")


def test_a_body_without_values_stays_as_it_is() -> None:
    body = chat("hello")
    assert redacted(GUARD, body, "default") == body


@pytest.mark.parametrize(
    "text", ["jane.doe%40acme-corp.com", f"{MAIL} jane.doe%40acme-corp.com", "x" * 3_000_000]
)
def test_what_cannot_be_taken_out_is_not_written_at_all(text: str) -> None:
    with pytest.raises(Exception, match=r"encoding|taken out|too-large"):
        redacted(GUARD, chat(text), "default")


@UNTIMED
@given(st.lists(st.sampled_from([MAIL, SECRET, "hello", "+49 30 901820", "\n", '"']), max_size=6))
def test_no_value_is_left(pieces: list[str]) -> None:
    try:
        shown = json.dumps(redacted(GUARD, chat(" ".join(pieces)), "default"))
    except ValueError:
        return
    assert MAIL not in shown
    assert SECRET not in shown
    assert "901820" not in shown
