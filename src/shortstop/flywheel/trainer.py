"""What makes specialists of one kind: the port between learning a task and its ways to do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

from shortstop.errors import ShortstopError
from shortstop.flywheel.appeal import NOBODY, Umpire
from shortstop.flywheel.examples import Example
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.opinion import Opinion, Shot, Specialist
from shortstop.specialists.query import Query

Grade = Callable[[str, Example], float]
"""(answer, example) -> how good it is, in [0, 1]: by the task's grader against the recorded answer
or, where somebody judged whose answer is right, by that."""
HeldOut = Sequence[tuple[Example, Opinion | None]]
"""Opinions about rows that whoever gave them has not learned from."""


AskLocal = Callable[[Query, Sequence[Shot]], str]
"""What the generic local model answers with these examples before the request. Raises
ShortstopError where it does not."""


class Written(NamedTuple):
    """What a model wrote, and the geometric mean of the probabilities of its tokens, in [0, 1]; 0
    for what was cut off."""

    answer: str
    confidence: float


class AdapterBench(Protocol):
    """The local model in the workshop, to be given adapters and asked under them. `base` is the
    SHA-256 of its file `model`. An adapter trains in a folder of its own below `folder`, for so
    many `seconds` at most, on so many `threads`."""

    model: Path
    base: str
    folder: Path
    seconds: float
    threads: int

    def require(self) -> None:
        """Raises NotLearned, in words that say what is missing to train one."""

    def write(
        self, weights: bytes, queries: Sequence[Query], most_tokens: int
    ) -> Sequence[Written | None]:
        """What the engine answers under the adapter `weights`, in at most so many tokens each; None
        where it does not, or its time is up. The same is not asked twice. Never raises."""


class NotLearned(ShortstopError):
    """A task that is not learned, in words that say what is missing."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How tasks are learned: `target` is the share of served answers that must be right, in (0, 1),
    by the lower bound on held-out rows, `targets` that of kinds with another one. `encoder` None:
    none is installed. `now` is Unix time in seconds, `retention` how many of them a row may be kept
    (0: for ever). `local` asks the generic local model; None: the workshop has none. `umpire` says
    which held-out answers are right where they differ from the teacher's; by default the teacher
    is. `bench` trains adapters of the local model; None: there is none."""

    target: float
    encoder: Encoder | None
    now: float
    seed: int = 0
    retention: float = 0.0
    local: AskLocal | None = None
    umpire: Umpire = NOBODY
    bench: AdapterBench | None = None
    targets: Mapping[str, float] = field(default_factory=dict)

    def of_kind(self, kind: str) -> Recipe:
        """The same with that kind's target."""
        return replace(self, target=self.targets.get(kind, self.target))


class Made(NamedTuple):
    """A specialist with its files, and its opinions about training rows by models that had not
    seen them (out of fold): thresholds come from these. `unseen` are those by models that had not
    met the rows' wordings either: the novelty guard's threshold comes from them. `new`, which are
    among `held_out`, are those by models to which what was asked for was new, so that no answer of
    theirs is right.
    `blind`: nothing of what was learned from could stand for something new.
    `closed`: its answers are a closed set, so that where it is surest and still disagrees it is
    mostly the teacher that slipped."""

    files: dict[str, bytes]
    specialist: Specialist
    held_out: HeldOut
    unseen: HeldOut = ()
    new: HeldOut = ()
    closed: bool = False
    blind: bool = False


class Trainer(Protocol):
    """Makes specialists of one kind, named as in `specialists.kinds`."""

    @property
    def kind(self) -> str: ...

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """From the rows of one tenant's task, in order of time. Raises NotLearned."""
