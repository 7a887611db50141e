"""The recorded frontier speaks its dialect, through the official client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.frontier import UNKNOWN, Frontier, application
from starlette.testclient import TestClient

DATA = Path(__file__).parent.parent.parent / "bench" / "data" / "demo.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in DATA.read_text().splitlines()]
KEY = {"authorization": "Bearer x"}


@pytest.fixture
def vendor() -> TestClient:
    return TestClient(application(Frontier(DATA, first=0, speed=0)), headers=KEY)


def chat(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "gpt-6.1-sol", "messages": row["messages"], **more}


def test_every_recorded_conversation_is_known(vendor: TestClient) -> None:
    for row in ROWS:
        message = vendor.post("/v1/chat/completions", json=chat(row)).json()["choices"][0][
            "message"
        ]
        if "answer_call" in row:
            assert message["tool_calls"][0]["function"] == row["answer_call"]
        else:
            assert message["content"] == row["answer"]


def test_an_unknown_conversation_says_so(vendor: TestClient) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "never recorded"}]}
    answer = vendor.post("/v1/chat/completions", json=asked).json()
    assert answer["choices"][0]["message"]["content"] == UNKNOWN


def test_a_stream_says_the_same_and_ends_with_usage(vendor: TestClient) -> None:
    row = next(r for r in ROWS if r["task"] == "maths")
    text = vendor.post("/v1/chat/completions", json=chat(row, stream=True)).text
    frames = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert frames[-1] == "[DONE]"
    chunks = [json.loads(frame) for frame in frames[:-1]]
    said = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert said == row["answer"]
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_a_key_is_wanted() -> None:
    stranger = TestClient(application(Frontier(DATA, first=0, speed=0)))
    assert stranger.post("/v1/chat/completions", json=chat(ROWS[0])).status_code == 401
