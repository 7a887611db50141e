"""What the console asks of the gateway: stores read for pages, changes made and written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from msgspec.structs import replace

from shortstop.accounts import Key
from shortstop.accounts.purse import Balance
from shortstop.app import privacy_desk, staff
from shortstop.app.clock import CLOCK
from shortstop.app.overrides import kept_overrides, set_override
from shortstop.app.resources import Resources
from shortstop.app.rows_desk import RowsDesk
from shortstop.app.runtime import Runtime
from shortstop.app.sso import SignOns
from shortstop.config import ConfigSource, HardwareConfig, Lifetime
from shortstop.config.inforce import in_force
from shortstop.ports.stores import Figures
from shortstop.privacy.audit import AuditEvent
from shortstop.sso import SignOn
from shortstop.types.console import (
    BudgetLine,
    Explained,
    KeyLine,
    PrivacyState,
    PromiseLine,
    SettingLine,
    SpecialistLine,
)

NEEDS: Mapping[Lifetime | None, str] = {
    "runtime": "a reload", "process": "a restart", "state": "a new state",
}  # fmt: skip
PAGE_SECONDS = 2.0
"""What a page may take to read its figures."""


class GatewayDesk:
    """Implements server.desk.Desk. `runtime` is the one of the moment."""

    def __init__(
        self, resources: Resources, runtime: Callable[[], Runtime], source: ConfigSource
    ) -> None:
        self._resources = resources
        self._source = source
        self._runtime = runtime
        self._figures = resources.figures
        self._sign_ons = SignOns(source.env)
        rows = RowsDesk(resources, runtime)
        self.trace, self.grades, self.export = rows.trace, rows.grades, rows.export

    def figures(self) -> AbstractContextManager[Figures]:
        return self._figures.figures(PAGE_SECONDS)

    def budgets(self, tenant: str | None) -> list[BudgetLine]:
        accounts, now = self._resources.accounts, CLOCK.time()
        return [
            _budget(key, accounts.balance(key))
            for key in accounts.keys.all()
            if key.budget_usd is not None and key.active(now) and tenant in (None, key.tenant)
        ]

    def promises(self, tenant: str | None) -> list[PromiseLine]:
        lines = self._runtime().learned.promises()
        return [line for line in lines if tenant is None or line.tenant in ("", tenant)]

    @property
    def hardware(self) -> HardwareConfig:
        return self._runtime().config.hardware

    def specialists(self, tenant: str | None) -> list[SpecialistLine]:
        lines = staff.listed(self._resources.specialists.placements, self.promises(None))
        return [line for line in lines if tenant in (None, line.tenant)]

    def move(self, name: str, to: str) -> str:
        return staff.move(self._resources.specialists.placements, name, to)

    def routes(self, tenant: str | None) -> Mapping[str, str]:
        config = self._runtime().config
        declared = {n: one.route for n, one in config.tasks.items() if one.route != "auto"}
        by_hand = [one for one in reversed(config.routing.overrides) if one.tenant is None]
        own = [one for one in reversed(config.routing.overrides) if one.tenant == tenant]
        return declared | {one.task: one.route for one in (*by_hand, *(own if tenant else ()))}

    def override(self, task: str, tenant: str | None, route: str) -> str:
        return set_override(self._resources.paths.overrides, task, tenant, route)

    def explain(self, text: str, tenant: str) -> Explained:
        return privacy_desk.explained(self._runtime().config, text, tenant)

    def privacy(self) -> PrivacyState:
        return privacy_desk.state(self._runtime().config, self._resources.paths.changes)

    def verify(self) -> str:
        return privacy_desk.verified(self._resources)

    def keys(self, tenant: str | None) -> list[KeyLine]:
        accounts, now = self._resources.accounts, CLOCK.time()
        lines = [
            replace(_key(key, accounts.balance(key), now), team=self._team(key))
            for key in accounts.keys.all()
            if tenant in (None, key.tenant)
        ]
        return sorted(lines, key=lambda line: line.state != "in use")

    def teams(self) -> Mapping[str, str]:
        keys = self._resources.accounts.keys.all()
        return {key.id: self._team(key) for key in keys if key.team is not None}

    def _team(self, key: Key) -> str:
        if key.team is None:
            return ""
        teams = self._resources.accounts.teams
        team = teams.get(key.team)
        return key.team if team is None else teams.full_name(team)

    def settings(self) -> tuple[str, list[SettingLine]]:
        source = self._source
        by_hand = {"routing.overrides"} if kept_overrides(self._resources.paths.overrides) else ()
        lines = [
            SettingLine(
                key, value, "by hand" if key in by_hand else origin, NEEDS.get(lifetime, "")
            )
            for key, value, origin, lifetime in in_force(
                self._runtime().config, source.file, tuple(source.server)
            )
        ]
        return str(source.file or "no file: the defaults"), lines

    @property
    def sso(self) -> SignOn | None:
        return self._sign_ons.of(self._runtime().config)

    def note(self, who: str, tenant: str, what: str) -> None:
        event = AuditEvent(CLOCK.time(), "console", tenant, "", detail=f"{who}: {what}")
        self._resources.audits.changes().append(event)


def _key(key: Key, balance: Balance, now: float) -> KeyLine:
    gone = "revoked" if key.revoked is not None else "expired"
    return KeyLine(
        id=key.id,
        name=key.name,
        tenant=key.tenant,
        role=key.role,
        console=key.console,
        targets=key.targets,
        rpm=key.rpm,
        tpm=key.tpm,
        spent=balance.spent,
        budget=key.budget_usd,
        period=key.period,
        expires=key.expires,
        state="in use" if key.active(now) else gone,
        service=key.service,
    )


def _budget(key: Key, balance: Balance) -> BudgetLine:
    assert key.budget_usd is not None
    return BudgetLine(
        key.id, key.name, key.tenant, balance.spent, balance.held, key.budget_usd, balance.window
    )
