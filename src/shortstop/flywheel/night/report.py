"""What came of a night, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from shortstop.types.decision import TargetState


class KindReport(Struct, frozen=True):
    """One specialist, or why there is none (`name` ""). `served` is the share of requests that it
    has not learned from and is sure of, `loss` the frontier's grade minus its own on the mean of
    `pairs` of these; `judged` says who judged where they differ. `more`: pairs that a proof still
    needs. `losses` are the mean loss after ever more pairs, for a plot. `waiting` requests wait for
    the judge's next night, whose verdicts were taken to be too kind by `bias` on the mean, by what
    people said of `checked` of them or by assumption."""

    kind: str
    name: str = ""
    state: TargetState | None = None
    why: str = ""
    served: float = 0.0
    pairs: int = 0
    loss: float = 0.0
    more: int | None = None
    judged: Mapping[str, int] = {}
    milliseconds: float = 0.0
    margin: float = 0.0
    losses: tuple[float, ...] = ()
    waiting: int = 0
    bias: float = 0.0
    checked: int = 0


class Beside(Struct, frozen=True):
    """How another target did on the task, by the grades of its answers, in [0, 1]."""

    pairs: int
    mean: float


class TaskReport(Struct, frozen=True):
    """One task. `left_out` counts rows by why they teach nothing; `beside` are other targets,
    `page` is the file of its report."""

    tenant: str
    task: str
    requests: int
    examples: int
    trained: int
    examined: int
    left_out: Mapping[str, int]
    kinds: tuple[KindReport, ...] = ()
    why: str = ""
    sampled: bool = False
    seconds: float = 0.0
    beside: Mapping[str, Beside] = {}
    page: str = ""


class JudgeReport(Struct, frozen=True):
    """The judge of a night: the model `target` gave `verdicts` on disputes, for which the operator
    paid `usd` of at most `limit`. `why` it stopped, if it did."""

    target: str
    limit: float
    usd: float = 0.0
    verdicts: int = 0
    why: str = ""


class NightReport(Struct, frozen=True):
    """`started` is Unix time in seconds. `unfinished` tasks were not reached; `why` says why.
    `judge` is None where none is named."""

    started: float
    seconds: float
    tasks: tuple[TaskReport, ...] = ()
    unfinished: tuple[str, ...] = ()
    why: str = ""
    judge: JudgeReport | None = None
