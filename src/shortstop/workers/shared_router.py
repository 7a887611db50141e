"""A router that shares what it learns with other processes, of its machine and of others."""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from shortstop.faults import contained
from shortstop.routing import Feedback, LearnedRouter, Pair, Subject, grade
from shortstop.types import Caller, Clearance, Decision, Request, Signals, Trace
from shortstop.workers.news import Compared, Decided, Done, Judged, Lost, News, NewsEvent


class Siblings(Protocol):
    """The other workers, as a router sees them. `writer` is its own name among them."""

    @property
    def writer(self) -> str: ...

    def publish(self, number: int, item: News) -> None:
        """Let them know. Does not raise."""

    def catch_up(self) -> None:
        """Learn what they have published since the last call."""


class SharedRouter:
    """Implements ports.Router for one of several processes, over its own `router`.

    What only reads or looks is the router's own; what changes its state is published, and what
    others publish is learned before a decision.
    """

    def __init__(self, router: LearnedRouter, siblings: Siblings) -> None:
        self.router = router
        self._siblings = siblings
        self.accept = router.accept
        self.doubts = router.doubts
        self.grader = router.grader

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        """Choose. Raises a RequestError when no configured target can serve the request."""
        with contained("hearing the other workers"):
            self._siblings.catch_up()
        decision, pending = self.router.decide_with_pending(request, clearance, caller)
        if pending is not None:
            with contained("telling the other workers"):
                self._tell(Decided(request.id, pending))
        return decision

    def observe(self, trace: Trace) -> None:
        """Learn from a finished request."""
        self.router.observe(trace)
        self._tell(Done(_wordless_trace(trace)))

    def pair(self, pair: Pair, signals: Signals | None = None) -> bool:
        """Learn from two answers to one request; False when this changes nothing."""
        counted = self.router.pair(pair, signals)
        if counted:
            self._tell(Compared(pair, signals))
        return counted

    def lost(self, request_id: str, candidate: str) -> bool:
        """A drawn pair gave nothing to compare; False when this changes nothing."""
        counted = self.router.lost(request_id, candidate)
        if counted:
            self._tell(Lost(request_id, candidate))
        return counted

    def feedback(self, feedback: Feedback) -> Subject | None:
        """Learn from a grade from outside; what it is about, None where it does not count."""
        with contained("hearing the other workers"):
            self._siblings.catch_up()
        subject = self.router.feedback(feedback)
        if subject is not None:
            self._tell(Judged(_wordless_feedback(feedback)))
        return subject

    def _tell(self, item: News) -> None:
        """What was published counts as heard: its number is part of what is saved."""
        state, writer = self.router.state, self._siblings.writer
        number = state.heard.get(writer, 0) + 1
        state.hear(writer, number)
        self._siblings.publish(number, item)

    def learn(self, event: NewsEvent) -> None:
        """What another process has seen. Hearing it twice teaches nothing twice, for good: the
        state says how far each writer was heard."""
        if not self.router.state.hear(event.writer, event.number):
            return
        match event.item:
            case Decided(request_id, pending):
                self.router.apply_remote_decision(request_id, pending)
            case Done(trace):
                self.router.observe(trace)
            case Compared(pair, signals):
                self.router.pair(pair, signals)
            case Lost(request_id, candidate):
                self.router.lost(request_id, candidate)
            case Judged(feedback):
                self.router.feedback(feedback)


def _wordless_trace(trace: Trace) -> Trace:
    unplaced = replace(trace.clearance, findings=())
    return replace(trace, clearance=unplaced, request=None, response=None)


def _wordless_feedback(feedback: Feedback) -> Feedback:
    """The grade that others learn from, without the words of an answer or its correction."""
    score = feedback.score
    if score is None and feedback.label is None and feedback.correction is not None:
        score = grade(None, feedback.answer or "", feedback.correction)
    return replace(feedback, score=score, correction=None, answer=None)
