"""Names, types, paths, references and documents' examples are no secrets; what was drawn may be."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect.placeholders import is_example, is_label, is_none, published

NONE = [
    "AccessToken", "SecretStr1Model", "HTTPAuthorizationCredentials", "PersistedMcpTransportParam",
    "settings.secret_key", "process.env.TOKEN", "TokenKind.NUMBER", "Auth::Token", "${TOKEN}",
    "/run/secrets/db_password", "~/.ssh/id_ed25519", "kv/data/app2", "token.json", "v1.2.3-beta.4",
    "2025-03-01T10:00:00Z", "10:15:30", "jane@acme.com", "#1A2B3C", "0x1f", "HS256", "SHA-512",
    "db_password", "AUTH_TOKEN_2", "use-auth-token", "YOUR_API_KEY", "********", "0000", "1234",
    "0x" + "aB3" * 13 + "d", "AAAAB3NzaC1yc2EAAAADAQABAAABAQ", "iVBORw0KGgoAAAANSUhEUg",
    "Windows11",
]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    ["1200s–1800s", "20-30min", "5MB-10MB", "1.5x–2.5x", "100ms...250ms", "8GiB–16GiB", "2–4h"],
)
def test_a_range_of_measures_is_no_secret(value: str) -> None:
    assert is_none(value)


@pytest.mark.parametrize("value", NONE)
def test_what_developers_write_is_no_secret(value: str) -> None:
    assert is_none(value)


@pytest.mark.parametrize(
    "value",
    ["Tr0ub4dor&3", "a8Fk2!Lq9@Xz", "4921", "Kestrel-77!", "9fK2mQ8xLr41ZtVb", "q7w8e9r0tz"],
)
def test_what_may_be_a_secret_is_left_to_the_weights(value: str) -> None:
    assert not is_none(value)


def test_what_is_called_or_asked_for_its_parts_is_code() -> None:
    assert is_none("getpass7x", "(")
    assert is_none("tokens9x2", "[0")
    assert is_none("client4k", ".g")
    assert not is_none("client4k9", ". ")


@given(st.integers(0, 2**32), st.integers(24, 60))
def test_hardly_any_drawn_key_is_taken_for_a_name(seed: int, length: int) -> None:
    draw = random.Random(seed)
    keys = [
        "".join(draw.choices(string.ascii_letters + string.digits, k=length)) for _ in range(50)
    ]
    assert sum(map(is_none, keys)) <= 2


def test_vendors_print_keys_that_open_nothing() -> None:
    assert is_example("AKIAIOSFODNN7EXAMPLE")
    assert is_example("sk-" + "x" * 40)
    assert is_example("ghp_your_token_here")
    assert not is_example("AKIAQ3EGRXQPZ7WJ2YHT")
    assert all(is_none(key) for key in published())


@pytest.mark.parametrize(
    "value",
    [
        "web_search_20250305", "text_editor_20250728", "claude-haiku-4-5-20251001",
        "build-20260401", "gpt-4o-mini-2024-07-18", "snapshot_2025_01_31",
        "tool_search_tool_regex_20251119", "smollm2-135m", "mistral-7b-v0.3", "room-b204",
        "n2-standard-8", "worker-node-14", "playwright-1.48.0",
    ],
)  # fmt: skip
def test_what_models_tools_machines_and_builds_are_called(value: str) -> None:
    assert is_label(value)


@pytest.mark.parametrize(
    "value",
    [
        "20250305", "Milo20190304", "web_20251305", "web_20250132", "a_2025-03_05", "a1b2-c3d4",
        "x9_K2_20250305", "tiger-moon-4821", "k7f-22", "summer2025", "Tiger-42", "horse-battery",
    ],
)  # fmt: skip
def test_what_may_be_chosen_or_drawn_is_no_such_name(value: str) -> None:
    assert not is_label(value)
