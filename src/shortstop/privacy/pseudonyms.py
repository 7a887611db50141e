"""A request with its values replaced, and what was put for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shortstop.privacy.leaves import leaves
from shortstop.privacy.surrogates import Mint
from shortstop.types import Finding, Json


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


def mint(
    values: Mapping[str, str],
    redact: frozenset[str],
    known: Mapping[str, str],
    body: Json,
    maker: Mint,
) -> tuple[dict[str, str], dict[str, str]]:
    """(value -> what stands for it, surrogate -> value for the way back)."""
    text = "\n".join(leaf.text for leaf in leaves(body)).lower()
    given = {value: surrogate for surrogate, value in known.items()}
    used = {s.lower() for s in known}
    put: dict[str, str] = {}
    back: dict[str, str] = {}
    for value, label in values.items():
        if label in redact:
            put[value] = f"[{label}]"
            continue
        old = given.get(value)
        fresh = (
            old if old and old.lower() not in text else maker.surrogate(label, value, text, used)
        )
        used.add(fresh.lower())
        put[value], back[fresh] = fresh, value
    return put, back


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
