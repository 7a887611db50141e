"""The simulated frontier's knowledge: the reference, wrong in a chosen share of the cases.

Errors are plausible: a label goes to a class of similar words, a field to another piece of the text
of the same shape, a vetted answer to a neighbour, a call loses or changes an argument. The same
request always gets the same answer. From a given day on the policy of some answers changes.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.company.apps import NO_CALL, App
from bench.company.sources import Item, plain_text

NEAREST = 3
"""Classes into which errors fall."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How answers change. `renamed`: application -> (label before, label after); `titled`:
    application -> a field that is written in Title Case. Both from `day` on."""

    day: int
    renamed: dict[str, tuple[str, str]] = field(default_factory=dict)
    titled: dict[str, str] = field(default_factory=dict)

    def gold(self, app: App, item: Item, day: int) -> Any:
        """The reference on that day."""
        before, after = self.renamed.get(app.name, ("", ""))
        return after if day >= self.day and before and item.gold == before else item.gold

    def formatted(self, app: App, answer: str, day: int) -> str:
        """The answer as the teacher writes it on that day."""
        name = self.titled.get(app.name)
        if name is None or day < self.day:
            return answer
        fields = json.loads(answer)
        if isinstance(fields.get(name), str):
            fields[name] = fields[name].title()
        return json.dumps(fields, ensure_ascii=False)

    def changes(self, app: App, item: Item) -> bool:
        """Whether what is right about this item changes on that day."""
        return app.name in self.renamed and bool(self.renamed[app.name][0] == item.gold)


class Teacher:
    """Wrong in the share `error` of what has a reference. `seed` decides where and how."""

    def __init__(self, apps: Sequence[App], policy: Policy, error: float, seed: int) -> None:
        self._policy = policy
        self._error = error
        self._seed = seed
        closed = [app for app in apps if app.kind in ("label", "faq", "bank")]
        self._near = {app.name: neighbours(app.items) for app in closed}

    def answer(self, app: App, item: Item, day: int) -> str:
        """What it says on that day."""
        chance = random.Random(f"{self._seed} {app.name} {item.id}")
        gold = self._policy.gold(app, item, day)
        said = None
        if app.check_of(item) and chance.random() < self._error:
            said = self._wrong(app, item, gold, chance)
        return self._policy.formatted(app, said or app.says(gold, item), day)

    def _wrong(self, app: App, item: Item, gold: Any, chance: random.Random) -> str | None:
        if app.name in self._near:
            near = self._near[app.name].get(str(item.gold)) or sorted(self._near[app.name])
            others = [one for one in near if one != str(item.gold)]
            return app.says(chance.choice(others), item) if others else None
        if app.kind == "extract":
            return app.says(wrong_fields(item.text, gold, chance), item)
        if app.kind == "tools":
            return wrong_call(app.says(gold, item), chance)
        if app.kind == "summary":
            return "The patient was seen today."
        return app.says(["0", *gold], item) if app.kind == "hard" and gold else None


def neighbours(items: Sequence[Item]) -> dict[str, list[str]]:
    """Class -> the classes of the most similar words, nearest first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        if item.gold is not None:
            counts[str(item.gold)].update(plain_text(item.text).split())
    names = sorted(counts)
    words = {w: n for n, w in enumerate(sorted({w for c in counts.values() for w in c}))}
    table = np.zeros((len(names), len(words)), dtype=np.float32)
    for row, name in enumerate(names):
        for word, count in counts[name].items():
            table[row, words[word]] = count
    table *= np.log(len(names) / np.maximum((table > 0).sum(axis=0), 1) + 1e-9)
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    alike = table @ table.T
    np.fill_diagonal(alike, -1.0)
    order = np.argsort(-alike, axis=1)[:, :NEAREST]
    return {name: [names[at] for at in order[row]] for row, name in enumerate(names)}


def wrong_fields(text: str, gold: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """One field takes another piece of the text that looks like it; where there is none, it is left
    out or loses its last word."""
    names = [name for name, value in gold.items() if isinstance(value, str) and value]
    if not names:
        return gold
    name = chance.choice(names)
    value = gold[name]
    pieces = text.splitlines() if "\n" in text else text.split()
    if re.search(r"\d", value):
        pieces = re.findall(r"\S*\d\S*", text)
    alike = [p for p in pieces if _shape(p) == _shape(value) and p.strip() != value]
    if alike:
        return {**gold, name: chance.choice(alike).strip()}
    shorter = value.rsplit(" ", 1)[0]
    if shorter != value:
        return {**gold, name: shorter}
    return {k: v for k, v in gold.items() if k != name}


def _shape(text: str) -> tuple[bool, bool, int]:
    digits = sum(c.isdigit() for c in text)
    return digits > 0, any(c.isalpha() for c in text), min(len(text) // 6, 4)


def wrong_call(answer: str, chance: random.Random) -> str:
    """An argument changes or is lost; without arguments, or without a call, a call is not made."""
    if answer == NO_CALL:
        return "I can do that; tell me more first."
    made = json.loads(answer)
    call = chance.choice(made)
    arguments = next(iter(call.values()))
    if not arguments:
        return NO_CALL
    name = chance.choice(sorted(arguments))
    value = arguments[name]
    if isinstance(value, bool):
        arguments[name] = not value
    elif isinstance(value, int | float):
        arguments[name] = value + 1
    else:
        del arguments[name]
    return json.dumps(made)
