"""Tasks of a log learned in child processes, within a time: nobody's gateway waits for them."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from multiprocessing.pool import Pool

from shortstop.app.workshop import Workshop
from shortstop.backtest.cloud import CloudEvidence, cloud_evidence
from shortstop.backtest.tally import LearnRow, LogTally
from shortstop.backtest.trial import Trial, too_few, tried
from shortstop.config import Config
from shortstop.flywheel.learn import LEAST_EXAMPLES
from shortstop.flywheel.repeats.trainer import RepeatsTrainer
from shortstop.flywheel.trainer import Recipe, Trainer
from shortstop.flywheel.trainers import TRAINERS

LEARN = ("onnxruntime", "sklearn", "pycrfsuite", "rapidfuzz", "tokenizers")
"""Packages of the extra `[learn]`."""
NICENESS = 5


@dataclass(frozen=True, slots=True)
class TrialLimits:
    """How long all of it may take, and in how many processes: 0 for as many as there are cores, at
    most two."""

    minutes: float = 3.0
    workers: int = 0


@dataclass(slots=True)
class BacktestWatcher:
    """Told how far it is: bytes read, the number of tasks to learn, a task that is done, the number
    of requests for the local model, one that is answered."""

    read: Callable[[int], None] = lambda size: None
    began: Callable[[int], None] = lambda tasks: None
    ended: Callable[[str], None] = lambda task: None
    asking: Callable[[int], None] = lambda requests: None
    answered: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Kinds:
    """Who is tried, and what is missing for the others, in words."""

    trainers: Sequence[Trainer]
    limits: list[str] = field(default_factory=list)


def kinds_to_try(config: Config, env: Mapping[str, str]) -> Kinds:
    """Raises ConfigError."""
    missing = [name for name in LEARN if find_spec(name) is None]
    if missing:
        return Kinds(
            [RepeatsTrainer()],
            [
                "Only what is asked again was tried: the extra [learn] is not installed"
                " (`pip install 'shortstop[learn]'`)."
            ],
        )
    workshop = Workshop(config, env)
    trainers = [one for one in workshop.trainers() if one in TRAINERS]
    if not workshop.has_encoder:
        return Kinds(
            trainers,
            ["Labels and calls of tools were not tried: `shortstop pull minilm-l6` fetches what"
             " reads them."],
        )  # fmt: skip
    return Kinds(trainers)


class _TrialBench:
    """What a child process has ready."""

    ready: _TrialBench | None = None

    def __init__(self, config: Config, env: Mapping[str, str]) -> None:
        self.workshop = Workshop(config, env)
        self.trainers = kinds_to_try(config, env).trainers

    @classmethod
    def set_up(cls, config: Config, env: Mapping[str, str]) -> None:
        os.nice(NICENESS)
        cls.ready = cls(config, env)


def _try(work: tuple[str, list[LearnRow]]) -> tuple[str, Trial]:
    name, rows = work
    bench = _TrialBench.ready
    assert bench is not None
    recipe = Recipe(bench.workshop.config.learning.target, bench.workshop.encoder, time.time())
    return name, tried(rows, bench.trainers, bench.workshop.grade(name), recipe)


def trials(
    config: Config,
    env: Mapping[str, str],
    tally: LogTally,
    limits: TrialLimits,
    onlooker: BacktestWatcher,
) -> dict[str, Trial]:
    """Dearest first; what is not done within the time is not there."""
    order = sorted(tally.tasks.values(), key=lambda t: (-t.cost, -t.requests))
    work = [(t.task, t.kept()) for t in order if len(t.rows) >= LEAST_EXAMPLES]
    onlooker.began(len(work))
    done = {t.task: too_few(len(t.rows)) for t in order if len(t.rows) < LEAST_EXAMPLES}
    end = time.monotonic() + 60 * limits.minutes
    with _pool(config, env, limits.workers) as pool:
        results = pool.imap_unordered(_try, work)
        for _ in work:
            try:
                name, trial = results.next(timeout=max(0.0, end - time.monotonic()))
            except multiprocessing.TimeoutError:
                break
            done[name] = trial
            onlooker.ended(name)
    return done


def cloud_trials(
    config: Config, env: Mapping[str, str], tally: LogTally, candidates: Sequence[str]
) -> dict[str, list[CloudEvidence]]:
    """Of tasks that several models answered: whether a candidate answers as today's does."""
    workshop = Workshop(config, env)
    return {
        name: cloud_evidence(task.kept(), candidates, workshop.grade(name))
        for name, task in tally.tasks.items()
        if candidates and len(task.models) > 1
    }


@contextmanager
def _pool(config: Config, env: Mapping[str, str], workers: int) -> Iterator[Pool]:
    count = workers or min(2, os.cpu_count() or 1)
    pool = multiprocessing.get_context("spawn").Pool(count, _TrialBench.set_up, (config, dict(env)))
    try:
        yield pool
    finally:
        pool.terminate()
        pool.join()
