"""What a program tells its vendor of itself is judged by itself, and is no place for a secret to
hide."""

from __future__ import annotations

import time
from typing import Any

import pytest

from shortstop.app.bodies import body_format
from shortstop.config import PrivacyConfig
from shortstop.privacy.detectors import Detectors

DETECTORS = Detectors(PrivacyConfig(), time.monotonic, body_format().words)
HEX64 = "5be1d2a09c7f4e38b6a1c0d9e2f3748596a7b8c9d0e1f2a3b4c5d6e7f8091a2b"
UUID = "0c3b5b1e-7d42-4a7e-9f0b-3d6c2a91e5f4"
GUIDE = (
    "You are an agent for code. Never print API keys, tokens or passwords. If a secret key is"
    " in a file, say so and leave it out. Credentials are read from the environment."
)


def found(**more: Any) -> list[tuple[str, str]]:
    body = {"model": "auto", "messages": [{"role": "user", "content": GUIDE}], **more}
    return [(f.label, f.path) for f in DETECTORS.findings(body, timeout=100)]


CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_9tLbYh0Vq3cXw8Rk2Zp7Ns5M",
            "type": "function",
            "function": {"name": "look", "arguments": '{"path": "a.py"}'},
        }
    ],
}


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {"user_id": f'{{"device_id":"{HEX64}","account":"","session_id":"{UUID}"}}'}},
        {"metadata": {"user_id": f"user_{HEX64}_account__session_{UUID}"}},
        {"metadata": {"session_id": UUID, "run_id": HEX64, "thread_id": f"thread-{UUID}"}},
        {"client_metadata": {"session_id": UUID, "turn_id": UUID, "x-installation-id": UUID}},
        {"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}},
        {"context_management": {"edits": [{"type": "clear_tool_uses_20250919", "keep": "all"}]}},
        {"input": [{"type": "message", "role": "user", "id": f"msg_{UUID}", "content": "hello"}]},
        {"input": [{"type": "reasoning", "id": f"rs_{HEX64[:48]}", "summary": []}]},
        {"prompt_cache_key": UUID},
        {"safety_identifier": HEX64},
        {"messages": [{"role": "user", "content": GUIDE}, CALL]},
        {"tools": [{"type": "web_search_20260209", "name": "web_search"}]},
        {"previous_response_id": f"resp_{HEX64[:50]}"},
    ],
)
def test_identifiers_of_sessions_turns_and_calls_are_no_secrets(more: dict[str, Any]) -> None:
    assert found(**more) == []


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {"api_key": HEX64}},
        {"metadata": {"note": "the admin password is Tr0ub4dor&3x"}},
        {"metadata": {"user_id": "AKIAQ3EGRV5XKJ2HNW7T"}},
        {"metadata": {"user_id": '{"token": "ghp_x0Vq3cXw8Rk2Zp7Ns5M9tLbYh1Jd4Fg6Qw8E"}'}},
        {"client_metadata": {"authorization": f"Bearer {HEX64}"}},
        {"input": [{"role": "user", "content": f"The API key is {HEX64}"}]},
        {"messages": [{"role": "user", "content": "Here is my API key:"},
                      {"role": "user", "content": HEX64}]},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function",
             "function": {"name": "post", "arguments": f'{{"api_key": "{HEX64}"}}'}}]}]},
    ],
)  # fmt: skip
def test_secrets_are_found_there_as_anywhere(more: dict[str, Any]) -> None:
    assert "SECRET" in [label for label, _ in found(**more)]


def test_what_a_vendor_sealed_is_no_secret_of_ours() -> None:
    cipher = "".join(
        chr(ord("A") + i * 7 % 26) + str(i % 10) + chr(ord("a") + i * 5 % 26) for i in range(130)
    )
    turn = {"role": "assistant", "content": [{"type": "redacted_thinking", "data": cipher}]}
    assert found(messages=[{"role": "user", "content": GUIDE}, turn]) == []


def test_a_field_is_the_programs_own_by_its_whole_name() -> None:
    body = {"user": "a", "user_notes": "b", "metadata": {"x": ["c"]}, "metadata_text": "d"}
    own = {leaf.text for leaf in DETECTORS.reader.leaves(body) if leaf.own}
    assert own == {"a", "c"}
