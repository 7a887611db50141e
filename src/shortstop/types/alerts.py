"""What people are told when something needs them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

AlertKind = Literal["budget", "contract", "rollback", "upstream", "audit", "disk"]
"""A key's money, a broken promise of quality, a specialist that was taken out, a model that fails,
missing records of the audit log, the disk."""
AlertChannel = Literal["webhook", "slack"]


class Trouble(Struct, frozen=True):
    """Something that people should know; `key` is the same for as long as it is the same. `says` is
    a sentence of names and figures, never of content. What `lasts` can end; else it happened."""

    key: str
    kind: AlertKind
    says: str
    lasts: bool = True


class Watched(Struct, frozen=True):
    """What one look saw. `unknown` are keys, and kinds, of which nothing can be said now."""

    troubles: tuple[Trouble, ...] = ()
    unknown: frozenset[str] = frozenset()
