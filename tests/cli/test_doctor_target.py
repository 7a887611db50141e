"""`shortstop doctor --target`: what is said of a model server, and of what is none."""

from __future__ import annotations

import json

import pytest

from shortstop.cli import doctor_target
from shortstop.serving.engines.probe import ServerSpeed
from tests.cli.conftest import Shortstop

URL = "http://127.0.0.1:9/v1"
SPEED = ServerSpeed("qwen", 0.25, 0.2, 90.0, 8, 400.0, 0.9)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, int]]:
    asked: list[tuple[str | None, int]] = []

    async def measured(
        url: str, model: str | None, key: str | None, at_once: int
    ) -> tuple[list[str], ServerSpeed]:
        asked.append((model, at_once))
        return ["qwen", "other"], SPEED

    monkeypatch.setattr(doctor_target, "_measured", measured)
    return asked


def test_a_server_is_told_with_the_lines_that_use_it(
    shortstop: Shortstop, server: list[tuple[str | None, int]]
) -> None:
    result = shortstop("doctor", "--target", URL, "--model", "qwen", "--at-once", "4")
    assert result.code == 0
    for said in ("250 ms", "200 ms", "90 tokens/s", "400 tokens/s", f'url = "{URL}"'):
        assert said in result.out
    assert "prefix cache" in result.out, "what is known takes nearly as long"
    assert server == [("qwen", 4)]


def test_machines_read_the_same(shortstop: Shortstop, server: list[tuple[str | None, int]]) -> None:
    told = json.loads(shortstop("doctor", "--target", URL, "--json").out)
    assert told["speed"]["tokens_per_second_together"] == 400.0
    assert told["remembers_prompts"] is False
    assert server == [(None, 8)]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["--target", URL], "could not be measured"),
        (["--target", "https://api.example.com/v1"], "private network"),
        (["--target", "127.0.0.1"], "127.0.0.1"),
        (["--target", URL, "--key-env", "NOPE"], "has no NOPE"),
    ],
)
def test_what_cannot_be_measured_is_said_in_words(
    shortstop: Shortstop, command: list[str], said: str
) -> None:
    result = shortstop("doctor", *command)
    assert result.code == 2
    assert said in result.err
