"""Rows name end users as the operator wants."""

from __future__ import annotations

from shortstop.accounts.users import end_user


def test_users_are_digests_unless_said_otherwise() -> None:
    hashed = end_user("ana@example.com", "a", "hashed")
    assert hashed is not None
    assert "ana" not in hashed
    assert hashed == end_user("ana@example.com", "a", "hashed")
    assert hashed != end_user("ana@example.com", "b", "hashed")
    assert end_user("ana", "a", "plain") == "ana"
    assert end_user("ana", "a", "off") is None
