"""Everyday layouts: the half of the development set that no rule was written by."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

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


def test_layouts() -> None:
    guard = ephemeral_guard(PrivacyConfig(), body_format())
    right: dict[str, list[bool]] = defaultdict(list)
    for row in ROWS:
        if row["split"] == "fit" or row["layout"] in ELSEWHERE:
            continue
        turns = row.get("turns") or [["user", row["text"]]]
        body = {"messages": [{"role": role, "content": text} for role, text in turns]}
        messages = tuple(Message(role, (Text(text),)) for role, text in turns)
        clearance = guard.clear(Request(row["id"], "openai.chat", body, "auto", messages), Caller())
        assert "detector-failed" not in clearance.reasons
        right[row["cls"]].append((clearance.tier >= Tier.S2) == row["sensitive"])
    shares = {cls: sum(one) / len(one) for cls, one in right.items()}
    assert shares["FIN"] >= 0.985
    assert shares["ID"] >= 0.985
    assert shares["CONTACT"] >= 0.97
    assert shares["NONE"] >= 0.99
