"""Privacy: what may leave, decided by type."""

from shortstop.privacy.body import BodyFormat
from shortstop.privacy.detect.lexicon import languages, prepare_language
from shortstop.privacy.ephemeral import ephemeral_guard
from shortstop.privacy.guard import PrivacyGuard, PrivacyStores

__all__ = [
    "BodyFormat",
    "PrivacyGuard",
    "PrivacyStores",
    "ephemeral_guard",
    "languages",
    "prepare_language",
]
