"""Each kind of trouble is seen in the files and books of a gateway, and said without content."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from shortstop.accounts import Grant
from shortstop.accounts.teams import OrganisationRequest, TeamRequest
from shortstop.app import alert_watch as module
from shortstop.app.alert_watch import AlertWatch
from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.app.staff import IN_CONSOLE
from shortstop.app.staffing import BY_ALARM
from shortstop.config import Config
from shortstop.errors import StoreUnavailable
from shortstop.privacy.audit import AuditEvent, AuditLog
from shortstop.registry.placements import Placement
from shortstop.types import Bill, Trace
from shortstop.types.alerts import Trouble
from tests.app.parts import SMALL, VENDOR, Home
from tests.conftest import FakeClock
from tests.traces.example import trace

QUIET = '\n[alerts]\nslack_url_env = "SLACK"\ndisk_free_mb = 0\n'
BEGAN = 1000.0


class Gateway:
    """As it is seen by whoever looks for troubles."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.models: dict[str, bool | None] = {}
        self.promises: list[tuple[str, str, str]] = []

    def config(self) -> Config:
        return self._home.config

    def broken(self) -> dict[str, bool | None]:
        return self.models

    def broken_promises(self) -> list[tuple[str, str, str]]:
        return self.promises


@pytest.fixture
def gateway(home: Home) -> Gateway:
    home.env["SHORTSTOP_PRIVACY_KEY"] = "a long random text"
    home.configure(SMALL + VENDOR + QUIET)
    return Gateway(home)


@pytest.fixture
async def resources(home: Home, gateway: Gateway) -> AsyncIterator[Resources]:
    resources = Resources(home.config, home.env, None, lambda body, tenant: body)
    yield resources
    resources.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(module, "CLOCK", clock)
    return clock


async def seen(resources: Resources, gateway: Gateway) -> list[Trouble]:
    return list((await AlertWatch(resources, gateway, BEGAN).look()).troubles)


async def test_a_quiet_gateway_has_no_troubles(resources: Resources, gateway: Gateway) -> None:
    watched = await AlertWatch(resources, gateway, BEGAN).look()
    assert (watched.troubles, watched.unknown) == ((), frozenset())


async def test_models_that_fail_and_those_of_which_nothing_is_known(
    resources: Resources, gateway: Gateway
) -> None:
    gateway.models = {"big": True, "small": False, "other": None}
    watched = await AlertWatch(resources, gateway, BEGAN).look()
    assert [(one.key, one.says) for one in watched.troubles] == [
        ("upstream:big", "The model big fails.")
    ]
    assert watched.unknown == {"upstream:other"}


async def test_promises_that_are_broken(resources: Resources, gateway: Gateway) -> None:
    gateway.promises = [("acme", "mail", "small"), ("", "ma\x1b[il", "small"), ("acme", "", "")]
    says = [one.says for one in await seen(resources, gateway)]
    assert says == [
        f"{BY_ALARM} small loses more than was promised on the task mail of acme.",
        f"{BY_ALARM} small loses more than was promised on the task ma\\x1b[il.",
        f"{BY_ALARM} over all tasks more is lost than was promised of acme.",
    ]


def spend(resources: Resources, key: str, usd: str) -> None:
    resources.accounts.settle(trace(f"r{usd}", key=key, bill=bill(usd)))


def bill(usd: str) -> Bill:
    return Bill(Decimal(usd), Decimal(0), Decimal(usd), None, None)


def refused(key: str, at: float, **more: Any) -> Trace:
    changes = {"key": key, "at": at, "outcome": "refused", "status": 429, **more}
    return trace(f"refused-{at}", bill=None, target=None, **changes)


async def test_a_budget_is_told_at_eighty_and_a_hundred_percent(
    resources: Resources, gateway: Gateway, clock: FakeClock
) -> None:
    grant = Grant(name="bot", tenant="acme", budget_usd=Decimal(10), period="day")
    _, key = resources.accounts.create(grant)
    resources.accounts.create(Grant(name="free"))
    levels = []
    for spent in (7.9, 8.0, 9.2, 9.9):
        hold(resources, key.id, spent)
        levels.append([one.key for one in await seen(resources, gateway)])
    first, second = f"budget:{key.id}:80", f"budget:{key.id}:100"
    assert levels == [[], [first], [first], [first, second]]
    (told, _) = await seen(resources, gateway)
    assert told.says == (
        f"The budget of the key bot ({key.id}, tenant acme) is used to 80 %:"
        " $9.90 of $10 a day are spent."
    )


async def test_a_teams_budget_is_told_too(
    resources: Resources, gateway: Gateway, clock: FakeClock
) -> None:
    teams = resources.accounts.teams
    acme = teams.add_organisation(OrganisationRequest(name="acme", budget_usd="12"))
    sales = teams.add_team(
        TeamRequest(name="sales", organisation="acme", budget_usd="10", period="total")
    )
    _, key = resources.accounts.create(Grant(name="bot", team="sales", budget_usd=Decimal(100)))
    levels = []
    for spent in (7.9, 8.0, 9.9):
        hold(resources, key.id, spent)
        levels.append([one.key for one in await seen(resources, gateway)])
    assert levels == [
        [],
        [f"budget:{sales.id}:80"],
        [f"budget:{acme.id}:80", f"budget:{sales.id}:80", f"budget:{sales.id}:100"],
    ]
    assert (await seen(resources, gateway))[-1].says == (
        f"The budget of the team acme/sales ({sales.id}) is used up: $9.90 of $10 in all are spent."
    )


def hold(resources: Resources, key: str, spent: float) -> None:
    """As if so much had been spent in this window."""
    found = resources.accounts.keys.get(key)
    assert found is not None
    balance = resources.accounts.balance(found)
    more = Decimal(str(spent)) - balance.spent
    assert resources.accounts.purse.hold(f"r{spent}", found, more)
    resources.accounts.purse.settle(f"r{spent}", found, more)


async def test_a_budget_that_covers_no_request_is_used_up(
    resources: Resources, gateway: Gateway
) -> None:
    """Of the last tenth most requests are refused: what they may cost does not fit any more."""
    _, key = resources.accounts.create(Grant(name="bot", budget_usd=Decimal(10), period="total"))
    hold(resources, key.id, 9.2)
    now = CLOCK.time()  # older rows have had their time
    other = refused(key.id, now - 20, status=403)
    resources.traces.append(other)
    assert resources.traces.flush()
    assert len(await seen(resources, gateway)) == 1
    resources.traces.append(refused(key.id, now - 10))
    assert resources.traces.flush()
    assert [one.key for one in await seen(resources, gateway)][1:] == [f"budget:{key.id}:100"]


async def test_specialists_that_were_rolled_back_by_nobodys_hand(
    resources: Resources, gateway: Gateway
) -> None:
    placements = resources.specialists.placements
    moves = (
        ("head-old", BEGAN - 1, f"{BY_ALARM} it loses."),
        ("head-new", BEGAN + 1, f"{BY_ALARM} it loses."),
        ("head-hand", BEGAN + 1, IN_CONSOLE),
    )
    for number, (name, since, why) in enumerate(moves):
        placements.place(Placement(name, "acme", f"mail-{number}", "live", BEGAN - 9))
        placements.roll_back(name, since, why)
    placements.place(Placement("head-shadow", "acme", "mail", "retired", BEGAN + 1, "It loses."))
    (told,) = await seen(resources, gateway)
    assert (told.key, told.lasts) == ("rollback:head-new:1", False)
    placements.rewrite(
        lambda placed: [replace(one, since=one.since + 0.5) for one in placed]
    )  # another machine's clock: the same roll-back, told once
    assert [one.key for one in await seen(resources, gateway)] == [told.key]
    assert told.says == f"The specialist head-new of acme was rolled back. {BY_ALARM} it loses."


async def test_records_that_are_missing_from_the_audit_log(
    home: Home, resources: Resources, gateway: Gateway
) -> None:
    path, key = home.folder / "audit.log", b"k" * 32
    home.configure(f'{SMALL}{VENDOR}{QUIET}[privacy]\naudit = "{path}"\n')
    log = AuditLog(path, key)
    for n in range(4):
        log.append(AuditEvent(float(n), "clear", "acme", f"r{n}"))
    log.close()
    watch = AlertWatch(resources, gateway, BEGAN)
    assert (await watch.look()).troubles == ()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    AuditLog(path, key, clock=lambda: BEGAN + 5).close()
    (told,) = (await watch.look()).troubles
    assert (told.kind, told.lasts) == ("audit", False)
    assert "missing before record 2" in told.says
    later = AlertWatch(resources, gateway, BEGAN + 6)
    assert (await later.look()).troubles == (), "what happened before is no news"


async def test_a_disk_that_is_nearly_full(
    home: Home, resources: Resources, gateway: Gateway
) -> None:
    home.configure(SMALL + VENDOR + QUIET.replace("= 0", "= 1e12"))
    (told,) = await seen(resources, gateway)
    assert told.kind == "disk"
    assert "less than 1,000,000,000,000 MB are free" in told.says


async def test_what_cannot_be_looked_for_is_unknown_and_the_rest_is_seen(
    resources: Resources, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down() -> list[Any]:
        raise StoreUnavailable("locked")

    gateway.models = {"big": True}
    monkeypatch.setattr(resources.accounts.keys, "all", down)
    watched = await AlertWatch(resources, gateway, BEGAN).look()
    assert [one.kind for one in watched.troubles] == ["upstream"]
    assert watched.unknown == {"budget"}


async def test_only_what_is_to_be_told_is_looked_for(
    home: Home, resources: Resources, gateway: Gateway
) -> None:
    home.configure(SMALL + VENDOR + QUIET + 'events = ["disk"]\n')
    gateway.models = {"big": True}
    assert await seen(resources, gateway) == []
