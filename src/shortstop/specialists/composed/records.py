"""What is known of a vendor, or whatever keys its papers: how often its fields were read rightly.

A tagger is as sure of papers whose answers follow another convention, whose print it misreads, or
whose answers somebody got wrong, as of all others; that they were wrong before tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

Shares = Mapping[str, float]
"""How often fields were right, in [0, 1], by name."""


class Records(Struct, frozen=True):
    """Of one key field: shares by its loose value, and for values with no record of their own that
    were met in training, and that were not."""

    by_value: Mapping[str, Shares]
    known: Shares
    new: Shares

    def of(self, value: str, known: bool) -> Shares:
        return self.by_value.get(value) or (self.known if known else self.new)
