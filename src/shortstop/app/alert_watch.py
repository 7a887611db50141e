"""What people are told about: each kind of trouble is looked for in a function of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from shortstop.accounts import Key
from shortstop.accounts.purse import Balance, window_start
from shortstop.accounts.teams import Group
from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.app.staff import BY_HAND
from shortstop.app.staffing import BY_ALARM
from shortstop.config import Config
from shortstop.console.visible import visible
from shortstop.faults import contained
from shortstop.privacy.gaps import Gaps
from shortstop.types.alerts import AlertKind, Trouble, Watched
from shortstop.types.console import RowFilter

WARN, NEAR, FULL = 0.8, 0.9, 0.99
"""Parts of a budget: told first; used up if a request was refused for it; used up."""
ROWS, ROW_SECONDS = 50, 5.0
"""Refused requests that are looked at, and for how long."""
MEGA = 1e6


class Alerting(Protocol):
    """The gateway, as far as alerts go."""

    def config(self) -> Config: ...

    def broken(self) -> Mapping[str, bool | None]:
        """Every model: whether it fails now; None where nothing is known."""

    def broken_promises(self) -> Sequence[tuple[str, str, str]]:
        """Tenant, task and target of each promise whose alarm stands; the tenant "" for all of them
        together, task and target "" for all. May be asked from another thread."""


class AlertWatch:
    """`began`: what happened before is no news."""

    def __init__(self, resources: Resources, gateway: Alerting, began: float) -> None:
        self._resources = resources
        self._gateway = gateway
        self._began = began
        self._gaps: Gaps | None = None

    async def look(self) -> Watched:
        """A kind that cannot be looked for just now is unknown."""
        config = self._gateway.config()
        broken = dict(self._gateway.broken())
        looks: dict[AlertKind, Callable[[], Iterator[Trouble]]] = {
            "upstream": lambda: _failing(broken),
            "contract": self._contracts,
            "budget": self._budgets,
            "rollback": self._rollbacks,
            "audit": lambda: self._audit(config),
            "disk": lambda: self._disks(config),
        }
        unknown = {f"upstream:{name}" for name, fails in broken.items() if fails is None}
        troubles: list[Trouble] = []
        for kind, look in looks.items():
            if not config.alerts.tells(kind):
                continue
            seen = await asyncio.to_thread(_tried, kind, look)
            if seen is None:
                unknown.add(kind)
            else:
                troubles += seen
        return Watched(tuple(troubles), frozenset(unknown))

    def _contracts(self) -> Iterator[Trouble]:
        for tenant, task, target in self._gateway.broken_promises():
            says = f"{BY_ALARM} {target} loses more than was promised on the task {task}"
            if not task:
                says = f"{BY_ALARM} over all tasks more is lost than was promised"
            whose = f" of {tenant}" if tenant else ""
            yield _trouble(f"contract:{tenant}:{task}:{target}", "contract", f"{says}{whose}.")

    def _budgets(self) -> Iterator[Trouble]:
        accounts, now = self._resources.accounts, CLOCK.time()
        for key in accounts.keys.all():
            if key.budget_usd is None or not key.active(now):
                continue
            balance = accounts.balance(key)
            part = float((balance.spent + balance.held) / key.budget_usd)
            if part >= WARN:
                yield _spent(key, balance, 80)
            if part >= FULL or (part >= NEAR and self._refused(key, now)):
                yield _spent(key, balance, 100)
        if any(key.team is not None for key in accounts.keys.all()):
            yield from self._group_budgets()

    def _group_budgets(self) -> Iterator[Trouble]:
        teams = self._resources.accounts.teams
        groups: list[Group] = [*teams.organisations(), *teams.teams()]
        for group in groups:
            balance = self._resources.accounts.group_balance(group)
            part = float((balance.spent_usd + balance.held_usd) / group.budget_usd)
            for told, percent in ((WARN, 80), (FULL, 100)):
                if part >= told:
                    who = f"the {group.kind} {teams.full_name(group)} ({group.id})"
                    yield _used(who, group.id, balance.spent_usd, _budget(group), percent)

    def _refused(self, key: Key, now: float) -> bool:
        """Whether the budget did not cover a request of this window."""
        since = window_start(key.period, now)
        chosen = RowFilter(key=key.id, outcome="refused", since=since)
        with self._resources.figures.figures(ROW_SECONDS) as figures:
            lines = figures.page(chosen, None, ROWS).lines
        return any(line.status == 429 for line in lines)

    def _rollbacks(self) -> Iterator[Trouble]:
        for placed in self._resources.specialists.placements.all():
            name, tenant = placed.name, placed.tenant
            unasked = placed.rolled_back and not placed.why.startswith(BY_HAND)
            if unasked and placed.since >= self._began:
                yield _trouble(
                    f"rollback:{name}:{placed.withdrawals}",
                    "rollback",
                    f"The specialist {name} of {tenant} was rolled back. {placed.why}",
                    lasts=False,
                )

    def _audit(self, config: Config) -> Iterator[Trouble]:
        if config.privacy.audit is None:
            return
        path = Path(config.privacy.audit)
        if self._gaps is None or self._gaps.path != path:
            self._gaps = Gaps(path)
        for record in self._gaps.newest():
            if record.event.at >= self._began:
                says = f"Records of the audit log {path.name} are missing before record {record.n}:"
                yield _trouble(
                    f"audit:{record.n}:{record.event.at}",
                    "audit",
                    f"{says} {record.event.detail}. See `shortstop audit verify`.",
                    lasts=False,
                )

    def _disks(self, config: Config) -> Iterator[Trouble]:
        paths, least = self._resources.paths, config.alerts.disk_free_mb
        folders = {path.stat().st_dev: path for path in (paths.traces.parent, paths.home)}
        for folder in folders.values():
            free = shutil.disk_usage(folder).free / MEGA
            if free < least:
                yield _trouble(
                    f"disk:{folder}",
                    "disk",
                    f"The disk of {folder} is nearly full: less than {least:,.0f} MB are free.",
                )


def _tried(kind: AlertKind, look: Callable[[], Iterator[Trouble]]) -> list[Trouble] | None:
    with contained(f"looking for alerts ({kind})"):
        return list(look())
    return None


def _failing(broken: Mapping[str, bool | None]) -> Iterator[Trouble]:
    for name, fails in broken.items():
        if fails:
            yield _trouble(f"upstream:{name}", "upstream", f"The model {name} fails.")


def _spent(key: Key, balance: Balance, percent: int) -> Trouble:
    who = f"the key {key.name} ({key.id}, tenant {key.tenant})"
    return _used(who, key.id, balance.spent, f"${key.budget_usd} a {key.period}", percent)


def _budget(group: Group) -> str:
    return f"${group.budget_usd} {'in all' if group.period == 'total' else f'a {group.period}'}"


def _used(who: str, id: str, spent: Decimal, budget: str, percent: int) -> Trouble:
    what = "is used up" if percent == 100 else "is used to 80 %"
    return _trouble(
        f"budget:{id}:{percent}",
        "budget",
        f"The budget of {who} {what}: ${spent:.2f} of {budget} are spent.",
    )


def _trouble(key: str, kind: AlertKind, says: str, *, lasts: bool = True) -> Trouble:
    return Trouble(key, kind, visible(says), lasts)
