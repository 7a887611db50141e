"""Redacts a body before it is written to a file: a label in place of everything rules find."""

from __future__ import annotations

from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.replace.pseudonyms import rewrite, values_of
from shortstop.types import Json, Tier


def redacted(guard: PrivacyGuard, body: Json, tenant: str) -> Json:
    """The body with "[LABEL]" for each value of tier S1 and above.

    Raises ValueError when one would be left: then nothing of the body may be kept. Raises what
    `guard.findings` raises.
    """
    findings = [f for f in guard.findings(body, tenant) if f.tier >= Tier.S1]
    labels = {value: f"[{label}]" for value, label in values_of(body, findings).items()}
    clean: Json = rewrite(body, labels)
    if any(f.tier >= Tier.S1 for f in guard.findings(clean, tenant)):
        raise ValueError("a value could not be taken out")
    return clean
