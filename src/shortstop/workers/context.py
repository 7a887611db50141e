"""What a worker knows of its siblings: their engines, their slots, what they learn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.routing import Feedback, LearnedRouter, Pair, grade
from shortstop.routing.state import Pending
from shortstop.types import Caller, Clearance, Decision, Look, Request, Signals, Trace
from shortstop.workers.addresses import SupervisedEngine
from shortstop.workers.bus import Bus
from shortstop.workers.slots import SharedSlots, SharedSlotTable, file_of

log = logging.getLogger("shortstop")


class Decided(Struct, frozen=True, tag="decided"):
    request_id: str
    pending: Pending


class Done(Struct, frozen=True, tag="done"):
    trace: Trace


class Compared(Struct, frozen=True, tag="compared"):
    pair: Pair
    signals: Signals | None


class Lost(Struct, frozen=True, tag="lost"):
    request_id: str


class Judged(Struct, frozen=True, tag="judged"):
    feedback: Feedback


News = Decided | Done | Compared | Lost | Judged

_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_decode = msgspec.msgpack.Decoder(News).decode


class WorkerContext:
    """One worker's place in the crew: its `index` from 0, and the `folder` that all share."""

    def __init__(self, folder: Path, index: int) -> None:
        self.folder = folder
        self.index = index
        self._bus = Bus(folder, index)
        self._learn: Callable[[News], None] = lambda news: None

    @property
    def leader(self) -> bool:
        """The one that saves what all have learned."""
        return self.index == 0

    def engine(self, name: str) -> SupervisedEngine:
        return SupervisedEngine(self.folder, name)

    def slots(self, name: str, slots: int, queue: int) -> SharedSlots:
        return SharedSlots(
            SharedSlotTable(file_of(self.folder, name, slots), slots), self.index, queue
        )

    def listen(self, learn: Callable[[News], None]) -> None:
        """From now on `learn` gets what the others say; at once, what was said so far."""
        self._learn = learn
        for message in self._bus.past():
            learn(_decode(message))

    def tell(self, news: News) -> None:
        """What is learned is worth keeping, but no answer fails for it."""
        try:
            self._bus.publish(_encode(news))
        except OSError as error:
            log.error("the other workers could not be told: %s", error)

    def catch_up(self) -> None:
        for message in self._bus.news():
            self._learn(_decode(message))

    def close(self) -> None:
        self._bus.close()


class SharedRouter:
    """A Brain that tells the crew what it sees, and hears what they see. Same ports."""

    def __init__(self, brain: LearnedRouter, crew: WorkerContext) -> None:
        self.brain = brain
        self._crew = crew

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        self._crew.catch_up()
        decision = self.brain.decide(request, clearance, caller)
        pending = self.brain.state.pending.get(request.id)
        if pending is not None:
            self._crew.tell(Decided(request.id, pending))
        return decision

    def accept(self, look: Look) -> bool:
        return self.brain.accept(look)

    def doubts(self, look: Look) -> bool:
        return self.brain.doubts(look)

    def observe(self, trace: Trace) -> None:
        self.brain.observe(trace)
        unplaced = msgspec.structs.replace(trace.clearance, findings=())
        slim = msgspec.structs.replace(trace, clearance=unplaced, request=None, response=None)
        self._crew.tell(Done(slim))

    def pair(self, pair: Pair, signals: Signals | None) -> bool:
        counted = self.brain.pair(pair, signals)
        if counted:
            self._crew.tell(Compared(pair, signals))
        return counted

    def lost(self, request_id: str) -> bool:
        counted = self.brain.lost(request_id)
        if counted:
            self._crew.tell(Lost(request_id))
        return counted

    def grader(self, task: str) -> str | None:
        return self.brain.grader(task)

    def feedback(self, said: Feedback) -> bool:
        self._crew.catch_up()
        counted = self.brain.feedback(said)
        if counted:
            self._crew.tell(Judged(_wordless(said)))
        return counted

    def learn(self, news: News) -> None:
        """What another worker saw. Hearing it twice teaches nothing twice."""
        if isinstance(news, Decided):
            self.brain.apply_remote_decision(news.request_id, news.pending)
        elif isinstance(news, Done):
            self.brain.observe(news.trace)
        elif isinstance(news, Compared):
            self.brain.pair(news.pair, news.signals)
        elif isinstance(news, Lost):
            self.brain.lost(news.request_id)
        elif isinstance(news, Judged):
            self.brain.feedback(news.feedback)


def _wordless(said: Feedback) -> Feedback:
    """What the others learn from: the grade, never the words of an answer or its correction."""
    score = said.score
    if score is None and said.label is None and said.correction is not None:
        score = grade(None, said.answer or "", said.correction)
    return msgspec.structs.replace(said, score=score, correction=None, answer=None)
