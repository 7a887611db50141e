"""Nights begin when the operator says so, once a day, and never without it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from shortstop.app import nightly
from shortstop.app.nightly import keep_nights, next_look, next_night, spend
from shortstop.config import parse
from tests.app.recorded import TOML, FixedClock

MIDNIGHT = 1_999_987_200.0
HOUR = 3600.0


@pytest.mark.parametrize(
    ("said", "after", "at"),
    [
        ("off", 0.0, None),
        ("02:30", 0.0, 2.5),
        ("02:30", 2.5, 26.5),
        ("02:30", 3.0, 26.5),
        ("00:00", 23.0, 24.0),
    ],
)
def test_the_next_night(said: str, after: float, at: float | None) -> None:
    expected = None if at is None else MIDNIGHT + HOUR * at
    assert next_night(said, MIDNIGHT + HOUR * after) == expected


@pytest.mark.parametrize(
    ("said", "looks", "after", "at"),
    [
        ("off", 3, 0.0, None),
        ("02:30", 0, 3.0, None),
        ("02:30", 3, 2.5, 8.5),
        ("02:30", 3, 8.5, 14.5),
        ("02:30", 3, 20.5, 32.5),
        ("02:30", 3, 0.0, 8.5),
        ("02:30", 1, 3.0, 14.5),
        ("23:00", 1, 12.0, 35.0),
    ],
)
def test_looks_part_the_day_between_two_nights(
    said: str, looks: int, after: float, at: float | None
) -> None:
    expected = None if at is None else MIDNIGHT + HOUR * at
    assert next_look(said, looks, MIDNIGHT + HOUR * after) == expected


async def test_one_night_a_day_at_its_hour_and_looks_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, nights, looks, slept_times = FixedClock(MIDNIGHT + 1.9 * HOUR), [], [], 0

    async def slept(seconds: float) -> None:
        nonlocal slept_times
        slept_times += 1
        if slept_times > 100:
            raise asyncio.CancelledError
        clock.now += 0.5 * HOUR

    async def spent(path: Path | None, env: object, *options: str) -> int:
        (looks if options == ("--look",) else nights).append(clock.now)
        return 0

    monkeypatch.setattr(nightly.asyncio, "sleep", slept)
    monkeypatch.setattr(nightly, "spend", spent)
    config = parse(TOML + 'nightly = "02:30"\nlooks = 1\n', {})
    with pytest.raises(asyncio.CancelledError):
        await keep_nights(lambda: config, None, {}, clock)
    assert [round((at - MIDNIGHT) / HOUR, 1) for at in nights] == [2.9, 26.9, 50.9]
    assert [round((at - MIDNIGHT) / HOUR, 1) for at in looks] == [14.9, 38.9]


async def test_a_night_that_another_machine_has_is_not_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, claims = FixedClock(MIDNIGHT + 1.9 * HOUR), []

    async def slept(seconds: float) -> None:
        clock.now += 0.5 * HOUR
        if clock.now > MIDNIGHT + 30 * HOUR:
            raise asyncio.CancelledError

    async def claim(job: str, due: float) -> bool:
        claims.append((job, (due - MIDNIGHT) / HOUR))
        return False

    async def spent(*_: object) -> int:
        raise AssertionError("it is another machine's")

    monkeypatch.setattr(nightly.asyncio, "sleep", slept)
    monkeypatch.setattr(nightly, "spend", spent)
    config = parse(TOML + 'nightly = "02:30"\nlooks = 1\n', {})
    with pytest.raises(asyncio.CancelledError):
        await keep_nights(lambda: config, None, {}, clock, claim)
    assert claims == [("night", 2.5), ("look", 14.5), ("night", 26.5)], "due at the same moment"


@pytest.mark.slow
async def test_a_night_that_fails_says_why_and_the_street_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("sklearn", reason="needs the extra [learn]")
    file = tmp_path / "shortstop.toml"
    file.write_text(f'data_dir = "{tmp_path / "home"}"\n' + TOML.replace("teacher = true", ""))
    assert await spend(file, dict(os.environ)) == 2
    assert "the night ended" in caplog.text
