"""Of several machines one tells, once, what any of them sees; an earlier leader tells nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from shortstop.app import alerting
from shortstop.app.alert_places import SharedAlerts
from shortstop.app.alerting import Alerter
from shortstop.app.leadership import Leadership
from shortstop.config import AlertsConfig, Config
from shortstop.errors import NotLeading
from shortstop.telemetry.metrics import Metrics
from shortstop.types.alerts import Trouble, Watched
from tests.app.receiver import Receiver
from tests.conftest import FakeClock
from tests.postgres import PostgresServer

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.leaders import PostgresLeaders
from shortstop.stores.postgres.stores import PostgresStores

DOWN = Trouble("upstream:big", "upstream", "The model big fails.")
DISK = Trouble("disk:/", "disk", "The disk is nearly full.")


@pytest.fixture
def leaders(postgres: PostgresServer) -> Iterator[PostgresLeaders]:
    with postgres.database() as url:
        store = PostgresStores(url).leaders()
        yield store
        store.close()


class Machine:
    """What it sees, and its part in telling."""

    def __init__(self, leaders: PostgresLeaders, name: str, hook: Receiver) -> None:
        self.clock, self.seen = FakeClock(), Watched()
        self.leadership = Leadership(leaders, name, self.clock)
        self._alerts = AlertsConfig(webhook_url=hook.url, timeout=5)
        resources: Any = SimpleNamespace(
            env={"SHORTSTOP_ALERTS_SECRET": "s3cret"}, metrics=Metrics()
        )
        self.alerter = Alerter(resources, self, 1.0, SharedAlerts(self.leadership))  # type: ignore[arg-type]
        self.alerter._watch = self  # type: ignore[assignment]

    def config(self) -> Config:
        return Config(alerts=self._alerts)

    async def look(self) -> Watched:
        return self.seen


async def test_what_any_of_them_sees_is_told_once_whoever_leads(
    leaders: PostgresLeaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Receiver().running() as hook:
        one, two = Machine(leaders, "a", hook), Machine(leaders, "b", hook)
        monkeypatch.setattr(alerting, "CLOCK", one.clock)
        one.leadership.renew()
        two.leadership.renew()
        two.seen = Watched((DOWN, DISK))
        await two.alerter.turn()
        assert hook.heard == [], "it does not lead"
        one.seen = Watched((DOWN,))
        for _ in range(2):
            await one.alerter.turn()
        assert len(hook.heard) == 2
        one.leadership.resign()
        two.leadership.renew()
        for _ in range(2):
            await two.alerter.turn()
            await one.alerter.turn()
        assert len(hook.heard) == 2, "its successor knows what was told"


async def test_an_earlier_leader_tells_nothing(
    leaders: PostgresLeaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood still after it had looked, and another one has led since."""
    async with Receiver().running() as hook:
        one, two = Machine(leaders, "a", hook), Machine(leaders, "b", hook)
        monkeypatch.setattr(alerting, "CLOCK", one.clock)
        one.leadership.renew()
        one.seen = two.seen = Watched((DOWN,))
        gather = one.alerter._place.gather

        def slowly(watched: Watched) -> Watched | None:
            found = gather(watched)
            leaders.lead("a", 0)  # its time is over
            two.leadership.renew()
            return found

        monkeypatch.setattr(one.alerter._place, "gather", slowly)
        with pytest.raises(NotLeading):
            await one.alerter.turn()
        assert hook.heard == []
        await two.alerter.turn()
        assert len(hook.heard) == 1


def test_a_machine_s_own_troubles_bear_its_name(leaders: PostgresLeaders) -> None:
    clock = FakeClock()
    one, two = (SharedAlerts(Leadership(leaders, name, clock), f"node-{name}") for name in "ab")
    one._leadership.renew()
    assert two.gather(Watched((DISK, DOWN))) is None
    together = one.gather(Watched((DISK,), frozenset({"upstream:big", "upstream:other"})))
    assert together is not None
    assert sorted(trouble.says for trouble in together.troubles) == [
        "The model big fails.",
        "node-a: The disk is nearly full.",
        "node-b: The disk is nearly full.",
    ]
    assert together.unknown == {"upstream:other"}, "what one of them sees is known"
