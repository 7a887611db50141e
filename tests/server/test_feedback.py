"""Feedback counts as what the caller is, never as what it says it is."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from shortstop.stores.sqlite import SqliteReports
from shortstop.traces import TraceReader
from shortstop.traces.keyfile import read_keys
from shortstop.traces.seal import Seal
from tests.server.conftest import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADMIN = {"authorization": "Bearer the admin's own token"}


async def new_key(gateway: Gateway, headers: dict[str, str], **grant: Any) -> dict[str, str]:
    """The headers of a new key's holder."""
    body = {"name": "test", **grant}
    admin = headers or gateway.admin
    async with gateway.http.post("/admin/keys", json=body, headers=admin) as answer:
        assert answer.status == 201, await answer.text()
        return {"authorization": f"Bearer {(await answer.json())['secret']}"}


async def answered(gateway: Gateway, headers: dict[str, str]) -> str:
    """The id of a request that was just answered."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "!say yes"}]}
    async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["x-request-id"]


async def rate(gateway: Gateway, headers: dict[str, str], **more: Any) -> tuple[int, str]:
    """Status and error message."""
    async with gateway.http.post("/v1/feedback", json=more, headers=headers) as answer:
        body = await answer.json()
        return answer.status, body.get("error", {}).get("message", "")


async def test_a_key_speaks_as_its_role_and_as_nobody_else(gateway: Gateway) -> None:
    roles = ("user", "reviewer", "judge")
    keys = {role: await new_key(gateway, {}, role=role) for role in roles}
    id = await answered(gateway, keys["user"])
    for role in roles:
        for other in set(roles) - {role}:
            status, message = await rate(gateway, keys[role], request_id=id, score=1, source=other)
            assert status == 403
            assert f"role {role!r}" in message
            assert repr(other) in message
    for role, said in (("user", {}), ("reviewer", {"source": "reviewer"}), ("judge", {})):
        spoken = {"request_id": id, "score": 1, **said}
        assert await rate(gateway, keys[role], **spoken) == (200, "")
        status, _ = await rate(gateway, keys[role], **spoken)
        assert status == 404, "each role counts once"


async def test_what_is_no_role_is_no_source(gateway: Gateway) -> None:
    key = await new_key(gateway, {}, role="judge")
    id = await answered(gateway, key)
    for source in ("human", "implicit", "program", "", 5):
        status, _ = await rate(gateway, key, request_id=id, score=1, source=source)
        assert status == 400
    body = {"name": "x", "role": "owner"}
    async with gateway.http.post("/admin/keys", json=body, headers=gateway.admin) as answer:
        assert answer.status == 400


async def test_without_keys_only_the_admin_token_reviews(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await answered(gateway, {})
    for source in ("reviewer", "judge"):
        status, _ = await rate(gateway, ADMIN, request_id=id, score=1, source=source)
        assert status == 403, "no admin token is set, so none can be shown"
    await gateway.stop()
    monkeypatch.setenv("SHORTSTOP_ADMIN_TOKEN", "the admin's own token")
    await gateway.start()
    id = await answered(gateway, {})
    assert (await rate(gateway, {}, request_id=id, score=1, source="reviewer"))[0] == 403
    wrong = {"authorization": "Bearer another token"}
    assert (await rate(gateway, wrong, request_id=id, score=1, source="reviewer"))[0] == 403
    assert (await rate(gateway, ADMIN, request_id=id, score=1, source="judge"))[0] == 403
    assert (await rate(gateway, ADMIN, request_id=id, score=1, source="reviewer"))[0] == 200
    assert (await rate(gateway, {}, request_id=id, score=1))[0] == 200


async def test_tenants_speak_of_their_own_answers_and_the_operator_of_all(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.stop()
    monkeypatch.setenv("SHORTSTOP_ADMIN_TOKEN", "the admin's own token")
    await gateway.start()
    ours = await new_key(gateway, ADMIN, tenant="acme")
    theirs = await new_key(gateway, ADMIN, tenant="rival", role="reviewer")
    id = await answered(gateway, ours)
    assert (await rate(gateway, theirs, request_id=id, score=0))[0] == 404
    assert (await rate(gateway, ADMIN, request_id=id, score=1))[0] == 200
    assert (await rate(gateway, {}, request_id=id, score=1))[0] == 401
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
    async with gateway.http.post("/v1/chat/completions", json=body, headers=ADMIN) as answer:
        assert answer.status == 401, "the admin token asks no model"


async def test_feedback_that_is_none_says_why(shared_gateway: Gateway) -> None:
    for body, word in (
        ({"score": 1}, "request_id"),
        ({"request_id": 5, "score": 1}, "request_id"),
        ({"request_id": "r", "score": "good"}, "score"),
        ({"request_id": "r", "label": 2}, "label"),
    ):
        status, message = await rate(shared_gateway, {}, **body)
        assert status == 400
        assert word in message
    assert (await rate(shared_gateway, {}, request_id="req_of_nobody", score=1))[0] == 404


async def test_what_was_judged_outlives_the_process(gateway: Gateway) -> None:
    """Comparisons by program, and a correction with its words: training data, by the same rules."""
    await gateway.teach()
    id = await answered(gateway, {})
    given = {"request_id": id, "label": False, "correction": "no", "answer": "yes"}
    assert (await rate(gateway, {}, **given))[0] == 200
    await gateway.stop()
    with sqlite3.connect(gateway.home / "traces.db") as db:
        rows = db.execute("SELECT source, target, reference, value FROM grades ORDER BY at")
        grades = rows.fetchall()
        known = {row[0] for row in db.execute("SELECT id FROM traces")}
        graded = {row[0] for row in db.execute("SELECT trace FROM grades")}
        query = "SELECT correction FROM grades WHERE trace = ? AND source = 'user'"
        (correction,) = db.execute(query, (id,)).fetchone()
    compared = [row for row in grades if row[0] == "comparison"]
    assert len(compared) >= 20
    assert {row[1:3] for row in compared} == {("small", "big")}
    assert ("user", "small", None, 0.0) in grades
    assert bytes(correction).startswith(b"\0"), "sealed"
    seal = Seal(*read_keys(gateway.home / "content.key"))
    kept = TraceReader(SqliteReports(gateway.home / "traces.db"), seal).grades(trace=id)
    assert [one.correction for one in kept if one.source == "user"] == ["no"]
    assert graded <= known
