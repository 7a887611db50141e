"""Whether identifying spans are found in the right place: recall, precision and F2.

A marked span is found when at least half of its letters and digits lie in findings of its class. A
finding is right when at least half of its own lie in marked spans of its class; towns and postal
codes may belong to an address, titles to a person. F2 weighs recall four times precision. The
usual count is reported as well: one finding to one span, overlap over union at least one half.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shortstop.dialects import wire_words
from shortstop.evaluate.privacy.detection import NO_LIMIT
from shortstop.evaluate.privacy.figures import Measured, PrivacyReport, counted
from shortstop.privacy.detectors import Detectors
from shortstop.privacy.names import reader
from shortstop.privacy.names.people import Entity
from shortstop.privacy.names.tagger import Tagger

Marked = tuple[str, int, int]
"""(label, start, end)"""

IDENTITY = {
    "person": "PERSON NOMBRE_SUJETO_ASISTENCIA NOMBRE_PERSONAL_SANITARIO",
    "address": "ADDRESS STREET_ADDRESS CALLE LOCATION",
    "phone": "PHONE PHONE_NUMBER NUMERO_TELEFONO NUMERO_FAX",
    "email": "EMAIL EMAIL_ADDRESS CORREO_ELECTRONICO",
    "card": "CARD CREDIT_CARD",
    "account": "IBAN IBAN_CODE BANK_ACCOUNT US_BANK_NUMBER",
    "id": "NATIONAL_ID PASSPORT MEDICAL_ID US_SSN US_ITIN US_PASSPORT US_DRIVER_LICENSE UK_NHS"
    " ES_NIF ES_NIE ID_SUJETO_ASISTENCIA ID_ASEGURAMIENTO ID_TITULACION_PERSONAL_SANITARIO"
    " ID_CONTACTO_ASISTENCIAL ID_EMPLEO_PERSONAL_SANITARIO MEDICAL_LICENSE",
    "ip": "IP IP_ADDRESS",
}
CLASS = {label: name for name, labels in IDENTITY.items() for label in labels.split()}
"""Identity class by label, for the labels of all: ours, presidio-research, MEDDOCAN, Presidio."""
ALLOWED = {
    "address": frozenset("GPE ZIP_CODE TERRITORIO PAIS HOSPITAL INSTITUCION".split()),  # noqa: SIM905
    "person": frozenset({"TITLE"}),
}
"""What is marked otherwise and may be part of a finding of the class."""
DRAWS = 1_000
"""Resamples from which an interval is made."""


def is_unseen(row: Mapping[str, Any]) -> bool:
    """Whether a row's template belongs to the part that nobody looks at while writing rules."""
    key = str(row["template"]).encode() if "template" in row else str(row["id"]).encode()
    return hashlib.sha256(key).digest()[0] >= 128


def by_rules(texts: Sequence[str]) -> list[list[Marked]]:
    """What the rulebook finds, by which requests are pinned."""
    detectors = Detectors(NO_LIMIT, time.monotonic, wire_words())
    return [
        [
            (f.label, f.start, f.end)
            for f in detectors.findings({"messages": [{"role": "user", "content": text}]})
            if ":" not in f.rule
        ]
        for text in texts
    ]


def by_all(texts: Sequence[str]) -> list[list[Marked]]:
    """The same with the names that are read before an escalation. Raises ConfigError without the
    extra `[ner]`."""
    entities = asyncio.run(_tagged(texts))
    names = [list(reader.spans(t, e)) for t, e in zip(texts, entities, strict=True)]
    return [_merged(a + b) for a, b in zip(by_rules(texts), names, strict=True)]


def _merged(spans: Sequence[Marked]) -> list[Marked]:
    """Findings of one label that overlap are one."""
    merged: list[Marked] = []
    for label, start, end in sorted(spans):
        if merged and merged[-1][0] == label and start < merged[-1][2]:
            merged[-1] = (label, merged[-1][1], max(end, merged[-1][2]))
        else:
            merged.append((label, start, end))
    return merged


async def _tagged(texts: Sequence[str]) -> list[tuple[Entity, ...]]:
    tagger = Tagger(600)
    try:
        return await tagger.entities(texts)
    finally:
        await tagger.close()


def span_report(
    rows: Sequence[Mapping[str, Any]],
    find: Callable[[Sequence[str]], Sequence[Sequence[Marked]]],
    part: str,
) -> PrivacyReport:
    """F2 with a 95% interval by resampling templates, recall by class, F2 of the usual count."""
    findings = find([row["text"] for row in rows])
    tallies, usual = [], []
    for row, spans in zip(rows, findings, strict=True):
        marked = [(s["label"], s["start"], s["end"]) for s in row["spans"]]
        tallies.append(_covered(row["text"], marked, spans))
        usual.append(_matched(row["text"], marked, spans))
    groups = [str(row.get("template", row["id"])) for row in rows]
    whole = sum(tallies, Counter())
    figures = [_f2("span F2", tallies, groups), _f2("span F2, one to one", usual, groups)]
    right, wrong = whole["right"], whole["wrong"]
    figures.append(counted("precision", right, right + wrong))
    for name in ("all", *IDENTITY):
        n = whole[f"n {name}"]
        if n:
            figures.append(counted(f"recall: {name}", whole[f"hit {name}"], n))
    return PrivacyReport(part, tuple(figures))


def _covered(text: str, marked: Sequence[Marked], spans: Sequence[Marked]) -> Counter[str]:
    """By coverage: at least half of a span lies in spans of its class on the other side."""
    tally: Counter[str] = Counter()
    for label, start, end in marked:
        name = CLASS.get(label)
        if name is not None and _inside(text, (start, end), [s for s in spans if _is(s, name)]):
            tally.update([f"hit {name}", "hit all"])
        if name is not None:
            tally.update([f"n {name}", "n all"])
    for label, start, end in spans:
        name = CLASS.get(label)
        if name is not None:
            good = [m for m in marked if _is(m, name) or m[0] in ALLOWED.get(name, ())]
            tally["right" if _inside(text, (start, end), good) else "wrong"] += 1
    return tally


def _matched(text: str, marked: Sequence[Marked], spans: Sequence[Marked]) -> Counter[str]:
    """The usual count: one finding to one marked span, overlap over union at least one half."""
    tally: Counter[str] = Counter()
    free = [m for m in marked if m[0] in CLASS]
    tally["n all"] = len(free)
    for label, start, end in spans:
        name = CLASS.get(label)
        allowed = [m for m in marked if name is not None and m[0] in ALLOWED.get(name, ())]
        best = max(
            (m for m in free if name is not None and _is(m, name)),
            key=lambda m: _overlap(m, (start, end)),
            default=None,
        )
        if best is not None and _overlap(best, (start, end)) >= 0.5:
            free.remove(best)
            tally.update(["hit all", "right"])
        elif name is not None and not _inside(text, (start, end), allowed):
            tally["wrong"] += 1
    return tally


def _is(span: Marked, name: str) -> bool:
    return CLASS.get(span[0]) == name


def _overlap(one: Marked, other: tuple[int, int]) -> float:
    shared = min(one[2], other[1]) - max(one[1], other[0])
    return max(0, shared) / ((one[2] - one[1]) + (other[1] - other[0]) - max(0, shared))


def _inside(text: str, span: tuple[int, int], others: Sequence[Marked]) -> bool:
    letters = [i for i in range(*span) if text[i].isalnum()]
    within = sum(any(start <= i < end for _, start, end in others) for i in letters)
    return bool(letters) and 2 * within >= len(letters)


def _f2(name: str, tallies: Sequence[Counter[str]], groups: Sequence[str]) -> Measured:
    by_group: dict[str, Counter[str]] = {}
    for group, tally in zip(groups, tallies, strict=True):
        by_group.setdefault(group, Counter()).update(tally)
    parts, draw = list(by_group.values()), random.Random(1)
    scores = sorted(_score(draw.choices(parts, k=len(parts))) for _ in range(DRAWS))
    whole = sum(parts, Counter())
    low, high = scores[int(0.025 * DRAWS)], scores[int(0.975 * DRAWS)]
    return Measured(name, whole["n all"], whole["hit all"], _score(parts), low, high)


def _score(parts: Sequence[Counter[str]]) -> float:
    n, hit, right, wrong = (
        sum(p[k] for p in parts) for k in ("n all", "hit all", "right", "wrong")
    )
    recall, precision = hit / max(1, n), right / max(1, right + wrong)
    return 5 * precision * recall / max(1e-9, 4 * precision + recall)
