"""A body for the files: what rules find in it is written as its label."""

from __future__ import annotations

from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.replace.pseudonyms import rewrite, values_of
from shortstop.types import Json, Tier


def redacted(guard: PrivacyGuard, body: Json, tenant: str) -> Json:
    """Raises ValueError when something would be left: then nothing of it may be kept."""
    found = [f for f in guard.findings(body, tenant) if f.tier >= Tier.S1]
    put = {value: f"[{label}]" for value, label in values_of(body, found).items()}
    clean: Json = rewrite(body, put)
    if any(f.tier >= Tier.S1 for f in guard.findings(clean, tenant)):
        raise ValueError("a value could not be taken out")
    return clean
