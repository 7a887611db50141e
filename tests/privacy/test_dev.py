"""The frozen texts of our own: what is seen of health, and what of business is pinned."""

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
    text = (Path(__file__).parent / f"dev_{name}.jsonl").read_text(encoding="utf-8")
    return [r for r in map(json.loads, text.splitlines()) if bool(r["sensitive"]) is sensitive]


def verdict(row: Row) -> Clearance:
    turns = row.get("turns") or [row["text"]]
    roles = ["user", "assistant"] * len(turns)
    messages = [
        t if isinstance(t, dict) else {"role": r, "content": t}
        for r, t in zip(roles, turns, strict=False)
    ]
    return GUARD.clear(make({"model": "auto", "messages": messages}), Caller())


@pytest.mark.parametrize(("split", "bar"), [("fit", 1.0), ("held", 0.95)])
def test_somebodys_health_is_of_the_highest_tier(split: str, bar: float) -> None:
    mine = [r for r in rows("health", sensitive=True) if r["split"] == split]
    seen = [r["id"] for r in mine if verdict(r).tier == Tier.S3]
    assert len(seen) >= bar * len(mine)


@pytest.mark.parametrize(("name", "bar"), [("health", 0.02), ("business", 0.01)])
def test_general_talk_and_business_may_leave(name: str, bar: float) -> None:
    harmless = rows(name, sensitive=False)
    pinned = [r["id"] for r in harmless if verdict(r).reach > Reach.ANYWHERE]
    assert len(pinned) <= bar * len(harmless), pinned


def test_business_with_a_persons_address_or_number_stays() -> None:
    missed = [r["id"] for r in rows("business", sensitive=True) if verdict(r).tier < Tier.S2]
    assert missed == []


@pytest.mark.parametrize(("part", "most"), [("fit", 0.03), ("more", 0.07)])
def test_texts_of_the_last_author_are_found(part: str, most: float) -> None:
    texts = rows(f"offices/{part}/sensitive", sensitive=True)
    least = {"SECRET": Tier.S3, "HEALTH": Tier.S3}
    missed = [r["id"] for r in texts if verdict(r).tier < least.get(r["cls"], Tier.S2)]
    assert len(missed) <= most * len(texts), missed


@pytest.mark.parametrize("part", ["fit", "more"])
def test_harmless_texts_of_the_last_author_may_leave(part: str) -> None:
    texts = rows(f"offices/{part}/business", sensitive=False)
    pinned = [r["id"] for r in texts if verdict(r).reach > Reach.ANYWHERE]
    assert len(pinned) <= 0.02 * len(texts), pinned
