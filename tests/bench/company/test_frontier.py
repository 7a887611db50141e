"""The recorded frontier speaks two dialects, knows its records, and counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.company.apps import App
from bench.company.clients import anthropic_body
from bench.company.frontier import UNKNOWN, Frontier, application, record
from bench.company.stream import Ask, Stream, plan
from bench.company.teacher import Teacher
from starlette.testclient import TestClient

KEY = {"authorization": "Bearer x"}


@pytest.fixture
def asks(apps: list[App]) -> dict[str, Ask]:
    """One of each kind."""
    calendar = plan(apps, 1, 1)
    teacher = Teacher(apps, calendar.policy, 0, 1)
    stream = Stream(apps, calendar, {"": teacher}, {app.kind: 4 for app in apps}, 1)
    return {ask.kind: ask for ask in stream.day(1) if ask.kind != "tools" or ask.gold}


@pytest.fixture
def files(tmp_path: Path, asks: dict[str, Ask]) -> tuple[Path, Path]:
    records, calls = tmp_path / "records", tmp_path / "calls"
    records.write_text("".join(json.dumps(record(ask)) + "\n" for ask in asks.values()))
    calls.touch()
    return records, calls


@pytest.fixture
def vendor(files: tuple[Path, Path]) -> TestClient:
    return TestClient(application(Frontier(*files, scale=0)), headers=KEY)


def openai(vendor: TestClient, ask: Ask, **more: Any) -> Any:
    return vendor.post("/v1/chat/completions", json={"model": "m", **ask.body, **more})


def test_every_kind_is_answered_in_openai_s_dialect(
    vendor: TestClient, asks: dict[str, Ask]
) -> None:
    for kind, ask in asks.items():
        message = openai(vendor, ask).json()["choices"][0]["message"]
        if kind == "tools":
            made = [
                {c["function"]["name"]: json.loads(c["function"]["arguments"])}
                for c in message["tool_calls"]
            ]
            assert made == json.loads(ask.teacher)
        else:
            assert message["content"] == ask.teacher


def test_every_kind_is_answered_in_anthropic_s_dialect(
    vendor: TestClient, asks: dict[str, Ask]
) -> None:
    for kind, ask in asks.items():
        body = {"model": "m", **anthropic_body(ask.body)}
        answer = vendor.post("/v1/messages", json=body).json()
        if kind == "tools":
            made = [{b["name"]: b["input"]} for b in answer["content"]]
            assert made == json.loads(ask.teacher)
            assert answer["stop_reason"] == "tool_use"
        else:
            assert answer["content"][0]["text"] == ask.teacher


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_streams_hold_the_same_words(vendor: TestClient, asks: dict[str, Ask], path: str) -> None:
    ask = asks["faq"]
    body = ask.body if path.endswith("completions") else anthropic_body(ask.body)
    said = ""
    for line in vendor.post(path, json={"model": "m", **body, "stream": True}).text.splitlines():
        if line.startswith("data: {"):
            frame = json.loads(line[6:])
            choices = frame.get("choices") or [{}]
            said += choices[0].get("delta", {}).get("content") or ""
            said += (frame.get("delta") or {}).get("text", "")
    assert said == ask.teacher


def test_it_wants_a_key(files: tuple[Path, Path], asks: dict[str, Ask]) -> None:
    vendor = TestClient(application(Frontier(*files, scale=0)))
    assert openai(vendor, asks["label"]).status_code == 401


def test_usage_is_declared_and_calls_are_counted(
    vendor: TestClient, files: tuple[Path, Path], asks: dict[str, Ask]
) -> None:
    for ask in (asks["label"], asks["faq"]):
        usage = openai(vendor, ask).json()["usage"]
        assert (usage["prompt_tokens"], usage["completion_tokens"]) == ask.tokens
        body = {"model": "m", **anthropic_body(ask.body)}
        usage = vendor.post("/v1/messages", json=body).json()["usage"]
        assert (usage["input_tokens"], usage["output_tokens"]) == ask.tokens
    lines = [json.loads(line) for line in files[1].read_text().splitlines()]
    assert {line["id"] for line in lines} == {asks["label"].id, asks["faq"].id}
    assert all(line["whole"] for line in lines)


def test_one_field_of_a_document_is_answered_alone(
    vendor: TestClient, asks: dict[str, Ask]
) -> None:
    ask = asks["extract"]
    schema = {"type": "object", "properties": {"total": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "f", "schema": schema}}
    messages = [{"role": "user", "content": f"Which total does this show?\n{ask.text}\nThanks."}]
    body = {"model": "m", "messages": messages, "response_format": wanted}
    said = vendor.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
    assert json.loads(said["content"]) == {"total": json.loads(ask.teacher)["total"]}


def test_an_unknown_request_gets_a_sentence_and_is_noted(
    vendor: TestClient, files: tuple[Path, Path]
) -> None:
    messages = [{"role": "user", "content": "never recorded"}]
    body = {"model": "m", "messages": messages}
    answer = vendor.post("/v1/chat/completions", json=body).json()
    assert answer["choices"][0]["message"]["content"] == UNKNOWN
    assert json.loads(files[1].read_text())["id"] is None


def test_records_that_come_later_are_found(
    vendor: TestClient, files: tuple[Path, Path], asks: dict[str, Ask]
) -> None:
    openai(vendor, asks["label"])
    row = {**record(asks["label"]), "answer": "other"}
    with files[0].open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert openai(vendor, asks["label"]).json()["choices"][0]["message"]["content"] == "other"
