"""What privacy does is counted: verdicts, stand-ins, answers that could not be turned back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from shortstop.telemetry.metrics import Metrics
from shortstop.types import Caller, Choice, Chunk, Cleared, Reply, Text

from .conftest import PSEUDONYMISE, REMOTE, chat, guard, make

MAIL, KEY = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"


def counted(metrics: Metrics, line: str) -> float:
    lines = [x for x in metrics.text().decode().splitlines() if x.startswith(line)]
    return float(lines[0].split()[-1]) if lines else 0.0


def released(metrics: Metrics) -> tuple[Cleared, str]:
    judge = guard(PSEUDONYMISE, watcher=metrics)
    request = make(chat(f"write to {MAIL}"))
    cleared = judge.release(request, judge.clear(request, Caller()), REMOTE)
    return cleared, cleared.request.messages[0].text.removeprefix("write to ")


def test_verdicts_are_counted_by_reach_label_and_reason() -> None:
    metrics = Metrics()
    judge = guard(watcher=metrics)
    for text in ("hello", f"key {KEY}", "x" * 3_000_000):
        judge.clear(make(chat(text)), Caller())
    assert counted(metrics, 'shortstop_privacy_verdicts_total{reach="anywhere"}') == 1
    assert counted(metrics, 'shortstop_privacy_verdicts_total{reach="local_only"}') == 2
    assert counted(metrics, 'shortstop_privacy_findings_total{label="SECRET"}') == 1
    reason = 'shortstop_privacy_fail_closed_total{reason="too-large-to-scan"}'
    assert counted(metrics, reason) == 1
    assert counted(metrics, "shortstop_privacy_seconds_count") == 3
    assert KEY not in metrics.text().decode()


@pytest.mark.parametrize(
    ("change", "misses"),
    [
        (lambda s: s, 0),
        (str.upper, 0),
        (lambda s: s.split("@")[0], 1),
        (lambda s: s.replace("@", " at "), 1),
        (lambda s: "somebody", 0),
    ],
)
def test_a_stand_in_that_the_model_respelled_is_a_miss(change: object, misses: int) -> None:
    assert callable(change)
    for streamed in (False, True):
        metrics = Metrics()
        cleared, stand_in = released(metrics)
        assert counted(metrics, 'shortstop_privacy_stand_ins_total{label="EMAIL"}') == 1
        said = f"I wrote to {change(stand_in)}, as asked."
        judge = guard(PSEUDONYMISE, watcher=metrics)
        request = make(chat(f"write to {MAIL}"))
        cleared = judge.release(request, judge.clear(request, Caller()), REMOTE)
        if streamed:
            asyncio.run(_drained(judge.restore_stream(_cut(said), cleared)))
        else:
            judge.restore(Reply("r", "m", (Choice(parts=(Text(said),)),)), cleared)
        assert counted(metrics, "shortstop_privacy_restore_misses_total") == misses


async def _cut(text: str) -> AsyncGenerator[Chunk, None]:
    for at in range(0, len(text), 3):
        yield Chunk(text=text[at : at + 3])
    yield Chunk(finish="stop")


async def _drained(chunks: AsyncGenerator[Chunk, None]) -> None:
    async for _ in chunks:
        pass
