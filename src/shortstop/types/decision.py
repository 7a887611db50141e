"""Which target answers, with which probability, and how each attempt went."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shortstop.types.answer import Usage
from shortstop.types.conversation import DialectName, Request
from shortstop.types.tracing import Verified

TargetState = Literal["candidate", "shadow", "canary", "live", "retired"]
"""How far a target is trusted: live and canary ones answer, a shadow one is asked unseen, to be
compared; a candidate is not asked yet, a retired one no longer."""


class Target(Struct, frozen=True):
    """A named model that can answer.

    `dialect` is what it is asked in. `context` and `max_output` are in tokens. `tasks` are the only
    tasks that it answers, `tenants` the only ones that it answers; empty means any. `state` says
    whether it may answer at all.
    `specialist` is the kind of specialist that it is; None: a general model. `auto`: whether it may
    be chosen; else it answers only who names it.
    """

    name: str
    model: str
    local: bool
    provider: str
    context: int
    abilities: frozenset[str] = frozenset()
    max_output: int | None = None
    price: str | None = None
    region: str | None = None
    tasks: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    state: TargetState = "live"
    dialect: DialectName | None = None
    specialist: str | None = None
    auto: bool = True

    @property
    def serves(self) -> bool:
        """Whether it may be in a plan."""
        return self.state in ("live", "canary")

    def answers(self, task: str) -> bool:
        """Whether it is for requests of `task`."""
        return not self.tasks or task in self.tasks


class Decision(Struct, frozen=True):
    """What to do with a request, and with which probability this was chosen.

    `plan` lists targets in the order to try. `verify` says whether the first answer is
    examined before it is believed. `score` is the estimated probability that the first
    target's answer is good enough, `threshold` what it had to reach. `propensity` is the
    probability (0, 1] with which this very plan was drawn, given everything seen so far.
    `shadow` are targets that are asked as well, unseen, so that answers can be compared; where
    the reference (`routing.frontier`) is among them it is the first. `audited` are the local
    targets of the plan whose answer is compared with it, if it is theirs that is served. `longest`
    are the tokens that no answer to the task is expected to exceed, by those before it; None: too
    few are known.
    """

    plan: tuple[str, ...]
    task: str
    score: float
    threshold: float
    propensity: float
    router: str
    reasons: tuple[str, ...] = ()
    verify: bool = True
    explored: bool = False
    shadow: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()
    longest: int | None = None


class Helpers(Struct, frozen=True):
    """What other answers to the same request show beside `Signals.agreement`.

    `likeness` of the whole texts and `closeness` of what they come to, in [0, 1], by words and
    meaning; `consensus` of several helpers among themselves; `chars` is their mean length.
    """

    likeness: float
    closeness: float
    consensus: float | None = None
    chars: int = 0


class Signals(Struct, frozen=True):
    """What an answer says about itself. None where it was not seen.

    Log-probabilities are natural logs of the chosen tokens; `entropy` is the mean over
    tokens of the entropy of the shown alternatives, in nats.
    """

    tokens: int = 0
    chars: int = 0
    logprob_min: float | None = None
    logprob_p10: float | None = None
    logprob_p50: float | None = None
    logprob_mean: float | None = None
    entropy: float | None = None
    repetition: float = 0.0
    finish: str | None = None
    agreement: float | None = None
    helpers: Helpers | None = None


class Look(Struct, frozen=True):
    """An answer that `target` gave to `request`, as the router looks at it.

    `text` is "" while only the beginning of the answer is known.
    """

    request: Request
    decision: Decision
    target: str
    signals: Signals
    text: str = ""


class Check(Struct, frozen=True):
    """One examination of an answer, by name, with its outcome and why."""

    name: str
    passed: bool
    detail: str = ""


Outcome = Literal["ok", "rejected", "error", "timeout", "cancelled", "skipped"]


class Attempt(Struct, frozen=True):
    """One call to one target. Times in seconds.

    `began` is counted from the request's beginning, None where that is not known; `verified` is
    when a local answer was checked. `deployment` is the label of the upstream's deployment that was
    asked last, `spilled` are those before it, where the upstream has any. `fallback`: the class of
    the error for which this target was asked in another's place.
    """

    target: str
    local: bool
    outcome: Outcome
    seconds: float = 0.0
    first_byte: float | None = None
    status: int | None = None
    error: str | None = None
    usage: Usage | None = None
    signals: Signals | None = None
    checks: tuple[Check, ...] = ()
    began: float | None = None
    verified: Verified | None = None
    deployment: str | None = None
    spilled: tuple[str, ...] = ()
    fallback: str | None = None
