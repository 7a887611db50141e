"""What privacy needs to know of the dialects, whose room it may not import."""

from __future__ import annotations

from shortstop.dialects import redecoded, wire_words
from shortstop.privacy import BodyFormat


def body_format() -> BodyFormat:
    """How the bodies of all dialects are written."""
    return BodyFormat(redecoded, wire_words())
