"""Keys: secrets that cannot be guessed, kept as digests, and what a grant says."""

from __future__ import annotations

import msgspec
import pytest

from shortstop.accounts.keys import PREFIX, Grant, Key, fingerprint, new_id, new_secret


def key(**changes: object) -> Key:
    base: dict[str, object] = {"name": "a", "id": "k1", "created": 0.0, "tail": "tail"}
    return msgspec.convert(base | changes, Key)


def test_secrets_are_new_each_time_and_say_whose_they_are() -> None:
    secrets = {new_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(one.startswith(PREFIX) and len(one) >= len(PREFIX) + 43 for one in secrets)
    assert len({new_id() for _ in range(1000)}) == 1000


def test_a_fingerprint_is_a_digest_whatever_a_client_sends() -> None:
    assert fingerprint("secret") == fingerprint("secret") != fingerprint("Secret")
    assert len(fingerprint("\ud800")) == 32


@pytest.mark.parametrize(
    ("changes", "now", "active"),
    [
        ({}, 1e12, True),
        ({"expires": 10.0}, 9.9, True),
        ({"expires": 10.0}, 10.0, False),
        ({"revoked": 5.0}, 4.0, False),
        ({"revoked": 5.0, "expires": 10.0}, 6.0, False),
    ],
)
def test_a_key_is_active_until_it_is_revoked_or_expires(
    changes: dict[str, object], now: float, active: bool
) -> None:
    assert key(**changes).active(now) is active


def test_a_key_with_a_limit_is_metered() -> None:
    assert not key().metered
    assert key(rpm=1).metered
    assert key(tpm=1).metered


@pytest.mark.parametrize(
    "grant",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a", "rpm": 0},
        {"name": "a", "tpm": -1},
        {"name": "a", "period": "week"},
        {"name": "a", "role": "admin"},
        {"name": "a", "limit": 5},
        {},
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(grant: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(grant, Grant)


def test_a_key_is_written_without_its_defaults_and_read_again() -> None:
    written = msgspec.json.encode(key(rpm=5))
    assert b"tpm" not in written
    assert msgspec.json.decode(written, type=Key) == key(rpm=5)
