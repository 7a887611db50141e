"""The gateway as a client sees it: a real process, real HTTP, scripted models."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from shortstop.stores.sqlite import SqliteReports
from shortstop.traces import TraceReader
from shortstop.traces.keyfile import read_keys
from shortstop.traces.seal import Seal
from tests.server.conftest import KEY, LESSON, Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


def chat(content: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": content}], **more}


def contract(gateway: Gateway) -> dict[str, Any]:
    """What `shortstop contract` says."""
    command = [sys.executable, "-m", "shortstop", "contract", "--json"]
    env = {**os.environ, "SHORTSTOP_HOME": str(gateway.home), "VENDOR_KEY": KEY}
    said = subprocess.run(
        [*command, "--config", str(gateway.config_file)], env=env, capture_output=True, check=True
    )
    return dict(json.loads(said.stdout))


def sdk(gateway: Gateway) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0)


async def test_the_openai_client_gets_a_whole_answer(gateway: Gateway) -> None:
    async with sdk(gateway) as client:
        raw = await client.chat.completions.with_raw_response.create(
            **chat("!say Day after.", model="small")
        )
    answer = raw.parse()
    assert answer.choices[0].message.content == "Day after."
    assert answer.model == "small", "the client's own name for the model"
    assert raw.headers["x-shortstop-target"] == "small"
    assert raw.headers["x-request-id"].startswith("req_")
    assert float(raw.headers["x-shortstop-saved"]) > 0


async def test_the_openai_client_gets_a_stream(gateway: Gateway) -> None:
    async with sdk(gateway) as client:
        stream = await client.chat.completions.create(
            **chat("!say one two three four"), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.strip() == "one two three four"
    assert len({(c.id, c.created, c.model) for c in chunks}) == 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


@pytest.mark.parametrize("model", ["small", "big"])
async def test_the_anthropic_client_gets_answers_from_an_openai_target(
    shared_gateway: Gateway, model: str
) -> None:
    asked: Any = {
        "model": model,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "!say one two three four"}],
    }
    async with anthropic.AsyncAnthropic(base_url=shared_gateway.url, api_key="unused") as client:
        message = await client.messages.create(**asked)
        assert message.content[0].text == "one two three four"
        assert (message.model, message.stop_reason) == (model, "end_turn")
        assert message.usage.output_tokens == 5
        async with client.messages.stream(**asked) as stream:
            assert (await stream.get_final_text()).strip() == "one two three four"


async def test_the_responses_and_completions_routes_answer(shared_gateway: Gateway) -> None:
    async with sdk(shared_gateway) as client:
        response = await client.responses.create(model="big", input="!say fine")
        assert response.output_text == "fine"
        completion = await client.completions.create(model="big", prompt="!say fine")
        assert completion.choices[0].text == "fine"


async def test_an_explicit_model_is_asked_and_unknown_fields_reach_it(gateway: Gateway) -> None:
    async with gateway.http.post("/v1/chat/completions", json=chat(model="big", odd=[1])) as r:
        answer = await r.json()
        assert r.headers["x-shortstop-target"] == "big"
    assert gateway.frontier.bodies[0]["odd"] == [1]
    assert answer["vendor_extension"] == {"kept": True}
    assert answer["model"] == "big"
    assert KEY.encode() in gateway.frontier.received[0]


CLAUDE = """
[upstreams.claude]
base_url = "{frontier}"
dialect = "anthropic"
[upstreams.claude.models.sonnet]
"""


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/messages"])
async def test_betas_reach_the_vendor_that_knows_them_and_nothing_else_does(
    gateway: Gateway, path: str
) -> None:
    """A beta's fields are refused without its header. A header is no way past privacy."""
    text = gateway.config_file.read_text() + CLAUDE.format(frontier=gateway.frontier.url)
    gateway.config_file.write_text(text)
    async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
        assert answer.status == 200
    known = ["context-management-2025-06-27", "claude-code-20250219", "output-128k-2025-02-19"]
    secret = "AKIAQ3EGRV5XKJ2HNW7T"
    said = ", ".join([*known, secret, f"{secret.lower()}-2025-01-01", known[0], "jane@example.org"])
    for model in ("sonnet", "big"):
        body = {**chat("!say x", model=model, stream=True), "max_tokens": 9}
        async with gateway.http.post(path, json=body, headers={"anthropic-beta": said}) as answer:
            await answer.read()
    heads = [raw.split(b"\r\n\r\n")[0].decode() for raw in gateway.frontier.received]
    sent = [line for h in heads for line in h.split("\r\n") if line.startswith("anthropic-beta")]
    assert sent
    assert set(sent) == {f"anthropic-beta: {','.join(known)}"}
    assert all("anthropic-version" in h for h in heads if "anthropic-beta" in h)


async def test_what_is_unknown_escalates_and_what_was_learned_stays_local(
    gateway: Gateway,
) -> None:
    async with gateway.http.post("/v1/chat/completions", json=chat("!say x", model="auto")) as r:
        assert r.headers["x-shortstop-target"] == "big"
        assert r.headers["x-shortstop-decision"].startswith("cold-start")
    await gateway.teach()
    lesson = {"model": "auto", "messages": [*LESSON, {"role": "user", "content": "!say 99"}]}
    async with gateway.http.post("/v1/chat/completions", json=lesson) as r:
        assert r.headers["x-shortstop-target"] == "small", r.headers["x-shortstop-decision"]
        request_id = r.headers["x-request-id"]
    opinion = {"request_id": request_id, "score": 0.0}
    async with gateway.http.post("/v1/feedback", json=opinion) as r:
        assert (await r.json()) == {"accepted": True}
    async with gateway.http.post("/v1/feedback", json=opinion) as r:
        assert r.status == 404, "a source speaks once"
    lesson["messages"][-1]["content"] = "!say I'm sorry, but I can't help with that."
    asked = len(gateway.local.received)
    async with gateway.http.post("/v1/chat/completions", json=lesson) as r:
        assert r.headers["x-shortstop-target"] == "big", "a local refusal escalates unseen"
    assert len(gateway.local.received) == asked + 1


async def test_local_never_leaves(gateway: Gateway) -> None:
    async with gateway.http.post(
        "/v1/chat/completions", json=chat("!say I'm sorry, but I can't help.", model="local")
    ) as r:
        assert r.headers["x-shortstop-target"] == "small"
    assert gateway.frontier.received == []


async def test_sensitive_requests_never_reach_the_frontier(gateway: Gateway) -> None:
    card = "My card is 4111 1111 1111 1111, please block it."
    async with gateway.http.post("/v1/chat/completions", json=chat(card, model="big")) as r:
        assert r.headers["x-shortstop-target"] == "small", "asked for by name, pinned all the same"
    gateway.local.fail_times = 5
    async with gateway.http.post("/v1/chat/completions", json=chat(card)) as r:
        assert r.status >= 500, "rather no answer than a leak"
    assert gateway.frontier.received == []


BAD = [
    (b"{", 400, None),
    (b"[]", 400, None),
    (b"\xff\xfe{}", 400, None),
    (b'{"a": ' + b"[" * 100_000, 400, None),
    (json.dumps({"messages": [{"role": "user", "content": "x"}]}).encode(), 400, "model"),
    (json.dumps({"model": "auto", "messages": []}).encode(), 400, "messages"),
    (json.dumps({"model": "auto", "messages": "x"}).encode(), 400, "messages"),
    (json.dumps(chat(5)).encode(), 400, "messages[0].content"),
    (json.dumps(chat(temperature=9)).encode(), 400, "temperature"),
    (json.dumps(chat(max_tokens="many")).encode(), 400, "max_tokens"),
    (json.dumps(chat(stream="yes")).encode(), 400, "stream"),
    (json.dumps(chat(model="gpt-99")).encode(), 404, "model"),
]


@pytest.mark.parametrize(("body", "status", "param"), BAD, ids=range(len(BAD)))
async def test_bad_input_is_a_typed_error(
    shared_gateway: Gateway, body: bytes, status: int, param: str | None
) -> None:
    async with shared_gateway.http.post("/v1/chat/completions", data=body) as r:
        error = (await r.json())["error"]
        assert r.status == status
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    if param:
        assert error["param"] == param


async def test_bodies_are_bounded(shared_gateway: Gateway) -> None:
    http = shared_gateway.http
    big = chat("x" * 10_000_000)
    body = io.BytesIO(json.dumps(big).encode())
    async with http.post("/v1/chat/completions", data=body) as r:
        assert r.status == 400, "10 MB are read, and are too long for every model"
        assert (await r.json())["error"]["code"] == "context_length_exceeded"
    async with http.post("/v1/chat/completions", data=io.BytesIO(b"x" * 40_000_000)) as r:
        assert r.status == 413
    bomb = gzip.compress(b"x" * 200_000_000)
    async with http.post(
        "/v1/chat/completions", data=bomb, headers={"content-encoding": "gzip"}
    ) as r:
        assert r.status == 413


async def test_gzip_and_chunked_bodies_are_read(shared_gateway: Gateway) -> None:
    packed = gzip.compress(json.dumps(chat("!say fine")).encode())

    async def pieces() -> Any:
        for i in range(0, len(packed), 7):
            yield packed[i : i + 7]

    async with shared_gateway.http.post(
        "/v1/chat/completions", data=pieces(), headers={"content-encoding": "gzip"}
    ) as r:
        assert (await r.json())["choices"][0]["message"]["content"] == "fine"


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/chat/completions", "/v1/chat/completions/"]
)
async def test_the_path_is_found_with_and_without_prefix(
    shared_gateway: Gateway, path: str
) -> None:
    async with shared_gateway.http.post(path, json=chat()) as r:
        assert r.status == 200


UPSTREAM_TROUBLE = [
    ("!status 400", 400),
    ("!status 404", 404),
    ("!status 422", 422),
    ("!status 500", 502),
    ("!status 503", 502),
    ("!status 429 retry=30", 429),
    ("!garbage", 502),
    ("!empty", 502),
    ("!hang", 504),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("script", "status"), UPSTREAM_TROUBLE)
async def test_upstream_trouble_has_the_right_status(
    shared_gateway: Gateway, script: str, status: int, stream: bool
) -> None:
    async with shared_gateway.http.post(
        "/v1/chat/completions", json=chat(script, model="big", stream=stream)
    ) as r:
        assert r.status == status
        assert r.content_type == "application/json"
        assert (await r.json())["error"]["message"]
        assert KEY not in await r.text()
        if "retry" in script:
            assert r.headers["retry-after"] == "30"


async def test_an_error_event_before_the_first_byte_is_a_status(shared_gateway: Gateway) -> None:
    async with shared_gateway.http.post(
        "/v1/chat/completions", json=chat("!error-event", model="big", stream=True)
    ) as r:
        assert r.status == 502


async def test_a_stream_that_breaks_ends_with_an_error_event(shared_gateway: Gateway) -> None:
    async with shared_gateway.http.post(
        "/v1/chat/completions", json=chat("!half one two", model="big", stream=True)
    ) as r:
        assert r.status == 200
        frames = (await r.text()).strip().split("\n\n")
    last = json.loads(frames[-1].removeprefix("data: "))
    assert "error" in last
    assert "[DONE]" not in frames[-1]


async def test_a_passing_failure_is_retried(gateway: Gateway) -> None:
    gateway.frontier.fail_times = 1
    async with gateway.http.post("/v1/chat/completions", json=chat(model="big")) as r:
        assert r.status == 200
    assert len(gateway.frontier.received) == 2


async def test_a_frontier_that_is_down_falls_back_to_the_local_model(gateway: Gateway) -> None:
    gateway.local.fail_times = 1
    gateway.frontier.fail_times = 2
    async with gateway.http.post("/v1/chat/completions", json=chat()) as r:
        assert r.status == 502, "both failed"


@pytest.mark.parametrize("model", ["small", "big"])
@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_before_the_first_byte_cancels_the_work_within_a_second(
    gateway: Gateway, model: str, stream: bool
) -> None:
    side = gateway.local if model == "small" else gateway.frontier
    body = chat("!hang", model=model, stream=stream)
    asking = asyncio.create_task(gateway.http.post("/v1/chat/completions", json=body).__aenter__())
    await side.asked.wait()
    asking.cancel()
    await asyncio.wait_for(side.abandoned.wait(), 1)


@pytest.mark.parametrize("model", ["small", "big"])
async def test_leaving_a_stream_cancels_the_work_within_a_second(
    gateway: Gateway, model: str
) -> None:
    side = gateway.local if model == "small" else gateway.frontier
    body = chat("!slow " + "word " * 30, model=model, stream=True)
    async with gateway.http.post("/v1/chat/completions", json=body) as r:
        await r.content.readany()
        r.close()
    await asyncio.wait_for(side.abandoned.wait(), 1)


async def test_models_are_listed_and_shown(shared_gateway: Gateway) -> None:
    async with sdk(shared_gateway) as client:
        names = [model.id async for model in client.models.list()]
        assert names == ["auto", "local", "small", "big", "static"]
        assert (await client.models.retrieve("big")).id == "big"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-99")


async def test_what_is_under_way_is_counted(gateway: Gateway) -> None:
    """What replicas are added for (deploy/helm): the place is given back with the answer."""

    async def in_flight() -> float:
        async with gateway.http.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        names = ("shortstop_requests_in_flight", "shortstop_requests_waiting")
        running, waiting = (
            float(next(line for line in lines if line.startswith(name)).split()[-1])
            for name in names
        )
        assert waiting == 0
        return running

    assert await in_flight() == 0

    async def ask() -> int:
        body = chat("!wait", model="small")
        async with gateway.http.post("/v1/chat/completions", json=body) as answer:
            return answer.status

    gateway.local.asked.clear()
    asking = asyncio.create_task(ask())
    await gateway.local.asked.wait()
    assert await in_flight() == 1
    gateway.local.go.set()
    assert await asking == 200
    assert await in_flight() == 0


async def test_health_ready_and_metrics(shared_gateway: Gateway) -> None:
    http = shared_gateway.http
    async with http.get("/health") as r:
        assert (await r.json())["status"] == "ok"
    async with http.get("/ready") as r:
        assert (await r.json())["ready"] is True
    async with http.get("/metrics") as r:
        assert "shortstop_requests_total" in await r.text()
    async with http.get("/nowhere") as r:
        assert r.status == 404
        assert (await r.json())["error"]["code"] == "not_found"
    async with http.get("/v1/chat/completions") as r:
        assert r.status in (404, 405)


async def test_reload_swaps_the_configuration_and_a_bad_file_changes_nothing(
    gateway: Gateway,
) -> None:
    gateway.configure(more="[upstreams.vendor.models.bigger]\n")
    async with gateway.http.post("/admin/reload", headers=gateway.admin) as r:
        assert r.status == 200
        assert "bigger" in (await r.json())["reloaded"]
    gateway.config_file.write_text("[server]\nprot = 1")
    async with gateway.http.post("/admin/reload", headers=gateway.admin) as r:
        assert r.status == 400
        assert "line 2" in (await r.json())["error"]["message"]
    async with gateway.http.post("/v1/chat/completions", json=chat(model="bigger")) as r:
        assert r.status == 200


async def test_sighup_reloads(gateway: Gateway) -> None:
    gateway.configure(more="[upstreams.vendor.models.bigger]\n")
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)
    await gateway.logged(b"configuration reloaded")
    async with gateway.http.get("/v1/models/bigger") as r:
        assert r.status == 200


async def test_sigterm_lets_running_answers_finish(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        async with gateway.http.post(
            "/v1/chat/completions", json=chat("!slow a b c", model="big", stream=True)
        ) as r:
            await r.content.readany()
            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(gateway.process.wait(), 10)


async def test_kill_nine_loses_no_delivered_row(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for i in range(25):
            async with gateway.http.post("/v1/chat/completions", json=chat(f"!say {i}")) as r:
                await r.read()
        broken = await gateway.http.post(
            "/v1/chat/completions", json=chat("!slow a b c", model="big", stream=True)
        )
        await broken.content.readany()
        await gateway.kill()
        await gateway.start()
        await gateway.logged(b"recovered from journals")
        rows = gateway.rows()
    assert len([row for row in rows if row[0] == "ok"]) == 25
    assert [r for r in rows if r[0] not in ("ok", "shadow")] == [("interrupted", "big")]


async def test_secrets_and_prompts_stay_out_of_the_log(gateway: Gateway) -> None:
    for script in ("!garbage SECRETPROMPT", "!status 500 SECRETPROMPT"):
        async with gateway.http.post("/v1/chat/completions", json=chat(script, model="big")):
            pass
    assert KEY.encode() not in gateway.log
    assert b"SECRETPROMPT" not in gateway.log


async def test_a_stopped_gateway_leaves_its_books_in_order(gateway: Gateway) -> None:
    for i in range(5):
        async with gateway.http.post("/v1/chat/completions", json=chat(f"!say {i}")) as answer:
            assert answer.status == 200
    await gateway.stop()
    assert (gateway.home / "brain.bin").exists(), "what was learned is saved"
    assert list((gateway.home / "traces.db.journal").glob("*.log")) == []
    assert not (gateway.home / "traces.db-wal").exists()
    assert gateway.process is not None
    assert gateway.process.returncode == 0


async def test_beyond_its_limit_the_gateway_refuses_at_once(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, server="max_in_flight = 1") as gateway:
        hanging = asyncio.create_task(
            gateway.http.post("/v1/chat/completions", json=chat("!hang", model="big"))
        )
        await gateway.frontier.asked.wait()
        async with gateway.http.post("/v1/chat/completions", json=chat("hi")) as answer:
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert (await answer.json())["error"]["code"] == "overloaded"
        hanging.cancel()
        await gateway.frontier.abandoned.wait()
        async with asyncio.timeout(5):
            while True:
                async with gateway.http.post("/v1/chat/completions", json=chat("hi")) as answer:
                    if answer.status == 200:
                        break


async def test_a_judge_grades_drawn_pairs_and_is_on_the_books(tmp_path: Path) -> None:
    more = '[judge]\ntarget = "big"\nrate = 1.0\n'
    async with running_gateway(tmp_path, more=more) as gateway:
        async with gateway.http.post("/v1/chat/completions", json=chat("!say hello")) as answer:
            assert answer.headers["x-shortstop-target"] == "big"
        for _ in range(200):
            rows = [r for r in gateway.rows() if r[0] == "shadow"]
            if len(rows) == 3:
                break
            await asyncio.sleep(0.02)
        await gateway.stop()
        told = await asyncio.to_thread(contract, gateway)
    assert sorted(r[1] for r in rows) == ["big", "big", "small"]
    assert [(t["pairs"], t["mean_loss"]) for t in told["tasks"].values()] == [(1, 0.0)]
    assert told["overall"]["default"]["pairs"] == 1


async def test_a_conversation_is_erased_on_request(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        headers = {"x-shortstop-conversation": "c/7"}
        async with gateway.http.post(
            "/v1/chat/completions", json=chat("!say the walrus", model="big"), headers=headers
        ) as answer:
            assert answer.status == 200
        async with gateway.http.post(
            "/v1/responses", json={"model": "big", "input": "!say the walrus"}, headers=headers
        ) as answer:
            kept = (await answer.json())["id"]
        async with gateway.http.delete(
            "/admin/conversations/default/c/7", headers=gateway.admin
        ) as answer:
            erased = {"surrogates": False, "traces": 2, "responses": 1, "answers": 0, "files": 0}
            assert await answer.json() == {"erased": erased}
        async with gateway.http.get(f"/v1/responses/{kept}") as answer:
            assert answer.status == 404
        await gateway.stop()
    files = [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".toml"]
    assert not [p.name for p in files if b"the walrus" in p.read_bytes()]


async def test_with_a_key_nothing_readable_is_kept(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SHORTSTOP_TRACES_KEY", "a key of the operator's")
    async with running_gateway(tmp_path) as gateway:
        async with gateway.http.post(
            "/v1/chat/completions", json=chat("!say the walrus", model="big")
        ) as answer:
            assert answer.status == 200
        async with gateway.http.post(
            "/v1/responses", json={"model": "big", "input": "!say the walrus"}
        ) as answer:
            assert answer.status == 200
        await gateway.stop()
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert not [p.name for p in files if b"the walrus" in p.read_bytes()]


async def test_redacted_content_holds_labels_in_place_of_values(tmp_path: Path) -> None:
    more = '[traces]\ncontent = "redacted"\nsensitive_content = "redacted"\n'
    async with running_gateway(tmp_path, more=more) as gateway:
        async with gateway.http.post(
            "/v1/chat/completions", json=chat("!say mail to jane.doe@acme-corp.com now")
        ) as answer:
            assert answer.headers["x-shortstop-tier"] == "S2"
        await gateway.stop()
    seal = Seal(*read_keys(tmp_path / "content.key"))
    kept = [
        json.dumps([one.request, str(one.response)])
        for one in TraceReader(SqliteReports(tmp_path / "traces.db"), seal).traces()
    ]
    assert kept
    assert not [one for one in kept if "jane.doe@acme-corp.com" in one]
    assert any("mail to [EMAIL] now" in one for one in kept)


REPLY_RULES = """
[privacy.policies.default]
[[privacy.policies.default.rules]]
action = "allow"
labels = ["EMAIL"]
[[privacy.policies.default.rules]]
action = "redact"
labels = ["EMAIL"]
direction = "reply"
"""


@pytest.mark.parametrize("stream", [False, True])
async def test_replies_are_read_where_a_policy_says_so(tmp_path: Path, stream: bool) -> None:
    async with running_gateway(tmp_path, more=REPLY_RULES) as gateway:
        asked = chat("!say write to jane.doe@acme-corp.com today", model="big", stream=stream)
        async with gateway.http.post("/v1/chat/completions", json=asked) as answer:
            assert answer.status == 200
            said = await answer.text()
    assert "jane.doe" not in said
    assert "[EMAIL]" in said
