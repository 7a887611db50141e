"""Recorded traffic as a list of tasks: named, ranked, with the jobs inside and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import fingerprint
from shortstop.flywheel.gather import TaskKey, TaskTraffic
from shortstop.flywheel.mine.decisions import Decisions, named, place
from shortstop.flywheel.mine.jobs import jobs_in
from shortstop.flywheel.mine.naming import names_for, telling
from shortstop.flywheel.shapes import shape_of
from shortstop.routing.task import system_prompt
from shortstop.specialists.encoder import Encoder
from shortstop.types import Request

SAMPLES = 3
LONGEST = 160
"""Characters of a sample that are shown."""
READ = 2000
"""Newest examples that jobs are looked for in."""

Mask = Callable[[str, str], str]
"""(text, tenant) -> the same without what privacy finds in it."""
Ask = Callable[[TaskTraffic], Request | None]
"""The request of a task's sample row."""


class JobReport(Struct, frozen=True):
    """One job inside a task: the form of its answers, its share, the words that tell it apart."""

    form: str
    share: float
    words: tuple[str, ...]
    samples: tuple[str, ...]


class MinedTask(Struct, frozen=True):
    """`repetition` is the share of requests whose text had been asked before, `spend_usd` what all
    of them cost. `merged_into` is the task that its examples are shared with."""

    name: str
    tenant: str
    task: str
    requests: int
    remote: int
    spend_usd: str
    repetition: float
    answers: str
    jobs: tuple[JobReport, ...]
    samples: tuple[str, ...]
    pinned: bool = False
    split: bool = False
    merged_into: str | None = None
    sampled: bool = False


def with_names(traffic: Mapping[TaskKey, TaskTraffic], decisions: Decisions, ask: Ask) -> Decisions:
    """Every task has a name: out of its system prompt, or of what is asked where it has none."""
    new = {key: one for key, one in traffic.items() if place(key) not in decisions.names}
    texts = {place(key): _about(one, ask) for key, one in new.items()}
    names = names_for(texts)
    return named(decisions, {key: _kept(key, names[place(key)]) for key in new})


def _kept(key: TaskKey, name: str) -> str:
    """A task that the client named keeps its name."""
    return name if key.task.startswith(("t-", "k-", "open")) else key.task


def _about(traffic: TaskTraffic, ask: Ask) -> str:
    request = ask(traffic)
    system = system_prompt(request) if request is not None else ""
    if system or request is None:
        return system
    texts = [example.query.text for example in list(traffic.examples)[-200:]]
    return " ".join(telling(texts, [])) if texts else ""


def mined(
    traffic: Mapping[TaskKey, TaskTraffic],
    decisions: Decisions,
    encoder: Encoder,
    mask: Mask,
) -> list[MinedTask]:
    """Pinned ones first, then by spend, then by repetition and number."""
    tasks = [_task(one, decisions, encoder, mask) for one in traffic.values()]
    spend = {place(key): one.spend for key, one in traffic.items()}
    order = {name: number for number, name in enumerate(decisions.pinned)}

    def rank(task: MinedTask) -> tuple[object, ...]:
        at = f"{task.tenant}/{task.task}"
        repeated = task.repetition * task.requests
        return order.get(at, len(order)), -spend[at], -repeated, -task.requests, task.name

    return sorted(tasks, key=rank)


def _task(traffic: TaskTraffic, decisions: Decisions, encoder: Encoder, mask: Mask) -> MinedTask:
    key, examples = traffic.key, list(traffic.examples)
    counts = Counter(fingerprint(example) for example in examples)
    again = 1.0 - len(counts) / len(examples) if examples else 0.0
    return MinedTask(
        name=decisions.name(key),
        tenant=key.tenant,
        task=key.task,
        requests=traffic.requests,
        remote=traffic.remote,
        spend_usd=str(traffic.spend),
        repetition=again,
        answers=shape_of([e.answer for e in examples]) if examples else "unknown",
        jobs=_jobs(examples[-READ:], key.tenant, encoder, mask),
        samples=_shown(examples, key.tenant, mask),
        pinned=place(key) in decisions.pinned,
        split=place(key) in decisions.split,
        merged_into=decisions.merged.get(place(key)),
        sampled=traffic.sampled,
    )


def _jobs(
    examples: Sequence[Example], tenant: str, encoder: Encoder, mask: Mask
) -> tuple[JobReport, ...]:
    """None where there is one job alone."""
    jobs = jobs_in(examples, encoder) if examples else []
    if len(jobs) < 2:
        return ()
    out = []
    for job in jobs:
        inside, rows = [examples[row] for row in job.rows], set(job.rows)
        others = [e.query.text for n, e in enumerate(examples) if n not in rows]
        words = telling([e.query.text for e in inside], others)
        share = len(inside) / len(examples)
        shown = _shown(inside, tenant, mask)
        out.append(JobReport(job.form, share, tuple(mask(w, tenant) for w in words), shown))
    return tuple(out)


def _shown(examples: Sequence[Example], tenant: str, mask: Mask) -> tuple[str, ...]:
    """The newest ones, masked before they are cut: half a secret would not be found."""
    texts = dict.fromkeys(example.query.text for example in reversed(examples))
    return tuple(mask(text, tenant)[:LONGEST] for text in list(texts)[:SAMPLES])
