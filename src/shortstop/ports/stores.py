"""The doors to everything that lasts, as Protocols. What any implementation promises:

  - *errors*: StoreUnavailable where the same call may succeed later, StoreError where it will not;
    besides these, only what a passed-in function raises. A call that raised has changed nothing.
  - *atomicity*: each call is one transaction. Two calls that write the same thing never interleave,
    whichever threads, processes or machines they come from.
  - *durability*: what a call has written survives the death of the process that called.
  - *erasure*: what is deleted or forgotten is gone for every reader. What is said to be off the
    disk is overwritten in a SQLite file; a PostgreSQL server uses its bytes again in its own time;
  - *threads*: any thread may call, unless a method says otherwise; calls may wait their turn.

Times are Unix seconds, money is whole pico-dollars (`shortstop.money`). `tests/stores/contract`
holds an implementation to all of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from shortstop.ports import Clock
from shortstop.ports.batches import BatchStore, FileStore
from shortstop.ports.leases import LeaseStore
from shortstop.ports.replicas import EventStore, Hints, LeaderStore, SpecialistStore
from shortstop.ports.rows import RowStore
from shortstop.types import Tier
from shortstop.types.accounts import (
    BudgetLevel,
    ChangedGroup,
    IdempotencyRecord,
    KeptRow,
    KeyRow,
    PurseWindow,
)
from shortstop.types.console import (
    AnswerTimes,
    Days,
    DocumentPage,
    RowCursor,
    RowFilter,
    RuleCount,
    TierCount,
    TraceLine,
    TracePage,
)
from shortstop.types.report import By, Charge, GroupBy, Point, Slice, TrafficReport
from shortstop.types.rows import (
    GradeRow,
    ResponseLink,
    ResponseRow,
    RunHead,
    RunRow,
    SealedSurrogates,
    TaintRise,
    TaintRow,
)

Meters = Mapping[str, float]
"""Unit ("requests", "tokens") -> the state of that meter."""
Windows = Callable[[str], PurseWindow | None]
"""The name of a purse -> its window now; None where it is not known."""


class ReportReader(Protocol):
    """Reads what the writer has stored, without holding it up.

    Times select `since <= at < until`; None leaves a side open.
    """

    def documents(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[bytes]:
        """The rows' JSON, in order of time, each once. Rows that are written or deleted meanwhile
        may be missed; a slow reader holds nothing open between pages."""

    def grades(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
        trace: str | None = None,
    ) -> Iterator[GradeRow]:
        """Grades given in that time, in its order; of one trace, if it is named."""

    def graded(
        self,
        *,
        task: str | None = None,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> Iterator[tuple[bytes, list[GradeRow]]]:
        """JSON of the rows that have grades of their own tenant, and these, oldest first."""

    def summary(
        self,
        *,
        by: Sequence[GroupBy] = ("day", "task", "target", "tenant"),
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> TrafficReport:
        """The report over those rows, all of it over the same ones. Of very many answers times may
        be taken over a sample."""

    def days(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> tuple[Slice, ...]:
        """The sums of each UTC day that had rows, in order, without times."""

    def charges(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[Charge]:
        """What those rows cost, by day and everything that bills are split by."""


class ResponseStore(Protocol):
    """Answers that a client may build on. To anyone but its owner a response does not exist."""

    def keep(self, row: ResponseRow) -> None:
        """Keep it, in place of one with the same id."""

    def find(self, owner: str, id: str, since: float) -> ResponseRow | None:
        """The response, if it is the owner's and not from before `since`."""

    def chain(self, owner: str, id: str, since: float, most: int) -> list[ResponseLink]:
        """The same and those that it goes on from, newest first, at most `most`."""

    def drop(self, owner: str, id: str) -> bool:
        """Whether there was one; off the disk."""

    def forget(self, tenant: str, conversation: str) -> int:
        """Delete every response of a conversation, and off the disk; how many."""

    def delete_before(self, at: float) -> int:
        """Delete every response from before `at`; how many."""

    def sweep(self, before: float) -> int:
        """The same, and off the disk, with whatever else was deleted since."""

    def seal_earlier(self, change: Callable[[ResponseRow], ResponseRow], limit: int) -> int:
        """Pass at most `limit` responses that are not sealed through `change`; how many."""

    def close(self) -> None: ...


REPLACED = 8
"""Secrets of one key that are known beside the newest."""


class AccountStore(Protocol):
    """Keys, rate limits, budgets, and answers kept for retries. Knows rows, no rules."""

    @property
    def leases(self) -> LeaseStore | None:
        """Slices of budgets and limits, where each call takes its time because several machines
        share the store; None where every request may as well ask."""

    def all_keys(self) -> list[KeyRow]:
        """Every secret of every key, replaced ones too, in no particular order."""

    def add_key(self, id: str, fingerprint: bytes, record: str) -> None:
        """Raises StoreError also when the id or the fingerprint is taken."""

    def change_key(self, id: str, change: Callable[[str], str]) -> None:
        """Write what `change` makes of a key's record; nothing when it raises, or where there is no
        such key. `change` must be pure: it may be called again."""

    def rotate_key(
        self, id: str, fingerprint: bytes, change: Callable[[str], tuple[str, str]], until: float
    ) -> None:
        """The same with another secret; `change` also names the tail of the one it has, which stays
        known and is good `until` then. Of a key's earlier secrets `REPLACED` stay, those that are
        good for longest. Raises StoreError also where the fingerprint is taken."""

    def groups(self) -> list[str]:
        """The records of every group of keys that shares a budget, in no particular order."""

    def add_group(self, id: str, parent: str, name: str, record: str) -> None:
        """Raises StoreError also when the id, or the name below that parent, is taken."""

    def change_group(self, id: str, change: Callable[[str], ChangedGroup]) -> None:
        """Write what `change` makes of a group's record; nothing when it raises, or where there is
        no such group. `change` must be pure. Raises StoreError when the name is taken."""

    def ended_sessions(self) -> list[tuple[str, float]]:
        """What sessions were ended, by a name, and when, Unix time in seconds."""

    def end_sessions(self, name: str, at: float, forgotten: float) -> None:
        """Write that down, and forget what was ended before `forgotten`."""

    def version(self) -> int:
        """A number that changes when another process may have changed something."""

    def meter(self, key: str, change: Callable[[Meters], Meters]) -> None:
        """Write what `change` makes of the key's meters; nothing when it raises.

        `change` must be pure: it may be called again where a transaction is tried again. A meter
        that it leaves out stays as it is.
        """

    def hold(self, id: str, key: str, window: str, amount: int, budget: int, at: float) -> bool:
        """Set `amount` aside for request `id`, unless what is spent in `window` and what is set
        aside for the key would then exceed `budget`: False, and nothing happened.

        A key's window is the one that was named last; with a new one it has spent nothing.
        """

    def hold_levels(
        self, id: str, levels: Sequence[BudgetLevel], amount: int, at: float
    ) -> str | None:
        """The same on all of one to three levels, or on none: the purse of the first that has no
        room for it; None where it is set aside."""

    def settle(self, id: str, window: str, cost: int | None, above: Windows | None = None) -> None:
        """Count `cost` as spent in `window`, all that was set aside where it is None, and give the
        rest back. With `above` in every purse in which something was set aside for the request, in
        the window that it names, else in `window`; without it there was one level. Settling twice,
        or what was never set aside, changes nothing."""

    def balance(self, key: str, window: str | PurseWindow) -> tuple[int, int]:
        """What the key has spent in `window`, and what is set aside for it."""

    def recover(self, before: float) -> int:
        """Count as spent in full what was set aside before `before`, or by a process that has died
        since; how many requests."""

    def claim_answer(
        self, caller: str, token: str, fingerprint: bytes, at: float, since: float
    ) -> IdempotencyRecord | None:
        """Claim an idempotency key for a request with this `fingerprint`; claims from before
        `since` have lapsed. None: it is claimed, and `keep_answer` or `drop_answer` follows. Else
        the record of the earlier claim, unless that was for the same request and its process has
        died."""

    def keep_answer(
        self, caller: str, token: str, row: KeptRow, most: int, most_bytes: int
    ) -> None:
        """Complete a claim. Nothing happens where there is none.

        Of the caller's complete answers at most `most` stay, and `most_bytes` of headers and
        bodies: the oldest are deleted.
        """

    def drop_answer(self, caller: str, token: str) -> None: ...

    def forget_answers(self, tenant: str, conversation: str) -> int:
        """Delete every answer of a conversation, and off the disk; how many."""

    def sweep_answers(self, before: float) -> int:
        """Delete what was claimed before `before`, and off the disk; how many."""

    def close(self) -> None: ...


class TaintRises(Protocol):
    """What has risen, in the order in which it can be seen: who knows everything up to a number
    misses nothing that was kept before it asks for what comes after."""

    def last(self) -> int: ...

    def after(self, number: int, most: int) -> list[TaintRise]:
        """At most `most`, in their order. Of a conversation that rose twice, the last rise."""


class TaintStore(Protocol):
    """The highest tier that each conversation has held. It never goes down.

    Of a conversation without a name (`UNNAMED`), nothing older than the store's `unnamed_ttl_s`
    counts; of any, nothing older than its retention.
    """

    @property
    def rises(self) -> TaintRises | None:
        """For several machines, whose calls take their time; None where every request may as well
        ask."""

    def keep(self, tenant: str, conversation: str, tier: Tier) -> None:
        """A tier below the one that is kept only renews its time."""

    def find(self, tenant: str, conversation: str) -> Tier:
        """S0 where nothing is kept."""

    def newest(self, most: int) -> list[TaintRow]:
        """At most `most` conversations, the newest last."""

    def close(self) -> None: ...


class SurrogateStore(Protocol):
    """Sealed surrogates by conversation. The store can read neither them nor whose they are."""

    def get(self, scope: bytes, now: float) -> SealedSurrogates | None:
        """None where there are none, or where they have expired."""

    def update(
        self,
        scope: bytes,
        change: Callable[[SealedSurrogates | None], SealedSurrogates],
        *,
        now: float,
        expires: float,
        most: int,
    ) -> None:
        """Write what `change` makes of what is there and has not expired; nothing when it raises.

        Of more than `most` scopes those that expire first are dropped.
        """

    def erase(self, scope: bytes, now: float) -> bool:
        """Overwrite what is there. Whether there was something that had not expired."""

    def sweep(self, now: float) -> int:
        """Overwrite what has expired; how many scopes."""

    def close(self) -> None: ...


class RunStore(Protocol):
    """Runs of agents and how far each has come. Of one tenant, what its last `MOST_STEPS` steps
    touched is kept."""

    def heads(self, prefixes: Sequence[bytes], since: float) -> list[RunHead]:
        """The heads with one of these prefixes, of runs that went on since then: those that no
        later step of their run has left behind first, then the newest."""

    def enter(
        self, tenant: str, run: str, at: float, since: float, admit: Callable[[RunRow], None]
    ) -> None:
        """Count a step of a run, which begins with it where it is new or rested since before
        `since`. `admit` sees what the run has taken so far; nothing happens when it raises, and it
        may be called again where a transaction is tried again."""

    def leave(self, tenant: str, head: RunHead, at: float, cost: int) -> None:
        """The step is over: book its cost and how far the run has come; a step without an answer is
        counted no longer. Nothing happens where the run is forgotten."""

    def owners(self, run: str) -> list[str]:
        """The tenants that have a run of that name."""

    def sweep(self, before: float) -> int:
        """Delete the runs that rested since before then, and off the disk; how many."""

    def close(self) -> None: ...


class Stores(Protocol):
    """Every store of one gateway. Each call opens one; several processes may have the same."""

    def rows(self, *, fsync: bool = False) -> RowStore:
        """Not opened yet. With `fsync` what it has written survives a power cut too."""

    def reports(self) -> ReportReader: ...

    def figures(self) -> FigureReader: ...

    def responses(self) -> ResponseStore:
        """Not opened before it is used."""

    def accounts(self) -> AccountStore: ...

    def taints(self, clock: Clock, kept_s: float, unnamed_ttl_s: float) -> TaintStore:
        """Drops what is older than `kept_s` seconds."""

    def surrogates(self) -> SurrogateStore: ...

    def runs(self) -> RunStore: ...

    def files(self) -> FileStore:
        """Not opened before it is used."""

    def batches(self) -> BatchStore:
        """Not opened before it is used."""

    def events(self) -> EventStore | None:
        """None where the store is one machine's."""

    def leaders(self) -> LeaderStore | None:
        """None where the store is one machine's."""

    def specialists(self) -> SpecialistStore | None:
        """None where the store is one machine's."""

    def hints(self) -> Hints | None:
        """None where the store is one machine's."""


class Figures(Protocol):
    """What the console's pages show, all of it over the same rows, whatever is written meanwhile.

    Raises StoreUnavailable where it takes longer than was allowed.
    """

    def slices(
        self, by: By | None, days: Days, *, tenant: str | None = None, task: str | None = None
    ) -> tuple[Slice, ...]:
        """Sums over whole days, without times of answers; one slice over all where `by` is None.
        Days in order, everything else by number of requests."""

    def keys(self, days: Days, *, tenant: str | None = None) -> tuple[Slice, ...]:
        """The same by key, over rows."""

    def points(self, since: int, until: int, step: int, tenant: str | None) -> tuple[Point, ...]:
        """Sums over stretches of `step` hours of the hours since <= hour < until, counted from
        1970; stretches without rows are missing."""

    def days(self, tenant: str | None) -> Days | None:
        """From the first to the last day that has rows."""

    def baselines(self, days: Days) -> tuple[str, ...]:
        """What "all-LLM" was, in those days."""

    def times(self, chosen: RowFilter) -> AnswerTimes:
        """How long answers took; of very many, the newest."""

    def tiers(self, chosen: RowFilter) -> tuple[TierCount, ...]:
        """How sensitive rows were; of very many, the newest."""

    def rules(self, chosen: RowFilter) -> tuple[RuleCount, ...]:
        """What was found in rows, most often first; of very many, the newest."""

    def page(self, chosen: RowFilter, before: RowCursor | None, limit: int) -> TracePage: ...

    def tail(self, after: int, tenant: str | None, limit: int) -> tuple[TraceLine, ...]:
        """The newest rows whose number is above `after`, newest first."""

    def documents(self, chosen: RowFilter, after: RowCursor | None, limit: int) -> DocumentPage:
        """At most `limit` whole rows, and some megabytes of them."""

    def document(self, id: str, tenant: str | None) -> tuple[bytes, list[GradeRow]] | None:
        """A row's JSON and its grades, oldest first."""


class FigureReader(Protocol):
    """Reads for pages, on connections of its own, which hold up no writer."""

    def figures(self, seconds: float) -> AbstractContextManager[Figures]:
        """For at most so many seconds, from the thread that asks. Raises StoreError."""
