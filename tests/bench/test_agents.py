"""The arithmetic of the agents' bench, over runs that are worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bench.agents import (
    RecordedRun,
    Replay,
    bootstrapped,
    figures,
    input_saved,
    lost,
    per_solved,
    recognition,
    recorded_run,
    tools_of,
)


def call(name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": "{}"}
    return {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": function}]}


def run(id: str, reward: float = 1.0, task: str = "t") -> RecordedRun:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "To Rome."},
        call("look"),
        {"role": "tool", "tool_call_id": "c", "content": "HAT1"},
        {"role": "assistant", "content": "Booked."},
        {"role": "user", "content": "Thanks."},
    ]
    return recorded_run(
        {"id": id, "task_id": task, "reward": reward, "messages": json.dumps(messages)}
    )


def test_a_step_is_what_was_said_before_an_answer() -> None:
    made = run("a")
    assert [len(step.messages) for step in made.steps] == [2, 4]
    assert [step.cached for step in made.steps] == [0, made.steps[0].prompt]
    assert made.steps[1].answer["content"] == "Booked."
    assert [tool["function"]["name"] for tool in tools_of([made])] == ["look"]


def test_recognition_counts_splits_and_joins() -> None:
    whole, split = Replay(run("a"), ["~1", "~1"]), Replay(run("b"), ["~2", "~3"])
    seen = recognition([whole, split])
    assert (seen["continuing"], seen["recall"], seen["whole_runs"]) == (2, 0.5, 1)
    assert seen["runs_that_share_no_name"] == 2
    joined = Replay(run("c"), ["~1", "~1"])
    seen = recognition([whole, joined])
    assert seen["recall"] == 1.0
    assert seen["precision"] < 1.0
    assert seen["runs_that_share_no_name"] == 0


def test_what_was_saved_and_lost() -> None:
    ended = Replay(run("a", task="x"), ["~1"], refused="repeated_call")
    whole, failed = Replay(run("b", task="y"), ["~2"] * 2), Replay(run("c", 0.0, "z"), ["~3"] * 2)
    replays = [ended, whole, failed]
    steps = ended.run.steps
    assert input_saved(replays) == pytest.approx(
        steps[1].prompt / (3 * (steps[0].prompt + steps[1].prompt))
    )
    assert lost(replays) == 0.5
    assert per_solved(replays) == pytest.approx(2 * whole.usd[1] + steps[0].usd)
    told = figures(replays, {})
    assert (told["ended"], told["ended_that_had_been_solved"], told["loops_refused"]) == (1, 1, 1)
    value, low, high = bootstrapped(replays, lost)
    assert low <= value <= high
