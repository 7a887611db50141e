"""A request with its values replaced, and what was put for them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from shortstop.privacy.leaves import leaves
from shortstop.privacy.names.reader import SAID, WIRE, told
from shortstop.privacy.policy import NAMES
from shortstop.privacy.replace.surrogates import SurrogateFactory, cased
from shortstop.types import Finding, Json

_NAME = re.compile(r"[^\W\d_]{2,}(?:[-'’][^\W\d_]+)*")


def values_of(body: Json, findings: Sequence[Finding]) -> dict[str, str]:
    """Real value -> its label, longest first. Raises ValueError for a finding without a place:
    a value inside an encoding cannot be taken out."""
    texts = {leaf.path: leaf.text for leaf in leaves(body)}
    found: dict[str, str] = {}
    for finding in findings:
        if ":" in finding.rule or finding.path not in texts:
            raise ValueError("a value is hidden in an encoding")
        value = texts[finding.path][finding.start : finding.end].strip()
        if len(value) < 3:
            raise ValueError("a value is too short to be replaced safely")
        found[value] = finding.label
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def names_of(body: Json, findings: Sequence[Finding]) -> dict[str, str]:
    """The same for names, word by word: "Jane Doe", "Ms Doe" and "Jane" share their surrogates."""
    texts = {leaf.path: leaf.text for leaf in told(body)}
    found: dict[str, str] = {}
    for finding in findings:
        said = texts[finding.path][finding.start : finding.end]
        words = _NAME.findall(said) if finding.label == "PERSON" else [said]
        for word in words:
            if word not in found or found[word] != "PERSON":
                found[word] = finding.label
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def split(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """(values that are what they are wherever they stand, names)."""
    names = [f for f in findings if f.label in NAMES]
    return [f for f in findings if f.label not in NAMES], names


def mint(
    values: Mapping[str, str],
    redact: frozenset[str],
    known: Mapping[str, str],
    body: Json,
    maker: SurrogateFactory,
) -> tuple[dict[str, str], dict[str, str]]:
    """(value -> what stands for it, surrogate -> value for the way back)."""
    text = "\n".join(leaf.text for leaf in leaves(body)).lower()
    given = {value: surrogate for surrogate, value in known.items()}
    people = {value.casefold(): surrogate for value, surrogate in given.items()}
    used = {s.lower() for s in known}
    put: dict[str, str] = {}
    back: dict[str, str] = {}
    for value, label in sorted(values.items(), key=lambda item: item[0].isupper()):
        if label in redact:
            put[value] = f"[{label}]"
            continue
        old = given.get(value)
        if label == "PERSON" and old is None and value.casefold() in people:
            put[value] = cased(people[value.casefold()], value)
            continue
        fresh = (
            old if old and old.lower() not in text else maker.surrogate(label, value, text, used)
        )
        used.add(fresh.lower())
        put[value], back[fresh] = fresh, value
        if label == "PERSON":
            people[value.casefold()] = fresh
    return put, back


def rename(body: Json, put: Mapping[str, str]) -> Json:
    """A body with names replaced where people are spoken of, whole words only.

    Raises ValueError when one is left.
    """
    if not put:
        return body
    spelled = {s: v for n, v in put.items() for s in (n, json.dumps(n)[1:-1])}
    ordered = sorted(spelled, key=len, reverse=True)
    pattern = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(map(re.escape, ordered))})(?![^\W\d_])")
    new = {k: _renamed(v, pattern, spelled) if k in SAID else v for k, v in body.items()}
    stand_ins = re.compile("|".join(map(re.escape, {*put.values()})))
    if any(pattern.search(stand_ins.sub(" ", leaf.text)) for leaf in told(new)):
        raise ValueError("a name could not be taken out")
    return new


def _renamed(value: Any, pattern: re.Pattern[str], put: Mapping[str, str], key: str = "") -> Any:
    if isinstance(value, str):
        return value if key in WIRE else pattern.sub(lambda m: put[m.group()], value)
    if isinstance(value, dict):
        call = "arguments" in value or value.get("type") in ("tool_use", "function_call")
        return {
            k: v if call and k == "name" else _renamed(v, pattern, put, k) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_renamed(v, pattern, put, key) for v in value]
    return value


def rewrite(value: Any, put: Mapping[str, str]) -> Any:
    """A JSON value with the replacements made, also where a value is JSON-escaped."""
    if isinstance(value, str):
        for real, stand_in in put.items():
            if real in value:
                value = value.replace(real, stand_in)
            for ascii_only in (True, False):
                escaped = json.dumps(real, ensure_ascii=ascii_only)[1:-1]
                if escaped != real and escaped in value:
                    value = value.replace(escaped, stand_in)
        return value
    if isinstance(value, dict):
        return {rewrite(k, put): rewrite(v, put) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [rewrite(v, put) for v in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and repr(value) in put:
        return put[repr(value)]
    return value
