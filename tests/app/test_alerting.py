"""People are told once, over restarts and whatever receivers do; and nothing else waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from shortstop.alerts.book import FIRST_PAUSE, MOST_TRIES, SETTLED_SECONDS
from shortstop.app import alert_places
from shortstop.app import alerting as module
from shortstop.app.alerting import Alerter
from shortstop.app.chores import chores
from shortstop.config import AlertsConfig, Config
from shortstop.telemetry.metrics import Metrics
from shortstop.types.alerts import Trouble, Watched
from shortstop.workers.context import WorkerContext
from tests.app.receiver import Receiver
from tests.conftest import FakeClock

DISK = Trouble("disk:/", "disk", "The disk is nearly full.")


@pytest_asyncio.fixture
async def hook() -> AsyncIterator[Receiver]:
    async with Receiver().running() as running:
        yield running


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Receiver]:
    async with Receiver().running() as running:
        yield running


class Street:
    """A gateway whose troubles are `seen`, and its clock."""

    def __init__(self, home: Path, hook: Receiver, slack: Receiver) -> None:
        self.clock, self.seen, self.metrics = FakeClock(), Watched(), Metrics()
        self.alerts = AlertsConfig(webhook_url=hook.url, slack_url_env="SLACK", timeout=0.2)
        self.resources: Any = SimpleNamespace(
            paths=SimpleNamespace(alerts=home / "alerts.json"),
            env={"SHORTSTOP_ALERTS_SECRET": "s3cret", "SLACK": slack.url},
            metrics=self.metrics,
        )
        self.alerter = self.started()

    def config(self) -> Config:
        return Config(alerts=self.alerts)

    def started(self) -> Alerter:
        """As after a restart."""
        alerter = Alerter(self.resources, self, 1000.0)  # type: ignore[arg-type]
        alerter._watch = self  # type: ignore[assignment]
        return alerter

    async def look(self) -> Watched:
        return self.seen

    async def turn(self, after: float = 10.0) -> None:
        self.clock.advance(after)
        await self.alerter.turn()

    def counted(self, channel: str, outcome: str) -> float:
        return (
            self.metrics.registry.get_sample_value(
                "shortstop_alerts_total", {"channel": channel, "outcome": outcome}
            )
            or 0.0
        )


@pytest.fixture
def street(
    tmp_path: Path, hook: Receiver, slack: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Street:
    made = Street(tmp_path, hook, slack)
    monkeypatch.setattr(module, "CLOCK", made.clock)
    return made


def states(receiver: Receiver) -> list[str]:
    return [told["type"] for told in receiver.told]


async def test_an_event_is_told_once_and_its_end_once(
    street: Street, hook: Receiver, slack: Receiver
) -> None:
    street.seen = Watched((DISK,))
    for _ in range(3):
        await street.turn()
    street.seen = Watched()
    await street.turn()
    await street.turn(SETTLED_SECONDS)
    await street.turn()
    assert states(hook) == ["alert.raised", "alert.recovered"]
    assert len(slack.heard) == 2
    assert street.counted("webhook", "sent") == street.counted("slack", "sent") == 2


async def test_a_restart_tells_nothing_again_and_tells_what_nobody_took(
    street: Street, hook: Receiver, slack: Receiver
) -> None:
    street.seen, hook.manner = Watched((DISK,)), "fails"
    await street.turn()
    assert (len(hook.heard), len(slack.heard)) == (1, 1)
    kept = street.resources.paths.alerts
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"s3cret" not in kept.read_bytes()
    street.alerter, hook.manner = street.started(), "takes"
    await street.turn(FIRST_PAUSE)
    await street.turn()
    assert (len(hook.heard), len(slack.heard)) == (2, 1)
    ids = {headers["webhook-id"] for _, headers, _ in hook.heard}
    assert len(ids) == 1, "the receiver can tell that it is the same"
    street.alerter, street.seen = street.started(), Watched()
    await street.turn()
    street.alerter = street.started()
    await street.turn(SETTLED_SECONDS)
    assert states(hook)[-1] == "alert.recovered"


@pytest.mark.parametrize("manner", ["hangs", "fails", "redirects", "closes"])
async def test_one_receiver_keeps_no_other_waiting_and_is_given_up_in_the_end(
    street: Street, hook: Receiver, slack: Receiver, manner: Any
) -> None:
    if manner == "hangs":
        street.alerts = AlertsConfig(webhook_url=hook.url, slack_url_env="SLACK", timeout=0.02)
    street.seen, hook.manner = Watched((DISK,)), manner
    for _ in range(MOST_TRIES + 3):
        await street.turn(1000.0)
    assert len(slack.heard) == 1
    assert len(hook.heard) == MOST_TRIES
    assert street.counted("webhook", "failed") == MOST_TRIES
    assert street.counted("webhook", "dropped") == 1
    assert not any("/there" in first for first, _, _ in hook.heard), "no redirect is followed"


async def test_a_turn_tries_one_letter_of_a_channel_that_fails(
    street: Street, hook: Receiver
) -> None:
    hook.manner = "fails"
    street.seen = Watched(tuple(Trouble(f"disk:{n}", "disk", str(n)) for n in range(20)))
    await street.turn()
    await street.turn(FIRST_PAUSE - 1)
    assert len(hook.heard) == 1
    hook.manner = "takes"
    await street.turn(FIRST_PAUSE)
    assert [told["data"]["message"] for told in hook.told[1:]] == [str(n) for n in range(20)]


async def test_a_disk_that_is_full_keeps_nobody_from_being_told(
    street: Street, hook: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    street.seen = Watched((DISK,))
    with monkeypatch.context() as patch:
        patch.setattr(alert_places, "replace_file", full)
        for _ in range(3):
            await street.turn()
    assert len(hook.heard) == 1
    assert caplog.text.count("cannot be written") == 1
    await street.turn()
    assert json.loads(street.resources.paths.alerts.read_bytes())["standing"], "made up for"


async def test_a_file_that_cannot_be_read_begins_anew(street: Street, hook: Receiver) -> None:
    street.resources.paths.alerts.write_bytes(b'{"began": \xff')
    street.seen = Watched((DISK,))
    await street.turn()
    assert states(hook) == ["alert.raised"]


async def test_nothing_is_read_or_written_where_nobody_is_told(street: Street) -> None:
    street.alerts, street.seen = AlertsConfig(), Watched((DISK,))
    await street.turn()
    assert not street.resources.paths.alerts.exists()


async def test_who_is_told_changes_with_a_reload(
    street: Street, hook: Receiver, slack: Receiver
) -> None:
    street.alerts = AlertsConfig(slack_url_env="SLACK", timeout=1)
    street.seen = Watched((DISK,))
    await street.turn()
    assert (len(hook.heard), len(slack.heard)) == (0, 1)
    street.alerts = AlertsConfig(slack_url_env="SLACK", events=("budget",))
    street.seen = Watched()
    await street.turn()
    await street.turn(SETTLED_SECONDS * 2)
    assert len(slack.heard) == 1, "what is not told any longer is not over either"


@pytest.mark.parametrize(("index", "tells"), [(None, True), (0, True), (1, False)])
async def test_of_several_workers_one_tells(
    tmp_path: Path, index: int | None, tells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = None if index is None else WorkerContext(tmp_path, index)
    resources: Any = SimpleNamespace(
        workers=workers,
        replica=None,
        offers=None,
        env={},
        telemetry=SimpleNamespace(chores=lambda: ()),
        metrics=SimpleNamespace(batch_line=None),
        batching=SimpleNamespace(keep_running=lambda gateway, counted: asyncio.sleep(0)),
    )
    learned: Any = SimpleNamespace(keep_saving=lambda snapshot: asyncio.sleep(0))
    gateway: Any = SimpleNamespace(
        snapshot=None, config=None, sweep_runs=None, config_file=None, started=1
    )
    made = list(chores(resources, learned, gateway))
    names = {work.__name__ for work in made}
    for work in made:
        work.close()
    assert ("keep_alerts" in names) == tells
