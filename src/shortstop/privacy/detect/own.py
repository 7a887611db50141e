"""What a program tells its vendor of itself is judged by itself.

Agents send ids of sessions, turns and calls beside instructions that speak of keys and passwords:
the words around a value in another field do not make it a secret.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from shortstop.privacy.detect import rules
from shortstop.privacy.detect.detector import standard_detector
from shortstop.privacy.leaves import Leaf

_ID_FIELD = re.compile(r"(?i)(?:^|[._-])(?:id|uuid|identifier|cache_key|user|conversation)$")
_DRAWN = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,64})"
_IDS = re.compile(rf"(?i)[a-z_-]{{0,24}}{_DRAWN}(?:[a-z_-]{{1,24}}{_DRAWN}){{0,3}}")
"""One id or several: words, and what was drawn for them as hexadecimal digits or as a UUID."""
REMEMBERED = 1024


def is_no_secret(leaf: Leaf, rule: str) -> bool:
    """Whether what `rule` found in the leaf is there for other fields' words alone."""
    if not leaf.own or rule not in contextual_rules():
        return False
    text = leaf.text.strip()
    if text[:1] == "{" and text[-1:] == "}":
        return True  # its fields were read one by one
    if _ID_FIELD.search(leaf.path) and _IDS.fullmatch(text):
        return True
    return not _found_alone(leaf.shown)


@cache
def contextual_rules() -> frozenset[str]:
    """The rules that believe a secret for what is written around it, not for what it is."""
    return frozenset(r.id for r in rules.builtin() if r.label == "SECRET" and not r.strong)


@lru_cache(REMEMBERED)
def _found_alone(shown: str) -> bool:
    return any(hit.rule.label == "SECRET" for hit in standard_detector().hits(shown))
