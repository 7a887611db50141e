"""The privacy room's fixtures serve its examination too."""

from tests.privacy.conftest import clear

__all__ = ["clear"]
