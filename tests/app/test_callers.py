"""What rows may name of a caller."""

from __future__ import annotations

from shortstop.app.bodies import body_format
from shortstop.app.callers import recorded
from shortstop.config import PrivacyConfig
from shortstop.privacy import ephemeral_guard
from shortstop.types import Caller


def test_names_that_tell_something_are_digests() -> None:
    guard = ephemeral_guard(PrivacyConfig(timeout=30), body_format())
    told = Caller("a", run="job-1", tag="shop", user="ana@example.com")
    kept = recorded(guard, told, "hashed")
    assert (kept.run, kept.tag) == ("job-1", "shop")
    assert kept.user is not None
    assert "ana" not in kept.user
    secret = recorded(guard, Caller("a", tag="ana.lopez@example.com"), "plain")
    assert secret.tag is not None
    assert "ana" not in secret.tag
    assert recorded(guard, Caller("a", user="ana"), "off").user is None
    plain = Caller("a")
    assert recorded(guard, plain, "hashed") is plain
