"""The stream: which request arrives on which day, with what is new on it.

No text is sent twice, but for a stated share of natural repeats of two days before or earlier.
The first days draw from the sources' training parts, the last ones from their test parts; what lies
outside a catalogue of answers is spread over all days, as in real traffic.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bench.company.apps import NO_ANSWER, App
from bench.company.score import CHECKS
from bench.company.sources import Item
from bench.company.teacher import Policy, Teacher

CHARS_PER_TOKEN = 4
EARLY = 0.6
"""Share of the days that draw from training parts."""
REPEATED = 0.02
NEW = 0.05
"""Share of labels, answers and vendors that are held back at first; they begin with a burst."""
OUTSIDE = 0.4
"""The largest share of questions that no vetted answer fits."""
FIRST_TOKEN, TOKENS_PER_SECOND, SPREAD = 0.9, 60.0, 0.35
"""The frontier's latency: log-normal seconds to the first token, then so many tokens a second."""

Novelty = Literal["", "new", "renamed", "repeat", "outside"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request on its way, with what the frontier would say and what is right. `seconds` is how
    long the frontier takes for it, `tokens` what it bills: prompt, completion. `rivals`: whether
    each cheaper cloud model would be right, where there is a reference."""

    id: str
    day: int
    app: str
    kind: str
    client: str
    stream: bool
    task: str | None
    body: dict[str, Any]
    check: str
    gold: Any
    teacher: str
    seconds: float
    tokens: tuple[int, int]
    novelty: Novelty = ""
    sensitive: bool = False
    rivals: tuple[tuple[str, bool], ...] = ()

    @property
    def text(self) -> str:
        return str(self.body["messages"][-1]["content"])

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    def right(self, answer: str) -> bool | None:
        """Against gold; None where there is no reference."""
        return right(self.check, self.gold, answer)

    def agrees(self, answer: str) -> bool:
        """Whether it says what the frontier says, by the same check."""
        return agree(self.kind, answer, self.teacher)


def right(check: str, gold: Any, answer: str) -> bool | None:
    """By the check of that name; None without one."""
    if not check:
        return None
    if gold is None:
        return answer.startswith(NO_ANSWER)
    return CHECKS[check](answer, gold)


def agree(kind: str, answer: str, teacher: str) -> bool:
    """Whether two answers to a request of a kind say the same."""
    if kind == "label":
        return CHECKS["label"](answer, _bare_label(teacher))
    parsed = _json(teacher)
    if kind == "extract" and isinstance(parsed, dict):
        return CHECKS["extract"](answer, parsed)
    if kind == "tools":
        said = _json(answer)
        if isinstance(parsed, list) or isinstance(said, list):
            return bool(said == parsed)
        return True
    return CHECKS["rouge" if kind == "summary" else "same"](answer, teacher)


def _bare_label(teacher: str) -> str:
    parsed = _json(teacher)
    return str(next(iter(parsed.values()))) if isinstance(parsed, dict) else teacher


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """When what happens. `held`: application -> keys that are not seen before day `new`."""

    days: int
    new: int
    held: dict[str, frozenset[str]]
    policy: Policy

    @property
    def early(self) -> int:
        return max(1, round(EARLY * self.days))


def plan(apps: Sequence[App], days: int, seed: int) -> Plan:
    """What is new, by chance. From three days on; before, nothing changes."""
    chance = random.Random(f"{seed} plan")
    new = days // 2 + 1
    if days < 3:
        return Plan(days, days + 1, {}, Policy(days + 1))
    held = {app.name: found for app in apps if (found := _held(app, chance))}
    renamed, titled = {}, {}
    labels = [app for app in apps if app.kind == "label"]
    if labels:
        app = labels[-1]
        common = [key for key, _ in Counter(item.key for item in app.items).most_common()]
        free = [key for key in common if key not in held.get(app.name, ())]
        before = chance.choice(free[: max(1, len(free) // 3)])
        renamed[app.name] = (before, f"new_{before}")
    for app in apps:
        if app.kind == "extract":
            titled[app.name] = _texts(app)
            break
    return Plan(days, new, held, Policy(max(2, days - 1), renamed, titled))


def _held(app: App, chance: random.Random) -> frozenset[str]:
    keys = sorted({item.key for item in app.items if item.key and item.in_scope})
    if app.kind not in ("label", "faq", "extract") or len(keys) < 6:
        return frozenset()
    return frozenset(chance.sample(keys, max(1, round(NEW * len(keys)))))


def _texts(app: App) -> str:
    """The field with the most letters in it."""
    letters: Counter[str] = Counter()
    for item in app.items:
        for name, value in item.gold.items():
            if isinstance(value, str):
                letters[name] += sum(c.isalpha() for c in value)
    return letters.most_common(1)[0][0] if letters else ""


class Stream:
    """The asks of each day. `volumes` are requests a day by kind, spread over its applications;
    `teachers` the frontier, named "", and cheaper cloud models that are only compared with it."""

    def __init__(
        self,
        apps: Sequence[App],
        plan: Plan,
        teachers: Mapping[str, Teacher],
        volumes: Mapping[str, int],
        seed: int,
    ) -> None:
        self._apps = [app for app in apps if app.kind in volumes]
        self._plan = plan
        self._teachers = teachers
        self._seed = seed
        kinds = Counter(app.kind for app in self._apps)
        self._quota = {app.name: volumes[app.kind] / kinds[app.kind] for app in self._apps}
        self._left = {app.name: self._shuffled(app) for app in self._apps}
        self._sent: dict[int, list[tuple[App, Item]]] = {}

    def _shuffled(self, app: App) -> list[Item]:
        items = list(app.items)
        random.Random(f"{self._seed} {app.name}").shuffle(items)
        return items

    def day(self, day: int) -> list[Ask]:
        """The asks of one day, in the order in which they arrive. Days are asked for in order."""
        chance = random.Random(f"{self._seed} day {day}")
        today = [(app, item) for app in self._apps for item in self._drawn(app, day)]
        before = [pair for d, sent in self._sent.items() if d <= day - 2 for pair in sent]
        self._sent[day] = today
        asks = [self._ask(app, item, day) for app, item in today]
        again = [(app, item) for app, item in before if self._repeats(app, item)]
        repeated = chance.sample(again, min(len(again), round(REPEATED * len(today))))
        asks += [self._ask(app, item, day, repeat=True) for app, item in repeated]
        chance.shuffle(asks)
        return asks

    def _repeats(self, app: App, item: Item) -> bool:
        return app.kind in ("label", "faq", "bank") and not self._plan.policy.changes(app, item)

    def _drawn(self, app: App, day: int) -> Iterator[Item]:
        left = self._left[app.name]
        late = day > self._plan.early
        last = self._plan.days if late else self._plan.early
        free = [item for item in left if self._open(app, item, day, late)]
        inside = [i for i in free if i.in_scope or app.kind != "faq"]
        outside = [i for i in free if not i.in_scope and app.kind == "faq"]
        quota = self._quota[app.name]
        # what is not asked any more today must last for the other days of this part
        count = min(len(inside) / (last - day + 1), quota)
        beside = min(len(outside) / (self._plan.days - day + 1), OUTSIDE * count)
        drawn = [*inside[: round(count - beside)], *outside[: round(beside)]]
        taken = {id(item) for item in drawn}
        self._left[app.name] = [item for item in left if id(item) not in taken]
        yield from drawn

    def _open(self, app: App, item: Item, day: int, late: bool) -> bool:
        held = item.key in self._plan.held.get(app.name, ()) and day < self._plan.new
        outside = app.kind == "faq" and not item.in_scope
        return not held and (outside or item.late == late)

    def _ask(self, app: App, item: Item, day: int, *, repeat: bool = False) -> Ask:
        answer = self._teachers[""].answer(app, item, day)
        gold = self._plan.policy.gold(app, item, day)
        body = app.body(item)
        texts = [message["content"] for message in body["messages"]]
        tokens = prompt_tokens(texts, body.get("tools")), count_tokens(answer)
        chance = random.Random(f"{self._seed} {app.name} {item.id} time")
        first = FIRST_TOKEN * chance.lognormvariate(0, SPREAD)
        ask = Ask(
            id=f"{day}-{app.name}-{item.id}{'-again' if repeat else ''}",
            day=day,
            app=app.name,
            kind=app.kind,
            client=app.client,
            stream=app.stream,
            task=app.task,
            body=body,
            check=app.check_of(item),
            gold=app.says(gold, item) if app.kind == "faq" and gold is not None else gold,
            teacher=answer,
            seconds=first + tokens[1] / TOKENS_PER_SECOND,
            tokens=tokens,
            novelty="repeat" if repeat else self._novelty(app, item, day),
            sensitive=app.kind == "assistant" and not item.in_scope,
        )
        if not ask.check:
            return ask
        others = {name: one for name, one in self._teachers.items() if name}
        rivals = [(n, bool(ask.right(one.answer(app, item, day)))) for n, one in others.items()]
        return replace(ask, rivals=tuple(rivals))

    def _novelty(self, app: App, item: Item, day: int) -> Novelty:
        if app.kind == "faq" and not item.in_scope:
            return "outside"
        if item.key and item.key in self._plan.held.get(app.name, ()):
            return "new"
        if day >= self._plan.policy.day and self._plan.policy.changes(app, item):
            return "renamed"
        return ""


def prompt_tokens(texts: Sequence[str], tools: Any) -> int:
    """Of a system prompt and messages, with descriptions of tools."""
    return count_tokens("\n".join(texts)) + (count_tokens(json.dumps(tools)) if tools else 0)


def count_tokens(text: str) -> int:
    """As the simulated vendor counts: characters / 4."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)
