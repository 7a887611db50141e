"""What a backtest says, as one document: the terminal, the page and `--json` show the same."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from shortstop.backtest.outlook import Interval
from shortstop.backtest.problems import Problem
from shortstop.backtest.trial import KindResult
from shortstop.ledger.breakeven import MachineVerdict
from shortstop.types import Span


class LocalTrial(Struct, frozen=True):
    """What the local model made of a sample of a task. `alike` of the answers are as good as the
    log's own by `grader`, between `low` and `high` of all (90 %); `mean` is their mean grade, the
    only one of these that says something of prose. `failed` were not answered at all."""

    task: str
    asked: int
    alike: int
    low: float
    high: float
    mean: float
    grader: str
    failed: int

    @property
    def share(self) -> Interval:
        """Of the task's requests that the model answers as well as the log does."""
        return Interval(self.alike / self.asked, self.low, self.high)


class LocalAsking(Struct, frozen=True):
    """`asked` of a sample of `drawn` requests were put to `model`, in `seconds` of at most `cap`.
    `ended`: why not all of them, in words, or ""."""

    model: str
    drawn: int
    asked: int
    seconds: float
    cap: float
    ended: str


class TaskResult(Struct, frozen=True):
    """Money in US dollars over the log's time. `local` is the share of the task's requests that
    specialists could answer, `right` the share of those answers that are as the log's; `tested`
    says on how many of the newest requests. `why` says why not, or not yet."""

    name: str
    task: str
    requests: int
    cost: Decimal
    unpriced: int
    models: dict[str, int]
    repetition: float
    pinned: float | None
    learnable: int
    left_out: dict[str, int]
    local: Interval
    avoidable: Interval
    evidence: tuple[KindResult, ...]
    tested: int
    trained: int
    right: Interval | None
    proven: bool
    more: int | None
    why: str
    alone: LocalTrial | None = None


class Baselines(Struct, frozen=True):
    """The same requests, in US dollars over the log's time: as they are answered today; where the
    log shows that a cheaper cloud model answers a task alike, by that one; if the cheapest of
    `candidates` answered everything, which nobody has shown; and with Shortstop."""

    today: Decimal
    cloud_certified: Decimal
    cloud_if_good_enough: Decimal | None
    cloud_model: str | None
    ours: Interval
    candidates: tuple[str, ...]


class Sensitivity(Struct, frozen=True):
    """What is saved, in US dollars a month, and as a share of what would be the bill, if this were
    otherwise."""

    change: str
    saved: Interval
    share: Interval


class Energy(Struct, frozen=True):
    """Over the log's time, in joules: what the models took that answered, and what this machine
    takes if it runs through all of that time, busy as configured."""

    models: Span
    machine: Span
    machine_gco2: Span
    models_gco2: Span


class Backtest(Struct, frozen=True):
    """`days` is the log's time, `stated` where somebody said so, for it holds no times or few."""

    files: tuple[str, ...]
    forms: dict[str, int]
    calls: int
    requests: int
    first: float | None
    last: float | None
    days: float
    days_basis: str
    problems: tuple[Problem, ...]
    unpriced_models: dict[str, int]
    bill: Decimal
    prices: str
    local_share: Interval
    pinned_share: Interval
    avoided: Interval
    avoided_without_pinned: Interval
    saved: Interval
    saved_share: Interval
    wrong_a_day: Interval
    tasks: tuple[TaskResult, ...]
    baselines: Baselines
    machines: tuple[MachineVerdict, ...]
    sensitivity: tuple[Sensitivity, ...]
    energy: Energy
    steps: tuple[str, ...]
    notes: tuple[str, ...]
    local_asking: LocalAsking | None = None
    seconds: float = 0.0

    @property
    def month(self) -> float:
        """What a figure over the log's time is multiplied with to be one of a month."""
        return DAYS_A_MONTH / self.days


DAYS_A_MONTH = 730 / 24
