"""Every client dialect sees the right result of a streamed answer, however it was written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.faithful.cases import Case, load
from tests.faithful.judged import faults
from tests.faithful.played import Stage, stage
from tests.faithful.vendor import Scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")
CASES = load("streams") + load("answers")
KNOWN: dict[str, str] = {}
"""Cases that do not hold yet, and why."""


def script(case: Case) -> Scripted:
    kind = "text/event-stream" if case.file == "streams" else "application/json"
    headers = case.line.get("headers") or {"content-type": kind}
    open_end = "stays open" in str(case.line.get("after"))
    status, piece = case.line.get("status", 200), case.line.get("chunk_bytes")
    return Scripted(case.content, headers, status, piece=piece, stays_open=open_end)


async def judged(stage: Stage, case: Case) -> list[tuple[str, list[list[str]]]]:
    """For each door and each right result: what is wrong."""
    seen: list[tuple[str, Any]] = []
    for door in case.doors:
        stream = case.file == "streams"
        try:
            seen.append(
                (
                    door,
                    await stage.answered(door, case.line["upstream"], script(case), stream=stream),
                )
            )
        except (AssertionError, KeyError, ValueError, TypeError) as error:
            seen.append((door, error))
    rows = await stage.rows()
    found = []
    for door, what in seen:
        if isinstance(what, Exception):
            found.append((door, [[f"not in the dialect: {what!r}"] for _ in case.rights]))
            continue
        shown, id, asked = what
        wrong = []
        for right in case.rights:
            if right.get("only_door", door) != door:
                wrong.append(["only for another dialect"])
                continue
            faulty = faults(right, door, shown, rows.get(id))
            if asked > 1 and not right.get("error"):
                faulty.append(f"asked {asked} times")
            wrong.append(faulty)
        found.append((door, wrong))
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("faithful")) as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
async def test_every_client_sees_the_right_result(played: Stage, case: Case) -> None:
    found = await judged(played, case)
    wrong = [(door, faulty) for door, faulty in found if all(faulty)]
    if case.id in KNOWN and wrong:
        pytest.xfail(KNOWN[case.id])
    assert not wrong
