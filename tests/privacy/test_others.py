"""Secrets as another author writes them, and neighbours of those kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shortstop import dialects
from shortstop.config import PrivacyConfig
from shortstop.privacy import BodyFormat, ephemeral_guard
from shortstop.types import Caller, Clearance, Reach, Tier
from tests.privacy.conftest import make

GUARD = ephemeral_guard(
    PrivacyConfig(timeout=60), BodyFormat(lambda r, _: r, dialects.wire_words())
)
Row = dict[str, Any]


def rows(name: str, *, sensitive: bool) -> list[Row]:
    text = Path(__file__).with_name(f"dev_{name}.jsonl").read_text(encoding="utf-8")
    return [r for r in map(json.loads, text.splitlines()) if r["sensitive"] is sensitive]


def verdict(row: Row) -> Clearance:
    messages = row.get("turns") or [{"role": "user", "content": row["text"]}]
    return GUARD.clear(make({"model": "auto", "messages": messages}), Caller())


@pytest.mark.parametrize(("name", "bar"), [("others", 0.97), ("neighbours", 0.92)])
def test_secrets_are_of_the_highest_tier(name: str, bar: float) -> None:
    every = rows(name, sensitive=True)
    seen = [r["id"] for r in every if verdict(r).tier == Tier.S3]
    assert len(seen) >= bar * len(every)


@pytest.mark.parametrize(("name", "bar"), [("others_harmless", 0.02), ("neighbours", 0.05)])
def test_talk_about_secrets_may_leave(name: str, bar: float) -> None:
    every = rows(name, sensitive=False)
    pinned = [r["id"] for r in every if verdict(r).reach > Reach.ANYWHERE]
    assert len(pinned) <= bar * len(every), pinned
