"""Passwords that read as names in code ("BlueTiger7"), and such names near words of passwords.

Both lists were written before the rule that tells them apart, by its author; a stranger's are owed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.app.bodies import body_format
from shortstop.config import PrivacyConfig
from shortstop.evaluate.privacy.detection import chat_request
from shortstop.privacy import ephemeral_guard
from shortstop.types import Caller, Tier

GUARD = ephemeral_guard(PrivacyConfig(timeout=60), body_format())
TEXTS = Path(__file__).parent / "dev_named"


@pytest.mark.parametrize(("name", "fewest", "most"), [("positive", 27, 30), ("negative", 0, 3)])
def test_a_name_is_a_password_where_the_text_says_so(name: str, fewest: int, most: int) -> None:
    texts = (TEXTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [
        GUARD.clear(chat_request(text, "named"), Caller(tenant="default")).tier == Tier.S3
        for text in texts
    ]
    assert fewest <= sum(found) <= most
