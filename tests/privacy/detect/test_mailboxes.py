"""Addresses that are said or scanned, and sentences that only sound like one."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.mailboxes import address, spelled


@pytest.mark.parametrize(
    "text",
    [
        "jane.doe (at) acme dot com",
        "jane.doe arroba acme punto com",
        "jane.doe @acme.com",
        "jane.doe @ acme . com",
        "jane.doe_at_acme_dot_com",
        "jane.doe kukac acme pont com",
    ],
)
def test_spelled(text: str) -> None:
    match = spelled().search(f"to {text} now")
    assert match is not None
    assert address(match) in ("jane.doe@acme.com", "to jane.doe@acme.com"[3:])


@pytest.mark.parametrize(
    "text",
    [
        "Everyone fails at some point in life.",
        "Water at boiling point is dangerous.",
        "We look at the dot com boom.",
        "5 kg @ 3.50 EUR",
        "Thanks @example.team and @kelly",
        "Sie wohnt at home, Punkt.",
        "    return user\n@app.get('/users')",
    ],
)
def test_prose(text: str) -> None:
    assert spelled().search(text) is None
