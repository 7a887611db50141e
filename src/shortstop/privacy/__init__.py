"""Privacy: what may leave, decided by type."""

from shortstop.privacy.body import BodyFormat
from shortstop.privacy.ephemeral import ephemeral_guard
from shortstop.privacy.guard import PrivacyGuard, PrivacyStores

__all__ = [
    "BodyFormat",
    "PrivacyGuard",
    "PrivacyStores",
    "ephemeral_guard",
]
