"""Privacy: what may leave, decided by type."""

from shortstop.privacy.guard import PrivacyGuard

__all__ = ["PrivacyGuard"]
