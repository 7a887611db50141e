"""The same training on a Ray cluster: a task's data set goes there, its specialists come back.

Needs the extra `[ray]`, imported when a cluster is named. The workers need this package and the
extra `[learn]`; the sentence encoder is sent along. What is sent is the task's own traffic: name a
cluster that may see it.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.errors import ConfigError
from shortstop.flywheel.curate.dataset import Dataset
from shortstop.flywheel.examples import Example
from shortstop.flywheel.learn import Kept, Learned, Lesson, taught
from shortstop.flywheel.trainer import Grade, NotLearned, Recipe, Trainer
from shortstop.routing import grade
from shortstop.specialists import kinds
from shortstop.specialists.artefact import Manifest
from shortstop.specialists.encoder import Encoder, SentenceEncoder

Bytes = Callable[[], tuple[bytes, Sequence[str]] | None]
"""The encoder's file and vocabulary."""


class Lecture(Struct, frozen=True):
    """What a worker is told. `grader` is the name of the task's."""

    train: list[Example]
    doubted: list[Example]
    examine: list[Example]
    kinds: tuple[str, ...]
    grader: str | None
    target: float
    now: float
    seed: int
    retention: float
    targets: dict[str, float] = {}
    answered: list[Example] = []


class MadeElsewhere(Struct, frozen=True):
    """One specialist; see `learn.Learned`."""

    manifest: Manifest
    files: dict[str, bytes]
    held_out: dict[str, str | None]


class Taught(Struct, frozen=True):
    """What it answers: the specialists, why the other kinds are none, or why nothing was
    learned."""

    learned: list[MadeElsewhere]
    refused: dict[str, str]
    why: str = ""


class Cluster:
    """At `address`: "ray://HOST:PORT", "HOST:PORT", or "local" for one on this machine. Raises
    ConfigError where Ray is not installed or nobody answers."""

    def __init__(self, address: str) -> None:
        try:
            import ray
        except ImportError:
            raise ConfigError(
                "--on needs the extra [ray], which is not installed.",
                hint="pip install 'shortstop[ray]'.",
            ) from None
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._ray: Any = ray
        if not ray.is_initialized():
            where = None if address == "local" else address
            try:
                ray.init(address=where, log_to_driver=False, include_dashboard=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise ConfigError(f"No Ray cluster answers at {address}: {error}") from error
        self._remote = ray.remote(num_cpus=1, max_retries=2)(learn_elsewhere)

    def teach(self, encoder: Bytes, grader: str | None) -> Callable[..., Lesson]:
        """What takes the place of `learn.taught` for a task with this `grader`."""

        def teach(
            data: Dataset, graded: Grade, recipe: Recipe, trainers: Sequence[Trainer], kept: Kept
        ) -> Lesson:
            found = [kept.find(trainer.kind) for trainer in trainers]
            if all(one is not None for one in found):  # the night was interrupted after it
                return taught(data, graded, recipe, trainers, kept)
            names = tuple(trainer.kind for trainer in trainers)
            job = Lecture(
                train=data.train,
                doubted=data.doubted,
                examine=data.examine,
                kinds=names,
                grader=grader,
                target=recipe.target,
                now=recipe.now,
                seed=recipe.seed,
                retention=recipe.retention,
                targets=dict(recipe.targets),
                answered=list(data.answered),
            )
            sent = encoder() if recipe.encoder is not None else None
            answer = self._ray.get(self._remote.remote(msgspec.msgpack.encode(job), sent))
            return _received(answer, recipe, kept)

        return teach


def _received(answer: bytes, recipe: Recipe, kept: Kept) -> Lesson:
    """Kept here as if it had been made here. Raises NotLearned."""
    back = msgspec.msgpack.decode(answer, type=Taught)
    if back.why:
        raise NotLearned(back.why)
    learned = []
    for made in back.learned:
        kind = made.manifest.kind
        specialist = kinds.load(kind, made.files, lambda: _needed(recipe.encoder))
        one = Learned(made.manifest, made.files, specialist, made.held_out)
        at_home = kept.keep(kind, one)
        assert isinstance(at_home, Learned)
        learned.append(at_home)
    for kind, why in back.refused.items():
        kept.keep(kind, why)
    return Lesson(tuple(learned), back.refused)


def learn_elsewhere(job: bytes, sent: tuple[bytes, Sequence[str]] | None) -> bytes:
    """On a worker."""
    from shortstop.flywheel.trainers import TRAINERS

    told = msgspec.msgpack.decode(job, type=Lecture)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe(
            told.target,
            _opened(Path(folder), sent),
            told.now,
            told.seed,
            told.retention,
            targets=told.targets,
        )
        data = Dataset(told.train, told.doubted, told.examine, Counter(), told.answered)
        trainers = [trainer for trainer in TRAINERS if trainer.kind in told.kinds]
        try:
            lesson = taught(data, _graded(told.grader), recipe, trainers)
        except NotLearned as error:
            return msgspec.msgpack.encode(Taught([], {}, error.message))
    learned = [
        MadeElsewhere(one.manifest, dict(one.files), dict(one.held_out)) for one in lesson.learned
    ]
    return msgspec.msgpack.encode(Taught(learned, dict(lesson.refused)))


def _opened(folder: Path, sent: tuple[bytes, Sequence[str]] | None) -> Encoder | None:
    if sent is None:
        return None
    data, vocabulary = sent
    file = folder / "encoder.onnx"
    file.write_bytes(data)
    return SentenceEncoder(file, vocabulary)


def _graded(kind: str | None) -> Grade:
    return lambda answer, row: grade(kind, answer, row.answer)


def _needed(encoder: Encoder | None) -> Encoder:
    assert encoder is not None
    return encoder
