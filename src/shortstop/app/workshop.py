"""The workshop of one configuration: traffic, rules, specialists. Needs no running gateway."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from shortstop import registry
from shortstop.app.adapter_bench import FOLDER as ADAPTERS
from shortstop.app.adapter_bench import LocalBench, load_answering
from shortstop.app.court import NightCourt
from shortstop.app.places import data_paths
from shortstop.app.recorded import Recorded
from shortstop.config import Config
from shortstop.errors import ConfigError, ModelFileError, StoreError
from shortstop.flywheel.encoding import RememberingEncoder
from shortstop.flywheel.examples import Example
from shortstop.flywheel.night.shelf import Shelf
from shortstop.flywheel.night.task import Rules
from shortstop.flywheel.trainer import Recipe, Trainer
from shortstop.registry.placements import FOLDER
from shortstop.routing import grade, packaged
from shortstop.specialists.encoder import Encoder, SentenceEncoder
from shortstop.specialists.opinion import Specialist

ABANDONED = 3_600.0
"""Seconds after which nobody goes on writing the files of a specialist."""


class Workshop:
    """Of the gateway that `config` describes."""

    def __init__(self, config: Config, env: Mapping[str, str]) -> None:
        self.config = config
        self.paths = data_paths(config, env)
        self.recorded = Recorded(config, env, self.paths)

    @property
    def has_encoder(self) -> bool:
        """Whether it is installed; to know that, nothing is loaded."""
        try:
            registry.encoder_file(self.paths.home)
        except ModelFileError:
            return False
        return True

    @cached_property
    def encoder(self) -> Encoder | None:
        """None where it is not installed."""
        try:
            file = registry.encoder_file(self.paths.home)
        except ModelFileError:
            return None
        vocabulary, _, _ = packaged().embedder.parts()
        return RememberingEncoder(SentenceEncoder(file, vocabulary))

    @cached_property
    def bench(self) -> LocalBench | None:
        """Where adapters are trained and asked; None where there is no local model of our own."""
        try:
            return LocalBench(self.config, self.recorded.env, self.paths.workshop)
        except (ConfigError, ModelFileError):
            return None

    def begin(self) -> None:
        """Remove what an earlier night had begun to train or to keep: what it learned from may be
        erased by now."""
        shutil.rmtree(self.paths.workshop / ADAPTERS, ignore_errors=True)
        self.shelf().sweep(time.time() - ABANDONED)

    def rules(self, now: float) -> Rules:
        from shortstop.flywheel.trainers import VETTED

        learning = self.config.learning
        recipe = Recipe(
            learning.target, self.encoder, now, retention=self.recorded.retention,
            bench=self.bench, targets=dict.fromkeys(VETTED, learning.bank_target),
        )  # fmt: skip
        return Rules(recipe, self.trainers(), learning.margin, learning.alpha, learning.judge_error)

    def court(self, night: float | None) -> NightCourt | None:
        """Who judges in the night that began then (Unix seconds), None: in a look; None where
        nobody is named or nothing may be spent. Raises ConfigError, ModelFileError, StoreError."""
        target = self.config.judge.target
        if target is None or self.config.learning.usd <= 0:
            return None
        return NightCourt(self.config, target, self.recorded, night)

    def trainers(self) -> Sequence[Trainer]:
        """Those of the kinds that the configuration names, in their order. Raises ConfigError."""
        from shortstop.flywheel.trainers import TRAINERS

        chosen, known = self.config.learning.kinds, [trainer.kind for trainer in TRAINERS]
        unknown = sorted(set(chosen) - set(known))
        if unknown:
            raise ConfigError(
                f"`kinds` under [learning] names {unknown[0]!r}, which is no kind.",
                hint=f"There are: {', '.join(known)}.",
            )
        return [trainer for trainer in TRAINERS if not chosen or trainer.kind in chosen]

    def shelf(self) -> Shelf:
        return Shelf(self.paths.home / FOLDER, self._loaded)

    def _loaded(self, kind: str, files: Mapping[str, bytes]) -> Specialist:
        return load_answering(kind, files, self._needed_encoder, self.bench)

    def _needed_encoder(self) -> Encoder:
        """Raises StoreError."""
        if self.encoder is None:
            raise StoreError("The sentence encoder is not installed.")
        return self.encoder

    def encoder_bytes(self) -> tuple[bytes, Sequence[str]] | None:
        """The encoder's file and vocabulary, for a machine elsewhere; None where it is not
        installed."""
        try:
            file = registry.encoder_file(self.paths.home)
        except ModelFileError:
            return None
        return file.read_bytes(), packaged().embedder.parts()[0]

    def grader(self, task: str) -> str | None:
        """The grader that the operator named for a task."""
        declared = self.config.tasks.get(task)
        return declared.grader if declared else None

    def grade(self, task: str) -> Callable[[str, Example], float]:
        """How answers to a task are compared with the recorded one."""
        kind = self.grader(task)
        return lambda answer, row: grade(kind, answer, row.answer)
