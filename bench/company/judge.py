"""The simulated judge: it knows what is right, and errs in a chosen share of its verdicts.

Of two answers of which one is right it takes the wrong one for the better in `ERROR` of the cases,
in both orders alike, and in `WAVERING` of the cases it likes whatever comes first; where both are
wrong it favours either in a quarter of the cases each. By the request and the two answers alone, so
that the same question always gets the same verdict.
"""

from __future__ import annotations

import json
import random
from typing import Any

from bench.company.stream import right

Json = dict[str, Any]
ERROR, WAVERING, PARTIAL = 0.08, 0.05, 0.25
GOOD, BAD = 9, 2
SECONDS = 1.5


def verdict(row: Json | None, material: Json) -> str:
    """What it says of two answers to the request of a record, as JSON."""
    answers = [_as_client(material[name]) for name in ("first_answer", "second_answer")]
    if row is None or not row["check"]:
        return _said(BAD, BAD)
    chance = random.Random(f"{row['key']} {sorted(answers)}")
    draw, wavers = chance.random(), chance.random() < WAVERING
    if wavers:
        return _said(GOOD, BAD)
    good = [bool(right(row["check"], row["gold"], answer)) for answer in answers]
    if good[0] != good[1]:
        return _said(*(GOOD if one != (draw < ERROR) else BAD for one in good))
    if good[0] or draw >= 2 * PARTIAL:
        return _said(*(GOOD if one else BAD for one in good))
    favourite = sorted(answers)[draw < PARTIAL]
    return _said(*(GOOD if answer == favourite else BAD for answer in answers))


def _said(first: int, second: int) -> str:
    return json.dumps({"first": first, "second": second})


def _as_client(answer: str) -> str:
    """Calls of tools as clients have them: [name, arguments] becomes {name: arguments}."""
    try:
        calls = json.loads(answer)
        made = [{name: _arguments(given)} for name, given in calls]
    except (ValueError, TypeError):
        return answer
    return json.dumps(made) if made else answer


def _arguments(given: Any) -> Any:
    return json.loads(given) if isinstance(given, str) else given
