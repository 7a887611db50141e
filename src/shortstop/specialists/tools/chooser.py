"""Which of the offered tools a request wants, by what they say of themselves.

For offers that change from request to request and functions that were never called: a logistic
score of how a request and a description go together, by meaning (embeddings) and by words. It
chooses, or says that none fits; it fills no argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.encoder import Encoder
from shortstop.specialists.query import Query
from shortstop.specialists.tools.choice import NONE, Chosen
from shortstop.specialists.words import Vector
from shortstop.types import Tool

FEATURES = (
    "meaning", "name meaning", "meaning margin", "rare words", "name words", "rare margin",
    "arguments named", "values listed", "numbers missing", "required", "offered",
)  # fmt: skip
MOST_KEPT = 20_000
"""Descriptions whose embeddings are kept."""
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten)\b", re.I)
STEM = 5
"""Letters of a word that are compared."""


@dataclass(slots=True)
class ToolChooser:
    """`weights` (features,), `bias`; `rarity` of word stems in descriptions, natural logarithm;
    `cut`: the least chance, in [0, 1], of a tool that is called."""

    weights: Vector
    bias: float
    rarity: Mapping[str, float]
    cut: float
    encoder: Encoder
    rarest: float = field(init=False)
    _units: dict[str, Vector] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rarest = max(self.rarity.values(), default=1.0)

    def choose(self, query: Query, unit: Vector) -> Chosen:
        """NONE where no tool is likely enough; its chance is that of the likeliest then."""
        if not query.tools:
            return Chosen(NONE, 0.0)
        logits = self._logits(query, unit)
        best = int(logits.argmax())
        chance = float(1 / (1 + np.exp(-logits[best])))
        return Chosen(query.tools[best].name if chance >= self.cut else NONE, chance)

    def likeliest(self, query: Query, unit: Vector) -> str:
        """The tool to call where one must be; NONE where none is offered."""
        return query.tools[int(self._logits(query, unit).argmax())].name if query.tools else NONE

    def _logits(self, query: Query, unit: Vector) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self.features(query, unit) @ self.weights + self.bias
        return logits

    def features(self, query: Query, unit: Vector) -> NDArray[np.float32]:
        """Of each offered tool, shape (tools, features)."""
        whole, named = self._described(query.tools)
        meaning, name_meaning = whole @ unit, named @ unit
        said = stems(query.text)
        numbers = len(_NUMBER.findall(query.text))
        rare = np.array(
            [self._shared(said, stems(f"{t.name} {t.description}")) for t in query.tools]
        )
        names = np.array([self._shared(said, stems(t.name)) for t in query.tools])
        more = [_arguments(tool, said, query.text.lower(), numbers) for tool in query.tools]
        columns = [meaning, name_meaning, _margin(meaning), rare, names, _margin(rare)]
        offered = np.full(len(query.tools), np.log(len(query.tools)))
        return np.column_stack([*columns, *np.array(more).T, offered]).astype(np.float32)

    def _described(self, tools: Sequence[Tool]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        whole = [f"{plain(tool.name)}: {tool.description}" for tool in tools]
        names = [plain(tool.name) for tool in tools]
        new = [text for text in dict.fromkeys([*whole, *names]) if text not in self._units]
        if len(self._units) + len(new) > MOST_KEPT:
            self._units.clear()
            new = list(dict.fromkeys([*whole, *names]))
        if new:
            self._units.update(zip(new, self.encoder.encode(new), strict=True))
        return np.stack([self._units[t] for t in whole]), np.stack([self._units[t] for t in names])

    def _shared(self, said: frozenset[str], about: frozenset[str]) -> float:
        """The part of the rarity of `about` that was said, in [0, 1]."""
        most = self.rarest
        total = sum(self.rarity.get(stem, most) for stem in about)
        return sum(self.rarity.get(stem, most) for stem in about & said) / max(total, 1e-9)


def plain(name: str) -> str:
    """A function's name as words."""
    return " ".join(re.split(r"[\W_]+", _CAMEL.sub(" ", name))).lower()


def stems(text: str) -> frozenset[str]:
    words = _WORD.findall(_CAMEL.sub(" ", text).replace("_", " ").lower())
    return frozenset(word[:STEM] for word in words if len(word) > 2)


def _margin(values: NDArray[Any]) -> NDArray[Any]:
    """Each one against the best of the others; 0 for a single one."""
    if len(values) == 1:
        return np.zeros(1)
    return np.array([value - max(np.delete(values, i)) for i, value in enumerate(values)])


def _arguments(
    tool: Tool, said: frozenset[str], text: str, numbers: int
) -> tuple[float, float, float, float]:
    """Shares of its arguments that are named and of its lists that have a word of the text; the
    numbers that it needs and the text lacks; and how many arguments it needs."""
    properties = tool.schema.get("properties")
    about: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    required = [name for name in tool.schema.get("required") or [] if name in about]
    named = [bool(stems(plain(name)) & said) for name in about]
    lists = [
        a["enum"] for a in about.values() if isinstance(a, dict) and isinstance(a.get("enum"), list)
    ]
    listed = [any(str(value).lower() in text for value in values) for values in lists]
    kinds = [
        about[name].get("type") if isinstance(about[name], dict) else None for name in required
    ]
    needed = sum(kind in ("integer", "number", "float") for kind in kinds)
    return (
        sum(named) / max(len(named), 1),
        sum(listed) / max(len(listed), 1),
        float(max(needed - numbers, 0)),
        float(len(required)),
    )
