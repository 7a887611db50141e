"""Word lists of the package's data folder."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

_DATA = files("shortstop.privacy").joinpath("data")


@cache
def seed_words() -> frozenset[str]:
    """The 2,048 English words of BIP-39, of which wallets make their recovery phrases."""
    return frozenset(_DATA.joinpath("seed_words.txt").read_text(encoding="ascii").split())


@cache
def secret_words() -> dict[str, Any]:
    """The words that say that a secret is near, as they stand in their file."""
    return tomllib.loads(_DATA.joinpath("secret_words.toml").read_text(encoding="utf-8"))
