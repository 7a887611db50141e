"""Validated patterns: linear-time expressions, confirmed by check digits where there are any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import re2
from stdnum import iban, luhn

from shortstop.types import Tier


def _always(value: str) -> bool:
    return True


def _card(value: str) -> bool:
    digits = "".join(c for c in value if c.isdigit())
    return len(set(digits)) > 1 and luhn.is_valid(digits)


@dataclass(frozen=True, slots=True)
class Pattern:
    """`confirm` decides on the matched text whether it is what it looks like."""

    rule: str
    label: str
    tier: Tier
    expression: str
    confirm: Callable[[str], bool] = _always


# Written from the issuers' documented formats.
PATTERNS = (
    Pattern("card", "FINANCIAL", Tier.S2, r"\b[2-6]\d{3}(?:[ -]?\d){9,15}\b", _card),
    Pattern("iban", "FINANCIAL", Tier.S2, r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b", iban.is_valid),
    Pattern("email", "PERSONAL", Tier.S2, r"[\w.%+-]{1,64}@[\w-]{1,63}\.[A-Za-z]{2,}"),
    Pattern("openai-key", "SECRET", Tier.S3, r"\bsk-[A-Za-z0-9_-]{20,200}"),
    Pattern("aws-key", "SECRET", Tier.S3, r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    Pattern("github-token", "SECRET", Tier.S3, r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    Pattern("slack-token", "SECRET", Tier.S3, r"\bxox[abprs]-[A-Za-z0-9-]{10,200}"),
    Pattern("google-key", "SECRET", Tier.S3, r"\bAIza[A-Za-z0-9_-]{35}\b"),
    Pattern("stripe-key", "SECRET", Tier.S3, r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}\b"),
    Pattern("jwt", "SECRET", Tier.S3, r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
    Pattern("private-key", "SECRET", Tier.S3, r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
)

_COMPILED = tuple((p, re2.compile(p.expression)) for p in PATTERNS)


@dataclass(frozen=True, slots=True)
class Match:
    pattern: Pattern
    start: int
    end: int


def find(text: str) -> Iterator[Match]:
    """Every confirmed match."""
    for pattern, compiled in _COMPILED:
        for match in compiled.finditer(text):
            if pattern.confirm(match.group()):
                yield Match(pattern, match.start(), match.end())
