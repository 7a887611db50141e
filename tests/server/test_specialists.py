"""Specialists on the street: a real gateway, a real child process, a trained extractor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from shortstop.registry.placements import FILE, FOLDER, Placements
from tests.flywheel.papers import receipts
from tests.server.conftest import Gateway, running_gateway
from tests.server.placed import NEVER, RECEIPT, TASK, believe, copier, partly, place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

pytest.importorskip("pycrfsuite", reason="needs the extra [learn]")

HEADERS = {"x-shortstop-task": TASK}
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("shop", "date", "total")},
    "required": ["shop", "date", "total"],
    "additionalProperties": False,
}
UNFIT = {**SCHEMA, "properties": {**SCHEMA["properties"], "total": {"type": "number"}}}  # type: ignore[dict-item]
PATIENT = "[privacy]\ntimeout = 30"
"""A busy machine reads slowly, and what was not read in time would stay local."""
SECONDS = 60.0


def chat(text: str = RECEIPT, **more: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **more}


def shaped(schema: dict[str, Any]) -> dict[str, Any]:
    named = {"name": "receipt", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


async def post(
    gateway: Gateway, path: str, body: dict[str, Any], **headers: str
) -> tuple[aiohttp.ClientResponse, bytes]:
    async with gateway.http.post(path, json=body, headers={**HEADERS, **headers}) as answer:
        return answer, await answer.read()


async def ask(gateway: Gateway, body: dict[str, Any] | None = None) -> aiohttp.ClientResponse:
    answer, _ = await post(gateway, "/v1/chat/completions", body or chat())
    return answer


async def until_answered_by(gateway: Gateway, name: str, *, other: bool = False) -> float:
    """Seconds until `auto` is answered by `name`, or by any `other`; no request may fail
    meanwhile."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        answer, body = await post(gateway, "/v1/chat/completions", chat())
        assert answer.status == 200, body
        if (answer.headers["x-shortstop-target"] == name) != other:
            return loop.time() - began
        assert loop.time() - began < SECONDS, answer.headers["x-shortstop-decision"]
        await asyncio.sleep(0.02)


async def until_planned(gateway: Gateway, *, leads: bool) -> float:
    """Seconds until specialists lead the plan of a request, or do no longer."""
    began = asyncio.get_running_loop().time()
    while True:
        decision = (await ask(gateway)).headers["x-shortstop-decision"]
        if decision.startswith("specialist,") == leads:
            return asyncio.get_running_loop().time() - began
        assert asyncio.get_running_loop().time() - began < SECONDS, decision


def child_of(gateway: Gateway) -> int:
    """The process id of the specialists' process."""
    assert gateway.process is not None
    return children(gateway.process.pid)[0]


def children(pid: int) -> list[int]:
    """Processes below `pid` that read for specialists."""
    out = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
        if b"shortstop.app.specialists" in command and pid in (parent, parent_of(parent)):
            out.append(int(entry.name))
    return out


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError):
        return 0


@pytest.fixture(scope="module")
def name(shared_home: Path) -> str:
    made = copier(shared_home)
    place(shared_home, made)
    believe(shared_home, made)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(shared_home: Path, name: str) -> AsyncIterator[Gateway]:
    async with running_gateway(shared_home, more=PATIENT) as running:
        yield running


# ------------------------------------------------------------ answering


PROMPTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": chat(),
    "/v1/responses": {"model": "auto", "input": RECEIPT},
    "/v1/completions": {"model": "auto", "prompt": RECEIPT},
    "/v1/messages": {**chat(), "max_tokens": 200},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", list(PROMPTS))
async def test_in_every_dialect_whole_and_streamed(
    gateway: Gateway, name: str, path: str, stream: bool
) -> None:
    await until_answered_by(gateway, name)
    answer, body = await post(gateway, path, {**PROMPTS[path], "stream": stream})
    assert answer.status == 200
    assert answer.headers["x-shortstop-specialist"] == answer.headers["x-shortstop-target"] == name
    assert answer.headers["x-shortstop-task"] == TASK
    said = body.decode().replace("\\", "")
    assert '"shop":' in said
    assert '"total":' in said


@pytest.mark.parametrize("stream", [False, True])
async def test_the_promised_shape_is_kept_or_somebody_else_asked(
    gateway: Gateway, name: str, stream: bool
) -> None:
    await until_answered_by(gateway, name)
    fits = await ask(gateway, chat(stream=stream, **shaped(SCHEMA)))
    assert fits.headers["x-shortstop-specialist"] == name
    unfit = await ask(gateway, chat(stream=stream, **shaped(UNFIT)))
    assert unfit.status == 200
    assert unfit.headers["x-shortstop-target"] == "big", "its total is a text"
    assert "x-shortstop-specialist" not in unfit.headers


async def test_its_bill_is_busy_seconds_and_the_frontier_is_what_was_saved(
    gateway: Gateway, name: str
) -> None:
    await until_answered_by(gateway, name)
    answer = await ask(gateway)
    cost, saved = (float(answer.headers[f"x-shortstop-{w}"]) for w in ("cost", "saved"))
    assert 0 < cost < 0.0001
    assert saved > 0
    assert ";p=1.0000;" in answer.headers["x-shortstop-decision"]


async def test_the_row_tells_attempt_and_decision(gateway: Gateway, name: str) -> None:
    await until_answered_by(gateway, name)
    id = (await ask(gateway)).headers["x-request-id"]

    def row() -> tuple[str, ...] | None:
        with sqlite3.connect(gateway.home / "traces.db") as db:
            found = db.execute("SELECT outcome, target FROM traces WHERE id = ?", (id,))
            return found.fetchone()  # type: ignore[no-any-return]

    async with asyncio.timeout(SECONDS):
        while row() is None:
            await asyncio.sleep(0.05)
    assert row() == ("ok", name)


async def test_it_is_on_no_list_and_answers_by_name(gateway: Gateway, name: str) -> None:
    async with gateway.http.get("/v1/models") as answer:
        assert name not in (await answer.text())
    answer, _ = await post(gateway, "/v1/chat/completions", {**chat(), "model": name})
    assert (answer.status, answer.headers["x-shortstop-specialist"]) == (200, name)


async def test_what_it_does_not_read_goes_to_the_frontier_unseen(gateway: Gateway) -> None:
    for text in ("!say hello", " "):
        answer = await ask(gateway, chat(text))
        assert answer.headers["x-shortstop-target"] == "big"
        assert "draft" not in answer.headers["x-shortstop-decision"]


async def test_another_tenant_s_specialist_does_not_exist(gateway: Gateway, name: str) -> None:
    other = copier(gateway.home, tenant="rival", seed=7)
    place(gateway.home, other, tenant="rival")
    await asyncio.sleep(1.0)
    refused, body = await post(gateway, "/v1/chat/completions", {**chat(), "model": other})
    assert refused.status == 404
    assert name not in body.decode()
    assert (await ask(gateway)).headers["x-shortstop-target"] == name


# ------------------------------------------------------------ coming and going


async def test_promotion_and_rollback_take_effect_within_a_second(tmp_path: Path) -> None:
    one = copier(tmp_path)
    believe(tmp_path, one)
    async with running_gateway(tmp_path, more=PATIENT) as gateway:
        assert (await ask(gateway)).headers["x-shortstop-target"] == "big"
        place(tmp_path, one, "shadow")
        await asyncio.sleep(0.6)
        assert (await ask(gateway)).headers["x-shortstop-target"] == "big"
        place(tmp_path, one)
        promoted = await until_planned(gateway, leads=True)
        await until_answered_by(gateway, one)
        Placements(tmp_path).roll_back(one, 2.0, "by hand")
        rolled_back = await until_planned(gateway, leads=False)
        assert max(promoted, rolled_back) < 3.0, "a second, where the machine is not busy"
        place(tmp_path, one)
        await until_answered_by(gateway, one)
        (tmp_path / FOLDER / FILE).write_bytes(b"[{")
        await until_answered_by(gateway, one, other=True)
        await gateway.logged(b"cannot be used, so no specialist answers")


async def test_whoever_leaves_fields_to_the_frontier_earns_its_place_beside_it(
    tmp_path: Path,
) -> None:
    """Nobody believes it before it was compared, with the frontier's fields in place of its own."""
    one = partly(tmp_path, unsure="total")
    place(tmp_path, one)
    right = receipts(61, seed=3)[1][-1]
    async with running_gateway(tmp_path, more=f"shadow_rate = 1.0\n{PATIENT}") as gateway:
        gateway.frontier.says = json.dumps(right)
        await until_planned(gateway, leads=True)
        answer, body = await post(gateway, "/v1/chat/completions", chat())
        assert answer.headers["x-shortstop-target"] == one
        assert json.loads(json.loads(body)["choices"][0]["message"]["content"]) == right
        asked = gateway.frontier.bodies[-1]["response_format"]["json_schema"]["schema"]
        assert list(asked["properties"]) == ["total"]


async def test_an_alarm_takes_it_out_of_traffic_and_says_why(tmp_path: Path) -> None:
    """What it copies is not what the frontier says: certified, it is audited, and it loses."""
    one = copier(tmp_path)
    state_of(tmp_path, one)
    place(tmp_path, one)
    async with running_gateway(tmp_path, more=PATIENT) as gateway:
        await until_answered_by(gateway, one)
        async with asyncio.timeout(SECONDS * 4):
            while Placements(tmp_path).all()[0].state != "retired":
                assert (await ask(gateway)).status == 200
        assert "contract's alarm stands" in Placements(tmp_path).all()[0].why
        await until_answered_by(gateway, one, other=True)
        await gateway.logged(b"was rolled back")
        async with gateway.http.get("/metrics") as answer:
            assert f'rollbacks_total{{specialist="{one}"}} 1.0' in await answer.text()


def state_of(home: Path, name: str) -> None:
    """A certificate, with an account that covers a few bad answers and has each one audited."""
    from shortstop.routing import State, dump_state
    from shortstop.routing.bounds import STAKES

    state = State(landmarks=512)
    evidence = state.evidence_for("default", f"{TASK}|{name}={name}")
    evidence.pairs, evidence.certified, evidence.thresholds = 100, 1.0, [1.0]
    evidence.kept, evidence.wealth = [100], [[20.0] * len(STAKES)]
    evidence.watch, evidence.balance = [0.0] * len(STAKES), 30.0
    (home / "brain.bin").write_bytes(dump_state(state))


# ------------------------------------------------------------ faults


async def test_a_child_that_is_killed_fails_no_request_and_is_started_again(
    gateway: Gateway, name: str
) -> None:
    await until_answered_by(gateway, name)
    under_way = [asyncio.create_task(ask(gateway)) for _ in range(20)]
    await asyncio.sleep(0)
    os.kill(child_of(gateway), signal.SIGKILL)
    assert {answer.status for answer in await asyncio.gather(*under_way)} == {200}
    await until_answered_by(gateway, name)
    await gateway.logged(b"specialists' process has died")


async def test_a_child_that_stands_still_holds_nobody_up_for_long(
    gateway: Gateway, name: str
) -> None:
    await until_answered_by(gateway, name)
    child = child_of(gateway)
    os.kill(child, signal.SIGSTOP)
    try:
        first = await ask(gateway)
        assert first.status == 200
        assert first.headers["x-shortstop-target"] != name
        began = asyncio.get_running_loop().time()
        assert (await ask(gateway)).headers["x-shortstop-target"] != name
        assert asyncio.get_running_loop().time() - began < 1.5, "known to be behind"
    finally:
        os.kill(child, signal.SIGCONT)
    await until_answered_by(gateway, name)


async def test_one_that_was_tampered_with_is_refused_in_words(tmp_path: Path) -> None:
    one, other = copier(tmp_path), copier(tmp_path, seed=1)
    believe(tmp_path, one, other)
    place(tmp_path, one)
    (tmp_path / FOLDER / one / "field-0-0.crfsuite").write_bytes(b"changed")
    async with running_gateway(tmp_path, more=PATIENT) as gateway:
        assert (await ask(gateway)).headers["x-shortstop-target"] == "big"
        await gateway.logged(b"is not what was promoted: field-0-0.crfsuite differs")
        place(tmp_path, "copy-0000000000000000")
        await gateway.logged(b"cannot be read")
        assert (await ask(gateway)).status == 200
        place(tmp_path, other)
        await until_answered_by(gateway, other)


async def test_one_whose_gate_never_serves_leaves_everything_to_the_frontier(
    tmp_path: Path,
) -> None:
    one = copier(tmp_path, gate=NEVER)
    believe(tmp_path, one)
    place(tmp_path, one)
    async with running_gateway(tmp_path, more=PATIENT) as gateway:
        answer = await ask(gateway)
        assert answer.headers["x-shortstop-target"] == "big"
        assert answer.headers["x-shortstop-decision"].startswith("specialist,")
        async with gateway.http.get("/metrics") as metrics:
            assert f'attempts_total{{outcome="skipped",target="{one}"}}' in await metrics.text()


async def test_workers_follow_and_each_has_a_child(tmp_path: Path) -> None:
    one = copier(tmp_path)
    believe(tmp_path, one)
    async with running_gateway(tmp_path, "workers = 2", PATIENT) as gateway:
        place(tmp_path, one)
        await until_answered_by(gateway, one)
        async with asyncio.timeout(SECONDS * 2):
            while True:
                answers = [await ask(gateway) for _ in range(12)]
                assert {answer.status for answer in answers} == {200}
                if {a.headers["x-shortstop-target"] for a in answers} == {one}:
                    break
        Placements(tmp_path).roll_back(one, 2.0, "by hand")
        async with asyncio.timeout(SECONDS * 2):
            while True:
                answers = [await ask(gateway) for _ in range(12)]
                if one not in {a.headers["x-shortstop-target"] for a in answers}:
                    break
    assert json.loads((tmp_path / FOLDER / FILE).read_text())[0]["state"] == "retired"
