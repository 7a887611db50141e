"""Everyday layouts: the half of the development set that no rule was written by."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from shortstop.app.bodies import body_format
from shortstop.config import PrivacyConfig
from shortstop.privacy import ephemeral_guard
from shortstop.types import Caller, Message, Request, Text, Tier

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "dev_layouts.jsonl").read_text("utf-8").splitlines()
]
ELSEWHERE = {"invoice", "zip list", "law"}
"""Pinned as addresses."""


GUARD = ephemeral_guard(PrivacyConfig(), body_format())
PINNED = [
    "jane dot doe at example dot org",
    "card 4532.0151.1283.0366 please",
    "4532/0151/1283/0366",
    "| 4532 0151 | 1283 0366 |",
    "- 4532\n- 0151\n- 1283\n- 0366",
    "电话：13812345678",
    "携帯は090-1234-5678です",
    "телефон 8 (916) 123-45-67",
    "هاتف 0501234567",
    "फोन 98765 43210",
    "my social is 123456789",
    "write to jane.doe @example.org",
]
FREE = [
    "Everyone fails at some point in life.",
    "We met at this point in time and left.",
    "You can stop at any point by pressing enter.",
    "Water at boiling point is dangerous.",
    "1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597",
    "Part no. 618450246-777740724",
]


def tier_of(*turns: tuple[str, str]) -> Tier:
    body = {"messages": [{"role": role, "content": text} for role, text in turns]}
    messages = tuple(Message(role, (Text(text),)) for role, text in turns)  # type: ignore[arg-type]
    clearance = GUARD.clear(Request("r", "openai.chat", body, "auto", messages), Caller())
    assert "detector-failed" not in clearance.reasons
    return clearance.tier


@pytest.mark.parametrize("text", PINNED)
def test_a_reported_layout_is_found(text: str) -> None:
    assert tier_of(("user", text)) >= Tier.S2


@pytest.mark.parametrize("text", FREE)
def test_a_reported_false_friend_is_not(text: str) -> None:
    assert tier_of(("user", text)) < Tier.S2


def test_layouts() -> None:
    right: dict[str, list[bool]] = defaultdict(list)
    for row in ROWS:
        if row["split"] == "fit" or row["layout"] in ELSEWHERE:
            continue
        turns = row.get("turns") or [["user", row["text"]]]
        tier = tier_of(*((role, text) for role, text in turns))
        right[row["cls"]].append((tier >= Tier.S2) == row["sensitive"])
    shares = {cls: sum(one) / len(one) for cls, one in right.items()}
    assert shares["FIN"] >= 0.985
    assert shares["ID"] >= 0.985
    assert shares["CONTACT"] >= 0.97
    assert shares["NONE"] >= 0.99
