"""A night on this machine: the workshop's traffic, learned task by task."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from msgspec.structs import replace

from shortstop.app.aside import step_aside
from shortstop.app.court import NightCourt
from shortstop.app.recorded import Progress
from shortstop.app.workshop import Workshop
from shortstop.errors import StoreError
from shortstop.flywheel.gather import TaskKey, TaskTraffic, ranked
from shortstop.flywheel.mine.decisions import DecisionFile, found, place, share_examples
from shortstop.flywheel.night.anchors import Anchors
from shortstop.flywheel.night.cluster import Cluster
from shortstop.flywheel.night.lock import sole_night
from shortstop.flywheel.night.memory import TaskMemory
from shortstop.flywheel.night.night import Night
from shortstop.flywheel.night.page import write_page
from shortstop.flywheel.night.report import NightReport, TaskReport
from shortstop.flywheel.night.task import TaskNight
from shortstop.flywheel.night.umpire import NightUmpire
from shortstop.registry.placements import Placements


class Onlooker(NamedTuple):
    """Who is told how a night goes on: `read` of rows, `began` of the tasks there will be, `stage`
    of (task, what is done with it now), `ended` of what became of it."""

    read: Progress = lambda rows: None
    began: Callable[[int], None] = lambda tasks: None
    stage: Callable[[str, str], None] = lambda task, stage: None
    ended: Callable[[TaskReport], None] = lambda report: None


UNWATCHED = Onlooker()


class HowNight(NamedTuple):
    """A `look` trains nobody: it examines those who are there by what has come since, and promotes
    by proof. Trained is here or `on` a Ray cluster."""

    look: bool = False
    on: str | None = None


A_NIGHT = HowNight()


class Plan(NamedTuple):
    """What a night would learn from: its tasks, costliest first, and their traffic."""

    keys: Sequence[TaskKey]
    traffic: Mapping[TaskKey, TaskTraffic]

    def of(self, keys: Container[TaskKey]) -> Plan:
        """Of these tasks alone."""
        return self._replace(keys=[key for key in self.keys if key in keys])


def planned(
    workshop: Workshop, names: Sequence[str], until: float, onlooker: Onlooker = UNWATCHED
) -> Plan:
    """Raises ConfigError where there is nothing to learn from, StoreError."""
    traffic, corrections = workshop.recorded.traffic(until, advance=onlooker.read)
    workshop.recorded.require_teacher(corrections)
    decisions = DecisionFile(workshop.paths.workshop).read()
    keys = [one.key for one in ranked(traffic.values())]
    if names:
        keys = [found(keys, decisions, name) for name in names]
    first = [key for key in keys if place(key) in decisions.pinned]
    shared = share_examples(traffic, decisions)
    return Plan([*first, *(key for key in keys if key not in first)], shared)


def spend_night(
    workshop: Workshop,
    names: Sequence[str] = (),
    onlooker: Onlooker = UNWATCHED,
    how: HowNight = A_NIGHT,
) -> NightReport:
    """Raises ConfigError, StoreError; an interrupted night goes on the next time."""
    cluster = None if how.on is None else Cluster(how.on)
    now = time.time()
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    folder = workshop.paths.workshop
    with ExitStack() as opened:
        opened.enter_context(sole_night(folder, f"process {os.getpid()}, since {since}"))
        step_aside()
        night = Night(folder, now, kept=not how.look)
        if not night.resumed and not how.look:
            workshop.begin()
        court = opened.enter_context(_court(workshop, night, how))
        plan = planned(workshop, names, night.state.until, onlooker)
        if how.look:
            plan = plan.of(_serving(workshop))
        onlooker.began(len(plan.keys))

        def learn(key: TaskKey) -> TaskReport:
            work = _task(workshop, plan.traffic[key], night.state.started, court)
            work.trains = not how.look
            if cluster is not None:
                work.teach = cluster.teach(workshop.encoder_bytes, workshop.grader(key.task))
            report = work.learn(lambda stage: onlooker.stage(key.task, stage))
            if not how.look:
                report = replace(report, page=str(write_page(work.memory.folder, report)))
            onlooker.ended(report)
            return report

        try:
            report = night.run(plan.keys, learn, workshop.config.learning.minutes)
        except OSError as error:
            raise StoreError(
                f"The night stopped: {error.filename or folder} cannot be written"
                f" ({error.strerror}). What answers now stays as it is.",
                hint="Make room and run `shortstop learn` again: it goes on from here.",
            ) from error
        return report if court is None else replace(report, judge=court.report)


def _serving(workshop: Workshop) -> set[TaskKey]:
    """The tasks that have a specialist which answers or is asked unseen."""
    placed = Placements(workshop.paths.home).serving()
    return {TaskKey(one.tenant, one.task) for one in placed}


@contextmanager
def _court(workshop: Workshop, night: Night, how: HowNight) -> Iterator[NightCourt | None]:
    """The judge of a night, if there is one. It is opened first: what an interrupted night was told
    is then among what is read."""
    court = workshop.court(None if how.look else night.state.started)
    try:
        yield court
    finally:
        if court is not None:
            court.close()


def _task(
    workshop: Workshop, traffic: TaskTraffic, now: float, court: NightCourt | None
) -> TaskNight:
    memory = TaskMemory(workshop.paths.workshop, traffic.key, workshop.recorded.seal)
    rules = workshop.rules(now)
    if court is not None:
        umpire = NightUmpire(court, memory.folder, rules.judge_error)
        rules = dataclasses.replace(rules, recipe=dataclasses.replace(rules.recipe, umpire=umpire))
    return TaskNight(
        traffic,
        memory,
        workshop.shelf(),
        Placements(workshop.paths.home),
        rules,
        workshop.grade(traffic.key.task),
        Anchors(memory.folder, workshop.recorded.seal).read(),
        court=court,
    )
