"""Word lists of the package's data folder."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_DATA = files("shortstop.privacy").joinpath("data")


@cache
def seed_words() -> frozenset[str]:
    """The 2,048 English words of BIP-39, of which wallets make their recovery phrases."""
    return frozenset(_DATA.joinpath("seed_words.txt").read_text(encoding="ascii").split())
