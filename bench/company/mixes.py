"""What kinds of requests a company sends, as shares; and how many of each a simulated day holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping

Shares = dict[str, float]

MIXES: dict[str, Shares] = {
    "equal": {
        "label": 1, "extract": 1, "faq": 1, "tools": 1, "summary": 1, "hard": 1, "assistant": 1
    },
    "support": {
        "label": 0.45, "faq": 0.25, "bank": 0.02, "extract": 0.05, "tools": 0.05, "summary": 0.02,
        "hard": 0.10, "assistant": 0.06,
    },
    "backoffice": {
        "label": 0.25, "extract": 0.45, "tools": 0.05, "summary": 0.05, "hard": 0.12,
        "assistant": 0.08,
    },
    "agents": {
        "tools": 0.60, "label": 0.10, "extract": 0.05, "hard": 0.20, "assistant": 0.05
    },
}  # fmt: skip
"""Shares of a company's requests; kinds that its data lacks are left out."""

VOLUMES: dict[str, int] = {
    "label": 1200, "extract": 200, "faq": 320, "bank": 20, "tools": 480, "summary": 10, "hard": 100,
    "assistant": 40,
}  # fmt: skip
"""Requests a day of each kind where all mixes are measured in one stream."""
BUSY = 2000
"""Requests a day where one mix alone is sent."""


def shares(mix: str, kinds: Collection[str]) -> Shares:
    """The mix over the kinds that there are; sums to 1. Raises KeyError for an unknown mix."""
    present = {kind: share for kind, share in MIXES[mix].items() if kind in kinds}
    whole = sum(present.values())
    return {kind: share / whole for kind, share in present.items()}


def volumes(mix: str, kinds: Collection[str], scale: float) -> dict[str, int]:
    """Requests a day by kind; "all" sends every kind, so that each mix can be weighed from it."""
    if mix == "all":
        wanted: Mapping[str, float] = {k: n for k, n in VOLUMES.items() if k in kinds}
    else:
        wanted = {k: share * BUSY for k, share in shares(mix, kinds).items()}
    return {kind: max(1, round(scale * n)) for kind, n in wanted.items()}


def weights(mix: str, counts: Mapping[str, int]) -> dict[str, float]:
    """What a request of each kind counts, so that a day of these `counts` has the mix's shares; the
    mean weight of the kinds in the mix is 1. Kinds that are not in the mix count 0."""
    present = {kind: n for kind, n in counts.items() if n}
    wanted = shares(mix, present)
    total = sum(present[kind] for kind in wanted)
    return {kind: wanted.get(kind, 0.0) * total / n for kind, n in present.items()}
