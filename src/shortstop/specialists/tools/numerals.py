"""Numbers as people write them in a request: grouped, with either decimal mark, or in words."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(?<![\w.,])([-+]?\d+(?:[.,' \u00a0]\d+)*)\s*(k|mil|thousand|million)?\b")
_SCALES = {"k": 1_000, "mil": 1_000, "thousand": 1_000, "million": 1_000_000}
_THREE = re.compile(r"[.,' \u00a0](\d{3})(?!\d)")
_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
)
_PORTUGUESE = (
    "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze"
)
_WORDS = {
    **{word: n for words in (_ENGLISH, _PORTUGUESE) for n, word in enumerate(words.split())},
    "a dozen": 12, "dozen": 12, "half a dozen": 6, "a couple": 2, "uma": 1, "duas": 2, "tres": 3,
    "uma dúzia": 12, "dúzia": 12, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "ninety": 90, "hundred": 100, "a hundred": 100, "vinte": 20, "trinta": 30, "quarenta": 40,
    "cinquenta": 50, "cem": 100,
}  # fmt: skip


def number(span: str) -> int | float | None:
    """The one number that a span is about; None where there is none, or several."""
    words = span.strip().lower()
    if words in _WORDS:
        return _WORDS[words]
    found = _DIGITS.findall(words)
    if len(found) != 1:
        return None
    digits, scale = found[0]
    value = _value(digits)
    return None if value is None else _whole(value * _SCALES.get(scale, 1))


def _value(digits: str) -> float | None:
    """A mark before exactly three digits groups them, unless another kind of mark follows it."""
    marks = [c for c in digits if c in ".,"]
    plain = re.sub(r"['\s\u00a0]", "", digits)
    if not marks:
        return float(plain)
    last = marks[-1]
    if len(set(marks)) == 2:
        head, tail = plain.rsplit(last, 1)
        return float(re.sub(r"[.,]", "", head) + "." + tail)
    if len(marks) == 1 and not _THREE.search(plain):
        return float(plain.replace(last, "."))
    groups = re.split(r"[.,]", plain)
    return float("".join(groups)) if all(len(g) == 3 for g in groups[1:]) else None


def _whole(value: float) -> int | float:
    value = round(value, 9)
    return int(value) if value.is_integer() else value
