"""What privacy is told of the dialects, which it may not know itself."""

from __future__ import annotations

from shortstop.dialects import redecoded, wire_words
from shortstop.privacy import BodyFormat


def body_format() -> BodyFormat:
    """How the bodies of all dialects are written."""
    return BodyFormat(redecoded, wire_words())
