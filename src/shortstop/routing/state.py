"""What the router has learned: one value. `snapshot` saves and loads it whole."""

from __future__ import annotations

from itertools import islice
from typing import TypeVar

from msgspec import Struct

from shortstop.errors import StateUnfit
from shortstop.routing.clusters import TaskClusters
from shortstop.routing.contract import Evidence
from shortstop.routing.lengths import Lengths
from shortstop.routing.model import Head, PromptIndex
from shortstop.routing.overall import Overall
from shortstop.routing.prior import Prior
from shortstop.routing.scorer import AnswerScorer, PooledScorer

MAX_PENDING = 4096
MAX_CONVERSATIONS = 20_000
MAX_EVIDENCE = 1024
"""Tasks and targets of one owner whose evidence is kept; those with the fewest pairs go first."""
MAX_SCORERS = 512
"""Tasks and targets whose looks are learned apart; those with the fewest answers go first."""
MAX_LENGTHS = 2048
"""Tasks of which is remembered how long their answers were."""
MAX_WRITERS = 4096
"""Processes of which is remembered how far they were heard."""
TASK_MARK = "\n"
DRIFT_RATE = 0.05
"""Weight of the newest call in the running means of what a target takes."""
NOTHING: dict[str, Evidence] = {}
T = TypeVar("T")


class Candidate(Struct):
    """A target whose answer to a request may be compared with the reference's.

    `score` is the expected quality of its answer. The pair is drawn with probability `inclusion`;
    `drawn` is the outcome. `audit`: its answer is the one that is served. `shadow`: its state is
    "shadow", so that it could not have been served.
    """

    target: str
    score: float
    inclusion: float = 1.0
    audit: bool = False
    drawn: bool = False
    shadow: bool = False


class PendingOutcome(Struct):
    """A decision whose outcome may still come.

    `credited` is the candidate whose account the request pays into, "" where it is none's. `grams`,
    `counts` and `dense` are the bytes of the prompt's features. `heard` lists the outcomes that
    arrived, as source and target; `answered` is the target that was served.
    """

    task: str
    candidates: list[Candidate]
    grams: bytes = b""
    counts: bytes = b""
    dense: bytes = b""
    heard: list[str] = []
    answered: str = ""
    tenant: str = ""
    credited: str = ""

    def candidate(self, target: str) -> Candidate | None:
        return next((c for c in self.candidates if c.target == target), None)

    @property
    def unserved(self) -> Candidate | None:
        """The candidate that stands for a request which the frontier answers: it counts once."""
        return next((c for c in self.candidates if not (c.audit or c.shadow)), None)

    @property
    def subject(self) -> str:
        """Whom feedback is about that names nobody."""
        served = self.candidate(self.answered)
        return (served or self.candidates[0]).target


class Asked(Struct):
    """The last time that a question was asked: by which request, when (Unix seconds), and how often
    so far."""

    request_id: str
    at: float
    times: int = 1


class Costs(Struct):
    """Running means of what a call to a target takes, in seconds and US dollars; None before the
    first."""

    seconds: float | None = None
    usd: float | None = None

    def add(self, seconds: float, usd: float | None) -> None:
        self.seconds = _drifted(self.seconds, seconds)
        if usd is not None:
            self.usd = _drifted(self.usd, usd)


def _drifted(old: float | None, new: float) -> float:
    return new if old is None else old + DRIFT_RATE * (new - old)


class State:
    """Mutable, owned by one router at a time. `draws` counts random draws, so that order decides.

    `gaps` are kept per target that was compared (the reference's grade minus its own), `scorers` of
    looks at answers for all of them, per target, and per task of it, `heads` per target (its own
    grade), `evidence` per owner (a tenant, or "" for all of them), task and compared target,
    `overall` per owner, `lengths` of answers per `policies.task_name`; `policies.key_of` names a
    target. What clients did in the last minutes (`recent`, `turns`) is not saved. `heard` is the
    number of the last event of each process that is in here; `origin` names the beginning that
    states have in common which machines share, and is "" in a state that was learned alone.
    """

    def __init__(self, seed: int = 0, landmarks: int = 512) -> None:
        self.seed = seed
        self.draws = 0
        self.decided = 0
        self.landmarks = landmarks
        self.index: PromptIndex | None = None
        self.gaps: dict[str, Head] = {}
        self.heads: dict[str, Head] = {}
        self.scorers: dict[str, AnswerScorer] = {}
        self.evidence: dict[str, dict[str, Evidence]] = {}
        self.costs: dict[str, Costs] = {}
        self.lengths: dict[str, Lengths] = {}
        self.pending: dict[str, PendingOutcome] = {}
        self.conversations: dict[str, str] = {}
        self.overall: dict[str, Overall] = {}
        self.clusters: TaskClusters | None = None
        self.recent: dict[str, Asked] = {}
        self.turns: dict[str, str] = {}
        self.heard: dict[str, int] = {}
        self.origin = ""

    def hear(self, writer: str, number: int) -> bool:
        """Note that an event is in here now; False: it was before, or a later one of its writer."""
        if number <= self.heard.get(writer, 0):
            return False
        self.heard.pop(writer, None)  # who was heard last is forgotten last
        self.heard[writer] = number
        _trim(self.heard, MAX_WRITERS)
        return True

    def prepare(self, prior: Prior) -> tuple[PromptIndex, TaskClusters]:
        """The index and the clusters, made from the prior on first use.

        Raises StateUnfit when they were learned from features of another width: nothing learned is
        dropped here.
        """
        if self.index is None:
            self.index = prior.fresh_index(self.landmarks)
        if self.clusters is None:
            self.clusters = TaskClusters(prior.embedder.width)
        width = self.index.places.shape[1]
        if (width, self.clusters.width) != (prior.width, prior.embedder.width):
            raise StateUnfit(
                f"The router's state was learned from prompts of {width} features; this release"
                f" reads {prior.width}.",
                "width",
            )
        return self.index, self.clusters

    def evidence_of(self, owner: str, name: str) -> Evidence | None:
        """The owner's evidence of that `policies.evidence_name`, if there is some."""
        return self.evidence.get(owner, NOTHING).get(name)

    def evidence_for(self, owner: str, name: str) -> Evidence:
        """The same; where there is none, it begins."""
        own = self.evidence.setdefault(owner, {})
        found = own.get(name)
        if found is None:
            if len(own) >= MAX_EVIDENCE:
                del own[min(own, key=lambda name: own[name].pairs)]
            found = own[name] = Evidence()
        return found

    def scorers_of(self, key: str, task: str) -> PooledScorer:
        """Of all answers, of a target's, and of its answers to a task, as far as there are any.
        `task` is a `policies.task_name`."""
        names = _scorer_names(key, task)
        return PooledScorer(*[self.scorers[name] for name in names if name in self.scorers])

    def scorers_for(self, key: str, task: str) -> PooledScorer:
        """The same; where there is none, it begins."""
        names = _scorer_names(key, task)
        if names[-1] not in self.scorers and len(self.scorers) >= MAX_SCORERS:
            own = [name for name in self.scorers if TASK_MARK in name]
            del self.scorers[min(own, key=lambda name: self.scorers[name].rows)]
        return PooledScorer(*[self.scorers.setdefault(n, AnswerScorer()) for n in names])

    def note_length(self, name: str, tokens: int) -> None:
        """Note how long an answer to the task of that `policies.task_name` was."""
        self.lengths[name] = lengths = self.lengths.pop(name, None) or Lengths()
        lengths.note(tokens)
        _trim(self.lengths, MAX_LENGTHS)

    def longest(self, name: str) -> int | None:
        """Tokens that no answer to that task is expected to exceed; None: not known."""
        lengths = self.lengths.get(name)
        return lengths.most if lengths is not None else None

    def overall_of(self, owner: str) -> Overall:
        """The owner's evidence over all tasks; an empty one where there is none yet."""
        return self.overall.get(owner) or Overall()

    def remember(self, request_id: str, pending: PendingOutcome) -> None:
        self.pending[request_id] = pending
        _trim(self.pending, MAX_PENDING)

    def record_turn(self, conversation: str, target: str, request_id: str) -> None:
        """Note who answered a conversation's last request."""
        for table, value in ((self.conversations, target), (self.turns, request_id)):
            table.pop(conversation, None)
            table[conversation] = value
            _trim(table, MAX_CONVERSATIONS)

    def last_in(self, conversation: str) -> str:
        """The last answered request of a conversation, "" where there is none."""
        return self.turns.get(conversation, "")

    def note_repeat(self, question: str, request_id: str, at: float) -> Asked | None:
        """Note that a question was asked at `at`, in Unix seconds.

        Returns when and by whom it was asked before, and how often with this one; None if never.
        """
        earlier = self.recent.pop(question, None)
        times = earlier.times + 1 if earlier else 1
        self.recent[question] = Asked(request_id, at, times)
        _trim(self.recent, MAX_PENDING)
        return Asked(earlier.request_id, earlier.at, times) if earlier else None


def _scorer_names(key: str, task: str) -> tuple[str, str, str]:
    return "", key, f"{task}{TASK_MARK}{key}"


def _trim(table: dict[str, T], most: int) -> None:
    """Forget the oldest sixteenth of what is too much. Of a full dict the first key is found only
    behind all that were deleted before it: one at a time would cost twenty times as much."""
    if len(table) > most:
        for name in list(islice(table, most // 16)):
            del table[name]
