"""Labels and their properties, from `data/labels.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from shortstop.privacy.detect import rules

_TABLE: dict[str, list[str]] = tomllib.loads(
    files("shortstop.privacy").joinpath("data/labels.toml").read_text(encoding="utf-8")
)
NAMES = frozenset(_TABLE["names"])
"""Labels of what is read before an escalation. They never pin by themselves."""
READ = frozenset(_TABLE["read"])
"""Everything that is read then, on tier S1: numbers too whose check digits fail."""
IDENTIFYING = frozenset(_TABLE["identifying"])
"""A health term counts as somebody's when one of these is near."""
NEEDS_BAA = frozenset(_TABLE["needs_baa"])
"""Health data: only for providers that signed a business associate agreement."""
ALWAYS_LOCAL = frozenset(_TABLE["always_local"])
"""What no policy may let leave, not even under a stand-in."""


@cache
def every() -> frozenset[str]:
    """Every label that a finding can have: the rulebook's and those given by code."""
    return frozenset(_TABLE["from_code"]) | {rule.label for rule in rules.builtin()}
