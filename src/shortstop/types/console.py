"""What the console's pages are made of, beside reports' sums: rows, filters, who looks."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from shortstop.types.books import Bill
from shortstop.types.privacy import Reach, Tier
from shortstop.types.rows import GradeRow
from shortstop.types.trace import TraceOutcome

ConsoleRole = Literal["viewer", "operator", "admin"]
"""What somebody may do in the console: see figures and rows; also read what was asked and answered,
judge and try; also change who answers, keys and budgets."""
Side = Literal["local", "remote"]
Kept = Literal["unanswered", "escalated", "pinned", "unpriced", "explored", "shadow", "all"]
"""A fixed choice of rows. Rows of shadow runs, which cost but are no requests, are only among those
that are "escalated", "unpriced", "shadow" or "all"."""

TaskRoute = Literal["configured", "auto", "local", "frontier"]
"""What may be set by hand for a task; "configured" leaves it to the configuration."""


class Days(Struct, frozen=True):
    """Whole UTC days, counted from 1970: first <= day < end."""

    first: int
    end: int


class RowFilter(Struct, frozen=True):
    """Which rows; None leaves open. Times are Unix seconds, since <= at < until. `search` is an id,
    or is found in a task, target, model, key, run or conversation; `key` is a key's id."""

    tenant: str | None = None
    task: str | None = None
    target: str | None = None
    outcome: TraceOutcome | None = None
    side: Side | None = None
    kept: Kept | None = None
    tier: Tier | None = None
    search: str | None = None
    since: float | None = None
    until: float | None = None
    key: str | None = None
    tag: str | None = None
    run: str | None = None


class RowCursor(Struct, frozen=True):
    """A row's place in the order of time."""

    at: float
    seq: int


class TraceLine(Struct, frozen=True):
    """A row of a list: no content. Money in US dollars, None where a price was unknown."""

    seq: int
    id: str
    at: float
    tenant: str
    key: str | None
    model: str
    outcome: TraceOutcome
    status: int
    stream: bool
    task: str | None
    target: str | None
    local: bool
    tier: Tier
    reach: Reach
    escalated: bool
    explored: bool
    seconds: float
    cost: Decimal | None
    counterfactual: Decimal | None
    run: str | None = None
    tag: str | None = None
    specialist: str | None = None

    @property
    def saved(self) -> Decimal | None:
        return Bill(self.cost, Decimal(0), None, self.counterfactual, None).saved


class TracePage(Struct, frozen=True):
    """Rows, newest first. `older` is where the next page begins, None at the end. `searched` is how
    far back was looked where not all rows could be."""

    lines: tuple[TraceLine, ...]
    older: RowCursor | None = None
    searched: float | None = None


class DocumentPage(Struct, frozen=True):
    """Whole rows as JSON, oldest first, each with the grades of its own tenant; `next` is where the
    next page goes on, None at the end. A page may be empty and not the last."""

    rows: tuple[tuple[bytes, list[GradeRow]], ...]
    next: RowCursor | None = None


FileForm = Literal["jsonl", "parquet", "openai"]
"""How rows are written: JSON lines, Parquet, OpenAI's chat format for fine-tuning."""
ContentShown = Literal["none", "masked", "full"]
"""Whether what was said is shown: not at all, without what privacy finds in it, or as it is."""


class FileWanted(Struct, frozen=True):
    """A file of recorded rows."""

    chosen: RowFilter
    form: FileForm = "jsonl"
    content: ContentShown = "none"


class AnswerTimes(Struct, frozen=True):
    """Seconds of the newest `answers` answers of a period, by nearest rank; None where there were
    none."""

    answers: int = 0
    local_p50: float | None = None
    local_p95: float | None = None
    remote_p50: float | None = None
    remote_p95: float | None = None


class BudgetLine(Struct, frozen=True):
    """A key's budget, US dollars: spent and set aside in the `window` that holds now."""

    key: str
    name: str
    tenant: str
    spent: Decimal
    held: Decimal
    budget: Decimal
    window: str

    @property
    def part(self) -> float:
        return float((self.spent + self.held) / self.budget)


class PromiseLine(Struct, frozen=True):
    """What is promised of a `target` for a tenant's `task` ("" where all tenants' evidence counts
    together), and how well it is supported: `loss` is
    the mean over the `pairs` of answers, `evidence` proves from `needed` on."""

    task: str
    tenant: str
    target: str
    standing: str
    pairs: int
    loss: float
    limit: float
    share: float
    evidence: float
    needed: float
    missing: int | None
    alarms: int


class TierCount(Struct, frozen=True):
    """How many of a period's newest rows were of a tier, and how far those might go."""

    tier: Tier
    reach: Reach
    rows: int


class RuleCount(Struct, frozen=True):
    """How often a rule found something in a period's newest rows that hold anything."""

    label: str
    rule: str
    tier: Tier
    found: int


class SpecialistLine(Struct, frozen=True):
    """A specialist: who placed it where and why, what it was made from, how it was examined, and
    what its traffic says. `problem` says why it cannot answer, "" where it can."""

    name: str
    kind: str
    tenant: str
    task: str
    state: str
    since: float
    why: str
    rows: int
    teachers: tuple[str, ...]
    made: float | None
    data: str
    examined: tuple[tuple[str, float], ...]
    promise: PromiseLine | None
    problem: str = ""

    @property
    def serves(self) -> bool:
        return self.state in ("canary", "live")


class FindingLine(Struct, frozen=True):
    """Something that privacy finds in a text, and what the policy does about it."""

    label: str
    tier: Tier
    rule: str
    start: int
    end: int
    action: str


class Explained(Struct, frozen=True):
    """What privacy thinks of a text."""

    tier: Tier
    reach: Reach
    policy: str
    reasons: tuple[str, ...]
    findings: tuple[FindingLine, ...]


class PolicyLine(Struct, frozen=True):
    """A policy: its rules in words, and the tenants that have it."""

    name: str
    rules: tuple[str, ...]
    tenants: tuple[str, ...]


class PrivacyState(Struct, frozen=True):
    """`log` is where is written down what was decided, "" where nowhere is; `changes` where it is
    written down what people did."""

    airgap: bool
    names_read: bool
    policies: tuple[PolicyLine, ...]
    log: str
    changes: str
    content: str
    sensitive_content: str
    retention_days: float


class SettingLine(Struct, frozen=True):
    """A setting in force: its dotted key, its value as text without secrets, where it is from
    ("file", "command line", "default"), and what a change of it needs."""

    key: str
    value: str
    source: str
    needs: str


class KeyLine(Struct, frozen=True):
    """An API key without its secret."""

    id: str
    name: str
    tenant: str
    role: str
    console: str | None
    targets: tuple[str, ...]
    rpm: int | None
    tpm: int | None
    spent: Decimal
    budget: Decimal | None
    period: str
    expires: float | None
    state: str
    team: str = ""
    service: bool = False
