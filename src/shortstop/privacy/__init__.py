"""Privacy: what may leave, decided by type."""

from shortstop.privacy.sentinel import Sentinel

__all__ = ["Sentinel"]
