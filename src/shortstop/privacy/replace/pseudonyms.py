"""A request's body with its values replaced, and what stands for them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shortstop.privacy.labels import NAMES
from shortstop.privacy.leaves import LeafReader, strings
from shortstop.privacy.names.reader import readable
from shortstop.privacy.replace.surrogates import SurrogateFactory, cased
from shortstop.types import Finding, Json, WireWords

_WORD = re.compile(r"[^\W\d_]{2,}(?:[-'’][^\W\d_]+)*")
SHORTEST = 3
"""Characters below which replacing a value everywhere would hit other words."""


def values_of(body: Json, findings: Sequence[Finding]) -> dict[str, str]:
    """Real value -> its label, longest first.

    Raises ValueError for a value that is too short to be replaced safely, or that has no place of
    its own: what was found inside an encoding cannot be taken out.
    """
    texts = strings(body)
    values: dict[str, str] = {}
    for finding in findings:
        if ":" in finding.rule or finding.path not in texts:
            raise ValueError("a value is hidden in an encoding")
        value = texts[finding.path][finding.start : finding.end].strip()
        if len(value) < SHORTEST:
            raise ValueError("a value is too short to be replaced safely")
        values[value] = finding.label
    return _longest_first(values)


def names_of(body: Json, findings: Sequence[Finding], reader: LeafReader) -> dict[str, str]:
    """The same for names. A person's name is split into words, so that "Jane Doe", "Ms Doe" and
    "Jane" share their surrogates."""
    texts = {leaf.path: leaf.text for leaf in readable(body, reader)}
    names: dict[str, str] = {}
    for finding in findings:
        name = texts[finding.path][finding.start : finding.end]
        words = _WORD.findall(name) if finding.label == "PERSON" else [name]
        for word in words:
            if names.get(word) != "PERSON":
                names[word] = finding.label
    return _longest_first(names)


def _longest_first(labels: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(labels.items(), key=lambda item: -len(item[0])))


def split(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """(values, which are replaced wherever they occur; names, only where people are spoken of)."""
    names = [f for f in findings if f.label in NAMES]
    return [f for f in findings if f.label not in NAMES], names


def assign(
    labels: Mapping[str, str],
    redacted: frozenset[str],
    earlier: Mapping[str, str],
    body: Json,
    factory: SurrogateFactory,
) -> tuple[dict[str, str], dict[str, str]]:
    """(value -> its stand-in, surrogate -> value for the way back).

    `labels` is value -> label; values of a `redacted` label become "[LABEL]", for which there is
    no way back. `earlier` is surrogate -> value of the conversation so far: a value keeps its
    surrogate unless the body happens to contain it. Raises ValueError when no surrogate is free.
    """
    text = "\n".join(strings(body).values()).lower()
    surrogates = {value: surrogate for surrogate, value in earlier.items()}
    people = {value.casefold(): surrogate for value, surrogate in surrogates.items()}
    used = {surrogate.lower() for surrogate in earlier}
    stand_ins: dict[str, str] = {}
    originals: dict[str, str] = {}
    for value, label in sorted(labels.items(), key=lambda item: item[0].isupper()):
        if label in redacted:
            stand_ins[value] = f"[{label}]"
            continue
        surrogate = surrogates.get(value)
        if label == "PERSON" and surrogate is None and value.casefold() in people:
            stand_ins[value] = cased(people[value.casefold()], value)
            continue
        if not surrogate or surrogate.lower() in text:
            surrogate = factory.surrogate(label, value, text, used)
        used.add(surrogate.lower())
        stand_ins[value], originals[surrogate] = surrogate, value
        if label == "PERSON":
            people[value.casefold()] = surrogate
    return stand_ins, originals


def rename(body: Json, stand_ins: Mapping[str, str], reader: LeafReader) -> Json:
    """The body with names replaced where people are spoken of, whole words only.

    Raises ValueError when one is left.
    """
    if not stand_ins:
        return body
    spelled = {s: new for name, new in stand_ins.items() for s in (name, json.dumps(name)[1:-1])}
    ordered = sorted(spelled, key=len, reverse=True)
    pattern = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(map(re.escape, ordered))})(?![^\W\d_])")
    renamer = _Renamer(pattern, spelled, reader.words)
    spoken = reader.words.spoken
    renamed = {k: renamer.renamed(v) if k in spoken else v for k, v in body.items()}
    new_names = re.compile("|".join(map(re.escape, {*stand_ins.values()})))
    if any(pattern.search(new_names.sub(" ", leaf.text)) for leaf in readable(renamed, reader)):
        raise ValueError("a name could not be taken out")
    return renamed


@dataclass(frozen=True, slots=True)
class _Renamer:
    """Puts `spelled` names in place of those that `pattern` finds."""

    pattern: re.Pattern[str]
    spelled: Mapping[str, str]
    words: WireWords

    def renamed(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            verbatim = key in self.words.verbatim
            return value if verbatim else self.pattern.sub(lambda m: self.spelled[m[0]], value)
        if isinstance(value, dict):
            kept = "name" if self._is_call(value) else None
            return {k: v if k == kept else self.renamed(v, k) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.renamed(inner, key) for inner in value]
        return value

    def _is_call(self, block: Json) -> bool:
        """Whether the block calls a function, whose name must stay."""
        kind = block.get("type")
        typed = isinstance(kind, str) and kind in self.words.calls
        return typed or not self.words.json_texts.isdisjoint(block)


def rewrite(value: Any, stand_ins: Mapping[str, str]) -> Any:
    """A JSON value with the replacements made, keys and numbers included, and also where a value
    is JSON-escaped."""
    if isinstance(value, str):
        return _rewritten(value, stand_ins)
    if isinstance(value, dict):
        return {rewrite(k, stand_ins): rewrite(v, stand_ins) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [rewrite(inner, stand_ins) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and repr(value) in stand_ins:
        return stand_ins[repr(value)]
    return value


def _rewritten(text: str, stand_ins: Mapping[str, str]) -> str:
    for value, stand_in in stand_ins.items():
        if value in text:
            text = text.replace(value, stand_in)
        for ascii_only in (True, False):
            escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
            if escaped != value and escaped in text:
                text = text.replace(escaped, stand_in)
    return text
