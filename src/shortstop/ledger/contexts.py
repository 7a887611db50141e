"""How many tokens models take: dated data beside the price sheet."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import msgspec

from shortstop.ledger.prices import PriceSheet

UNKNOWN_CONTEXT = 128_000
"""Tokens, for a model of which nothing is known."""


@cache
def load_contexts(edition: str | None = None) -> dict[str, int]:
    """Tokens by "vendor/model", as a price's entry is called; by default of the newest table."""
    folder = resources.files(__package__) / "data"
    names = sorted(f.name for f in folder.iterdir() if re.fullmatch(r"contexts-.*\.json", f.name))
    return msgspec.json.decode((folder / (edition or names[-1])).read_bytes(), type=dict[str, int])


def known_context(sheet: PriceSheet, name: str, provider: str, url: str) -> int | None:
    """Tokens that the model takes which `provider` at `url` calls `name`; None: not known."""
    entry = sheet.entry(name, provider=provider, url=url)
    return None if entry is None else load_contexts().get(entry.model)
