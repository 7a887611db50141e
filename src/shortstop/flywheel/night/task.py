"""One task's part of a night: curated, trained, examined, promoted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.flywheel.card import card_files
from shortstop.flywheel.curate.dataset import Dataset, beside, curate
from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import data_hash, fingerprint
from shortstop.flywheel.gather import TaskTraffic
from shortstop.flywheel.learn import Kept, Learned, Lesson, taught
from shortstop.flywheel.night.forgetting import DAY, Forgetting
from shortstop.flywheel.night.hearing import HELD_OUT, Court, Findings, Hearing, Pairs, failed
from shortstop.flywheel.night.memory import TaskMemory
from shortstop.flywheel.night.promote import (
    Incumbent,
    Move,
    Standing,
    harmful,
    nears_its_end,
    next_move,
)
from shortstop.flywheel.night.report import Beside, KindReport, TaskReport
from shortstop.flywheel.night.shelf import KeptOnDisk, Shelf
from shortstop.flywheel.pairs import running_losses
from shortstop.flywheel.trainer import Grade, NotLearned, Recipe, Trainer
from shortstop.registry.placements import Placement, Placements
from shortstop.types.decision import TargetState

GROWTH = 0.25
"""More examples, as a share of those that trained last, from which on it is trained again."""
AHEAD = 7 * DAY
"""Seconds before the end of a specialist's time from which on its successor is trained."""
TAKEN_BACK = ("canary", "live")


@dataclass(frozen=True, slots=True)
class Rules:
    """How a task is learned: the `recipe`, the `trainers` that are tried, and what proves a
    specialist: a mean loss of its task below `margin`, at the error `alpha`; who is proven to lose
    more on its own answers is taken back. `judge_error` is the
    share of a judge's verdicts that is taken to be wrong where people have not checked them."""

    recipe: Recipe
    trainers: Sequence[Trainer]
    margin: float = 0.03
    alpha: float = 0.05
    judge_error: float = 0.1


Teach = Callable[[Dataset, Grade, Recipe, Sequence[Trainer], Kept], Lesson]
"""`learn.taught`, here or elsewhere."""
Stage = Callable[[str], None]
"""Told what is being done, in a word."""


@dataclass(slots=True)
class TaskNight:
    """The task of `traffic`; nobody is trained unless it `trains`. Methods raise OSError."""

    traffic: TaskTraffic
    memory: TaskMemory
    shelf: Shelf
    placements: Placements
    rules: Rules
    grade: Grade
    anchors: Sequence[Example] = ()
    teach: Teach = taught
    court: Court | None = None
    trains: bool = True

    def learn(self, stage: Stage) -> TaskReport:
        """The whole of it."""
        started = time.monotonic()
        gone = self._forgetting.forget(self._named())
        placed = self._placed()
        why = ""
        data: Dataset | None = None
        refused: tuple[KindReport, ...] = ()
        if self.trains and self._due(placed):
            stage("curate")
            data = self._curated(placed)
            try:
                stage("train")
                refused = self._trained(data)
            except NotLearned as error:
                why = error.message
        placed |= self._candidates()
        stage("examine")
        verdicts = self._examined(placed)
        waiting = [one.name for one in self.placements.serving() if one.state != "live"]
        self.memory.rehearsed.keep(waiting)
        return self._report(data, (*gone, *verdicts, *refused), why, time.monotonic() - started)

    @property
    def _forgetting(self) -> Forgetting:
        now, erased = self.rules.recipe.now, self.traffic.erased
        return Forgetting(self.memory, self.shelf, self.placements, erased, now)

    def _named(self) -> list[str]:
        """All that the task has had, but for those that have been forgotten."""
        placed = [one for one in self.placements.all()
                  if (one.tenant, one.task) == tuple(self.traffic.key)]  # fmt: skip
        return [*(one.name for one in placed), *self._unplaced()]

    # ------------------------------------------------------------ data

    def _due(self, placed: Mapping[str, Place]) -> bool:
        state = self.memory.state
        if not state.complete or len(self._candidates()) < len(self._unplaced()):
            return True
        left = self._forgetting.left
        ending = [p for p in placed.values() if left(p.learned.manifest.lineage) < AHEAD]
        if ending or self.memory.has_trained(state.data, self.traffic.erased):
            return True
        new = sum(example.at > state.until for example in self.traffic.examples)
        return new >= GROWTH * max(state.rows, 1) or (not placed and new > 0)

    def _curated(self, placed: Mapping[str, Place]) -> Dataset:
        recipe = self.rules.recipe
        until = self.memory.state.until
        data = curate(self.traffic.examples, self.memory.frozen, recipe.encoder, recipe.seed, until)
        return beside(data, self._answered(placed))

    def _answered(self, placed: Mapping[str, Place]) -> list[Example]:
        """What those who are live have answered."""
        live = {name for name, place in placed.items() if place.state == "live"}
        return [row for row in self.traffic.local if row.teacher in live]

    def _trained(self, data: Dataset) -> tuple[KindReport, ...]:
        """Try each kind; why those are none that are none. Raises NotLearned."""
        recipe = self.rules.recipe
        kinds = ",".join(trainer.kind for trainer in self.rules.trainers)
        inputs = f"{data.name} {recipe.target} {recipe.seed} {kinds}"
        until = max((row.at for row in data.whole), default=0.0)
        rows = [row.id for row in (*data.train, *data.asked_before)]
        self.memory.begin(inputs, data_hash(data.train), rows)
        beside = card_files(data, recipe.retention, dict(self.traffic.left_out))
        kept = KeptOnDisk(self.shelf, self.memory, beside)
        lesson = self.teach(data, self.grade, recipe, self.rules.trainers, kept)
        self.memory.finish(until)
        return tuple(KindReport(kind, why=why) for kind, why in lesson.refused.items())

    def _candidates(self) -> dict[str, Place]:
        """Those that were made and never placed. Who was taken back is placed, as retired, and does
        not come again."""
        out = {}
        for name in self._unplaced():
            with suppress(StoreError):
                out[name] = Place(self.shelf.take(name), "candidate", self.rules.recipe.now)
        return out

    def _unplaced(self) -> list[str]:
        placed = {placement.name for placement in self.placements.all()}
        made = [became.name for became in self.memory.state.tried.values() if became.name]
        return [name for name in made if name not in placed]

    def _placed(self) -> dict[str, Place]:
        """The task's specialists that answer or are asked unseen; a damaged one is taken back."""
        out = {}
        for placement in self.placements.serving():
            if (placement.tenant, placement.task) != tuple(self.traffic.key):
                continue
            try:
                learned = self.shelf.take(placement.name)
            except StoreError as error:
                self.placements.roll_back(placement.name, self.rules.recipe.now, error.message)
                continue
            out[placement.name] = Place(learned, placement.state, placement.since)
        return out

    # ------------------------------------------------------------ proof

    def _examined(self, placed: Mapping[str, Place]) -> tuple[KindReport, ...]:
        """Hear all that is in dispute, then put each specialist where its evidence allows."""
        if not placed:
            return ()
        hearing = Hearing(self.traffic, self.shelf, self.memory.rehearsed, self.grade, self.court)
        hearing.recall(self.traffic.examples)
        looked, seconds = {}, {}
        for name, place in placed.items():
            started = time.monotonic()
            looked[name] = hearing.pairs(place.learned, self._unlearned(name, placed))
            seconds[name] = time.monotonic() - started
        rehearsed, rules = self._rehearsed(placed, hearing), self.rules
        known = hearing.evidence(looked, rehearsed, rules.margin, rules.alpha, rules.judge_error)
        out = []
        for name, place in placed.items():
            step, report = self._moved(name, placed, known)
            self._place(name, place, step)
            each = 1000 * seconds[name] / max(len(looked[name].every), 1)
            out.append(replace(report, milliseconds=each))
        return tuple(out)

    def _rehearsed(self, placed: Mapping[str, Place], hearing: Hearing) -> dict[str, Pairs]:
        """Of those who are not live yet, after all that was asked unseen: the judge's money goes
        there first."""
        found = {}
        for name, place in placed.items():
            if place.state != "live":
                with suppress(StoreError):  # damaged, or of another key: what is unseen stays
                    found[name] = hearing.rehearsal(name, self.traffic.examples)
        return found

    def _moved(
        self, name: str, placed: Mapping[str, Place], known: Findings
    ) -> tuple[Move, KindReport]:
        """Where one specialist's evidence puts it."""
        place, pairs, rules = placed[name], known.pairs[name], self.rules
        gold = [pair for pair in pairs.every if pair and pair.by == "gold"]
        now = Standing(
            place.state,
            known.asked(name),
            known.since(name, place.since),
            place.state in TAKEN_BACK and harmful(pairs.since(place.since), rules.margin),
            harmful(gold, rules.margin),
        )
        step = self._ended(place) or next_move(now, self._incumbent(name, placed, known))
        why = f" {pairs.waiting} requests wait for the judge." if pairs.waiting else ""
        shown = now.since if step.state in TAKEN_BACK and place.state in TAKEN_BACK else now.asked
        return step, KindReport(
            kind=place.learned.manifest.kind,
            name=name,
            state=step.state,
            why=step.why + why,
            served=now.asked.share,
            pairs=shown.served,
            loss=shown.loss,
            more=shown.more,
            judged=shown.judged,
            margin=rules.margin,
            losses=running_losses(pairs.every),
            waiting=pairs.waiting,
            bias=known.doubt.bias,
            checked=known.doubt.checked,
        )

    def _ended(self, place: Place) -> Move | None:
        """Where no evidence counts."""
        if why := self._forgetting.why(place.learned.manifest.lineage):
            return Move("retired", why)
        wrong = failed(place.learned, self.anchors, self.grade)
        return None if wrong is None else Move("retired", f"It fails the anchor {wrong!r}.")

    def _unlearned(self, name: str, placed: Mapping[str, Place]) -> list[Example]:
        """What a specialist has not learned from, in order of time: what the frontier answered, and
        what somebody answered who is live now, for one that is not."""
        place, frozen = placed[name], self.memory.frozen.prints
        until = place.learned.manifest.lineage.until
        asked = [
            row
            for row in self.traffic.examples
            if not row.synthetic and (row.at > until or fingerprint(row) in frozen)
        ]
        if place.state == "live":
            return asked
        asked += [row for row in self._answered(placed) if row.at > until]
        return sorted(asked, key=lambda row: row.at)

    def _incumbent(
        self, name: str, placed: Mapping[str, Place], known: Findings
    ) -> Incumbent | None:
        """Those of the kind that answer now, if any do."""
        kind, found = placed[name].learned.manifest.kind, []
        for other, place in placed.items():
            same = other != name and place.learned.manifest.kind == kind
            if same and place.state in TAKEN_BACK and self._ended(place) is None:
                own, proof = len(known.pairs[other].own), known.unseen(other)
                share = (proof.served + own) / max(proof.asked + own, 1)
                trial = known.since(other, place.since)
                nears = place.state == "canary" and nears_its_end(trial)
                found.append(Incumbent(share, nears))
        if not found:
            return None
        return Incumbent(max(one.share for one in found), any(one.nears for one in found))

    def _place(self, name: str, place: Place, step: Move) -> None:
        if step.state == place.state:
            return
        now = self.rules.recipe.now
        if step.state == "retired" and place.state in TAKEN_BACK:
            self.placements.roll_back(name, now, step.why)
            return
        key = self.traffic.key
        moved = Placement(name, key.tenant, key.task, step.state, now, step.why)
        self.placements.place(moved, seen=place.state)

    def _report(
        self, data: Dataset | None, kinds: tuple[KindReport, ...], why: str, seconds: float
    ) -> TaskReport:
        traffic = self.traffic
        graded = {name: v for name, v in traffic.graded.items() if not name.startswith(HELD_OUT)}
        left_out = dict(traffic.left_out) | dict(data.left_out if data else {})
        return TaskReport(
            tenant=traffic.key.tenant,
            task=traffic.key.task,
            requests=traffic.requests,
            examples=traffic.seen,
            trained=len(data.train) if data else self.memory.state.rows,
            examined=len(data.examine) if data else len(self.memory.frozen.prints),
            left_out=left_out,
            kinds=kinds,
            why=why,
            sampled=traffic.sampled,
            seconds=seconds,
            beside={name: Beside(len(v), sum(v) / len(v)) for name, v in graded.items()},
        )


class Place(NamedTuple):
    """A specialist and how far it is trusted, `since` then (Unix seconds)."""

    learned: Learned
    state: TargetState
    since: float
