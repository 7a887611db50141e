"""What a teacher that errs leaves of thresholds, by agreement with it and with a judge.

    python -m bench.learning.noisy [--data DIR] [--error 0.07] [--rows N] [--seed N]

Recurring tools (bench/data/recurring_tools), or the tasks of `--data` whose answers are fields. The
early part trains and calibrates, the test part is only counted on, against gold. Teacher and judge
are those of the company day: simulated.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.company import judge
from bench.company.apps import App, applications
from bench.company.recurring import recurring
from bench.company.sources import read
from bench.company.stream import right
from bench.company.teacher import Policy, Teacher
from bench.learning.tools import _encoder
from shortstop.dialects import get
from shortstop.flywheel.appeal import NOBODY, Umpire
from shortstop.flywheel.composed.trainer import made, study
from shortstop.flywheel.examine import calibrated, sure
from shortstop.flywheel.examples import Example
from shortstop.flywheel.night.hearing import Dispute
from shortstop.flywheel.night.umpire import NightUmpire
from shortstop.flywheel.tools.trainer import ToolTrainer
from shortstop.flywheel.trainer import Made, Recipe
from shortstop.flywheel.verdicts import BothGrades
from shortstop.routing import grade
from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import query_of

TARGET, JUDGE_ERROR = 0.95, 0.1
Json = dict[str, Any]


class Court:
    """The simulated judge, asked in both orders."""

    def __init__(self, rows: dict[str, Json]) -> None:
        self._rows = rows
        self.claims = 0

    def hear(self, disputes: Sequence[Dispute]) -> Sequence[BothGrades | None]:
        self.claims += len(disputes)
        return [self._heard(one) for one in disputes]

    def _heard(self, one: Dispute) -> BothGrades:
        ahead = self._asked(one.row.id, one.told, one.answer)
        behind = self._asked(one.row.id, one.answer, one.told)
        return BothGrades((ahead[0] + behind[1]) / 20, (ahead[1] + behind[0]) / 20)

    def _asked(self, row: str, first: str, second: str) -> tuple[int, int]:
        material = {"first_answer": first, "second_answer": second}
        said = json.loads(judge.verdict(self._rows[row], material))
        return said["first"], said["second"]


def examples(app: App, teacher: Teacher) -> tuple[list[Example], dict[str, Json]]:
    """In the order of the source, with what is right."""
    out, rows = [], {}
    for number, item in enumerate(app.items):
        out.append(asked(app, item.id, app.body(item), teacher.answer(app, item, 1), number))
        rows[item.id] = {"key": item.id, "check": app.check_of(item), "gold": item.gold}
    return out, rows


def asked(app: App, id: str, body: Json, told: str, at: float) -> Example:
    """A request, its body in OpenAI's dialect, with what the frontier told."""
    query = query_of(get("openai.chat").decode_request({**body, "model": "auto"}, id))
    assert query is not None
    calls: tuple[Invocation, ...] = ()
    if app.kind == "tools" and told.startswith("["):
        made_calls = [pair for call in json.loads(told) for pair in call.items()]
        calls = tuple(Invocation(name, json.dumps(value)) for name, value in made_calls)
    answer = spelled(calls) if calls else told
    return Example(id, at, "", app.name, query, answer, "frontier", calls=calls)


def measured(app: App, error: float, rows: int | None, seed: int) -> dict[str, Counter[str]]:
    """Counts by who says what is right when thresholds are found."""
    told, gold = examples(app, Teacher([app], Policy(2), error, seed))
    late = {item.id for item in app.items if item.late}
    train = [row for row in told if row.id not in late][:rows]
    test = [row for row in told if row.id in late]
    recipe = Recipe(TARGET, _encoder(), 0.0, seed)
    found = {}
    studied = study(train, recipe) if app.kind == "extract" else None
    once = ToolTrainer().train(train, recipe) if studied is None else None
    for who in ("agreement", "judge"):
        court = Court(gold)
        umpire: Umpire = NOBODY
        if who == "judge":
            umpire = NightUmpire(court, Path(tempfile.mkdtemp()), JUDGE_ERROR)
        one = once or made(studied, replace(recipe, umpire=umpire))  # type: ignore[arg-type]
        found[who] = _counted(one, umpire, test, gold)
        found[who].update({"claims": court.claims, "train": len(train)})
    return found


def _counted(one: Made, umpire: Umpire, test: Sequence[Example], gold: Any) -> Counter[str]:
    gate = calibrated(one, lambda answer, row: grade(None, answer, row.answer), TARGET, umpire)
    counts: Counter[str] = Counter(n=len(test))
    for row, opinion in zip(test, sure(one.specialist, gate, test), strict=True):
        if opinion is not None:
            counts["partly" if opinion.unsure else "served"] += 1
            if not opinion.unsure:
                said = as_client(opinion)
                counts["right"] += bool(right(gold[row.id]["check"], gold[row.id]["gold"], said))
    return counts


def as_client(opinion: Opinion) -> str:
    """An answer as clients compare it: calls as {name: arguments}."""
    if not opinion.calls:
        return opinion.answer
    return json.dumps([{call.name: json.loads(call.arguments)} for call in opinion.calls])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.learning.noisy")
    parser.add_argument("--data", type=Path, help="a folder of tasks, of which fields are taken")
    parser.add_argument("--error", type=float, default=0.07)
    parser.add_argument("--rows", type=int, help="that train, at most")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    sources = recurring() if asked.data is None else read(asked.data)[0]
    apps = [app for app in applications(sources) if app.kind in ("tools", "extract")]
    if asked.data is not None:
        apps = [app for app in apps if app.kind == "extract"]
    total: dict[str, Counter[str]] = {}
    for app in apps:
        for who, counts in measured(app, asked.error, asked.rows, asked.seed).items():
            print(f"{app.name}, {who}: {dict(counts)}", flush=True)
            total.setdefault(who, Counter()).update(counts)
    for who, counts in total.items():
        served, n, good = counts["served"], counts["n"], counts["right"]
        print(f"{who}: served {served / n:.1%} of {n}, right {good / max(served, 1):.1%}")


if __name__ == "__main__":
    main()
