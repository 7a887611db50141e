"""What a value and the words around it say of whether it is a secret, without lists of words.

Where `weigh` asks whether a known cue is near, this looks at every word: which words people put
around passwords and keys, in which order, and how values that they choose or draw are built.
"""

from __future__ import annotations

import re
from functools import lru_cache

from shortstop.privacy.detect.candidates import Suspect
from shortstop.privacy.detect.linear import linear_model
from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.secrets import entropy
from shortstop.privacy.detect.weigh import model as weighing
from shortstop.privacy.detect.weigh import surprise

NAME = "secret_context"
NEAR, WIDE = 90, 160
"""Characters on each side whose order counts, and whose words count."""
SHAPED = compile_pattern(
    r"[A-Za-z][!-~]{5,}[0-9]|[0-9][!-~]{5,}[A-Za-z]|[A-Za-z]{4,}[0-9]{2}"
    r"|[A-Za-z0-9][!-~]{3,}[0-9][!?*+#%&$@]"
)
"""A string that may be a secret although nothing announces it."""
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_SYNTAX = frozenset('(){}[]<>=;:"\\/|')
_CAPITALS = re.compile(r"[A-Z\u00c0-\u00de]")
_SMALL = re.compile(r"[a-z\u00df-\u024f]")
_SIGN = re.compile(r"[^Aa0]")
_AGAIN = re.compile(r"(.)\1+")


def score(text: str, suspect: Suspect) -> float:
    """Log-odds that a candidate of a text is a secret."""
    found = features(text, suspect)
    return linear_model(NAME).score(sum(map(_weight, found)), len(found))


@lru_cache(1 << 15)
def _weight(feature: str) -> int:
    return linear_model(NAME).sum_of((feature,))


def features(text: str, suspect: Suspect) -> list[str]:
    """All of one candidate, by name."""
    return [*_make(suspect.value, suspect.form), *_surroundings(text, suspect)]


def believes(text: str, suspect: Suspect) -> bool:
    """Whether a candidate is taken for a secret."""
    return score(text, suspect) >= linear_model(NAME).threshold


@lru_cache(1 << 10)
def _make(value: str, form: str) -> tuple[str, ...]:
    """How it is built."""
    small = _SMALL.sub("a", _CAPITALS.sub("A", value))
    shape = _AGAIN.sub(r"\1", _SIGN.sub("#", re.sub(r"\d", "0", small)))
    edged = f"^{shape}$"
    signs = {c for c in value if not c.isalnum()}
    count = min(4, sum(not c.isalnum() for c in value))
    pairs = weighing().letter_pairs
    return (
        "b",
        f"F={form}",
        f"K={shape[:10]}",
        f"n={min(30, len(value))}",
        f"kinds={len(set(shape))}",
        *sorted({f"k3={edged[i : i + 3]}" for i in range(len(edged) - 2)}),
        *sorted(f"sg={c}" for c in signs),
        f"nsg={count}",
        f"sp={int(surprise(value, pairs) * 1.5)}",
        f"en={int(entropy(value) * 2)}",
        f"F&n={form}{min(10, len(value) // 4)}",
    )


def _surroundings(text: str, suspect: Suspect) -> list[str]:
    """The words before and behind it, in order next to it and without order further off."""
    start, end, form = suspect.start, suspect.end, suspect.form
    before = _WORD.findall(text[max(0, start - NEAR) : start].lower())[-10:]
    behind = _WORD.findall(text[end : end + NEAR].lower())[:8]
    last = "".join(before[-1:])
    found = [
        f"B1={last}",
        f"B2={' '.join(before[-2:])}",
        f"B3={' '.join(before[-3:])}",
        f"B1c={last}{form}",
        f"A1={''.join(behind[:1])}",
        f"A2={' '.join(behind[:2])}",
    ]
    for word in dict.fromkeys(w for w in before if w[0].isalpha()):
        found += (f"wb={word}", f"pb={word[:4]}", f"pb5={word[:5]}")
    for word in dict.fromkeys(w for w in behind if w[0].isalpha()):
        found += (f"wa={word}", f"pa={word[:4]}")
    wide = text[max(0, start - WIDE) : end + WIDE].lower()
    syntax = min(6, sum(c in _SYNTAX for c in wide) * 40 // max(1, len(wide)))
    found += (f"syn={syntax}", f"syn&F={syntax}{form}")
    for word in dict.fromkeys(w for w in _WORD.findall(wide) if len(w) > 2 and w[0].isalpha()):
        found += (f"w={word}", f"p={word[:5]}")
    return found
