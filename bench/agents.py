"""Recorded runs of agents through a real gateway: recognised, held to limits, paid.

    python -m bench.agents [--data DIR] [--steps 20] [--at-once 8] [--json]

DIR holds parquet files with the columns id, task_id, reward and messages (JSON in OpenAI's chat
form). Each run is replayed request by request, without a header that names it; a scripted upstream
behind real HTTP plays the recorded answers and counts tokens as characters / 4, those that the
request before had as cached. Runs of one task go on at the same time, so that those which begin
alike overlap. Three gateways, one after the other: with a limit of steps and repeated calls
refused; then with each alone, for the runs that both ended. How each run ended is told to the
gateway as feedback; what it cost is read in its report. Intervals are 95% bootstraps over tasks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.processes import free_port, listening, module, running

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "tasks" / "agents"
DRAWS = 2000
PRICES = {"input": 2.5, "cache_read": 1.25, "output": 10.0}
"""US dollars per million tokens: gpt-4o's, with which the runs were recorded."""
CONFIG = """
[server]
port = {port}
[models.unasked]
url = "http://127.0.0.1:{upstream}"
[upstreams.scripted]
base_url = "http://127.0.0.1:{upstream}/v1"
api_key_env = "SCRIPTED_KEY"
retries = 0
baa = true
[upstreams.scripted.models.recorded]
[prices.recorded]
input = {input}
cache_read = {cache_read}
output = {output}
[privacy]
timeout = 60
[privacy.policies.default]
rules = [
  {{ action = "allow", tier = "S1" }}, {{ action = "allow", tier = "S2" }},
  {{ action = "allow", tier = "S3" }},
]
[runs]
{runs}
"""
Json = dict[str, Any]
Interval = tuple[float, float, float]
"""A figure with the ends of its interval."""


# ---------------------------------------------------------------- the recorded runs


@dataclass(frozen=True)
class Step:
    """A request of a run, and the recorded answer. Tokens are characters / 4."""

    messages: list[Json]
    answer: Json
    prompt: int
    cached: int
    completion: int

    @property
    def usd(self) -> float:
        fresh = self.prompt - self.cached
        used = {"input": fresh, "cache_read": self.cached, "output": self.completion}
        return sum(PRICES[kind] * count for kind, count in used.items()) / 1e6


@dataclass(frozen=True)
class RecordedRun:
    id: str
    task: str
    solved: bool
    steps: tuple[Step, ...]


def recorded_run(row: Json) -> RecordedRun:
    messages, steps, before = json.loads(row["messages"]), [], 0
    for number, message in enumerate(messages):
        if message["role"] == "assistant":
            prompt = _tokens(messages[:number])
            steps.append(Step(messages[:number], message, prompt, before, _tokens(message)))
            before = prompt
    solved = float(row["reward"]) >= 0.5
    return RecordedRun(str(row["id"]), str(row["task_id"]), solved, tuple(steps))


def load(folder: Path) -> list[RecordedRun]:
    """All runs with a step, those of one task together. Raises SystemExit where there are none."""
    import pyarrow.parquet as parquet

    rows = [row for path in sorted(folder.glob("*.parquet")) for row in _rows(parquet, path)]
    runs = [run for run in map(recorded_run, rows) if run.steps]
    if not runs:
        raise SystemExit(f"There are no runs in {folder}; name a folder of them with --data.")
    return sorted(runs, key=lambda run: run.task)


def _rows(parquet: Any, path: Path) -> list[Json]:
    rows: list[Json] = parquet.read_table(path).to_pylist()
    return rows


def _tokens(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False)) // 4


def tools_of(runs: Iterable[RecordedRun]) -> list[Json]:
    """A tool for each name that was called; the data does not say what they take."""
    messages = [step.answer for run in runs for step in run.steps]
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    names = sorted({call["function"]["name"] for call in calls})
    schema = {"type": "object", "additionalProperties": True}
    return [{"type": "function", "function": {"name": n, "parameters": schema}} for n in names]


# ---------------------------------------------------------------- the upstream


class Player:
    """Answers a request with the step whose number it carries as its seed."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    async def chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        step = self._steps[body["seed"]]
        calls = step.answer.get("tool_calls")
        choice = {"index": 0, "message": step.answer, "logprobs": None}
        answer = {
            "id": "chatcmpl-recorded",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{**choice, "finish_reason": "tool_calls" if calls else "stop"}],
            "usage": {
                "prompt_tokens": step.prompt,
                "completion_tokens": step.completion,
                "total_tokens": step.prompt + step.completion,
                "prompt_tokens_details": {"cached_tokens": step.cached},
            },
        }
        return web.json_response(answer)


@asynccontextmanager
async def playing(player: Player, port: int) -> Any:
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", player.chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


# ---------------------------------------------------------------- replaying


@dataclass
class Replay:
    """What became of one run: the steps that were answered, under which names, and what ended it
    before its time."""

    run: RecordedRun
    names: list[str] = field(default_factory=list)
    refused: str | None = None
    failed: str | None = None

    @property
    def solved(self) -> bool:
        return self.run.solved and self.refused is None

    @cached_property
    def prompt(self) -> tuple[int, int]:
        """Input tokens of the steps that were answered, and of all that were recorded."""
        tokens = [step.prompt for step in self.run.steps]
        return sum(tokens[: len(self.names)]), sum(tokens)

    @cached_property
    def usd(self) -> tuple[float, float]:
        """The same in US dollars, with the answers."""
        money = [step.usd for step in self.run.steps]
        return sum(money[: len(self.names)]), sum(money)


async def replay(
    session: aiohttp.ClientSession, run: RecordedRun, first: int, tools: list[Json]
) -> Replay:
    """Ask step by step, as the agent did, until the gateway ends it; then say how it ended."""
    done = Replay(run)
    for number, step in enumerate(run.steps):
        body = {
            "model": "recorded",
            "messages": step.messages,
            "tools": tools,
            "seed": first + number,
        }
        async with session.post("/v1/chat/completions", json=body) as answer:
            said = await answer.json()
            if answer.status != 200:
                code = said["error"]["code"]
                done.refused = code if code == "run_budget_exceeded" else None
                done.failed = None if done.refused else f"{answer.status} {code}"
                break
            done.names.append(answer.headers["x-shortstop-run"])
        message = said["choices"][0]["message"]
        if len(message.get("tool_calls") or ()) < len(step.answer.get("tool_calls") or ()):
            done.refused = "repeated_call"
            break
    if done.names:
        outcome = {"run": done.names[-1], "score": float(done.solved)}
        async with session.post("/v1/feedback", json=outcome) as answer:
            if answer.status != 200:
                done.failed = f"feedback {answer.status}"
    return done


Replayed = tuple[list[Replay], Json]
"""The replays, and what the gateway's report says of its runs."""


async def replay_all(
    runs: Sequence[RecordedRun], limits: str, at_once: int, tick: Callable[[], None]
) -> Replayed:
    """Through a gateway of their own with these `[runs]`; each replay, and the gateway's report."""
    steps = [step for run in runs for step in run.steps]
    firsts, count = [], 0
    for run in runs:
        firsts.append(count)
        count += len(run.steps)
    tools, gate = tools_of(runs), asyncio.Semaphore(at_once)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home, port, upstream = Path(folder), free_port(), free_port()
        config = home / "shortstop.toml"
        config.write_text(CONFIG.format(port=port, upstream=upstream, runs=limits, **PRICES))
        env = {"SHORTSTOP_HOME": folder, "SCRIPTED_KEY": "key-of-the-scripted-upstream"}
        log = home / "log.txt"
        serve = module("shortstop", "serve", "--config", str(config))
        async with playing(Player(steps), upstream):
            child = stack.enter_context(running(serve, log, env=env))
            await listening(port, child, log)
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

                async def one(run: RecordedRun, first: int) -> Replay:
                    async with gate:
                        done = await replay(session, run, first, tools)
                    tick()
                    return done

                made = await asyncio.gather(*map(one, runs, firsts))
            child.terminate()
            await asyncio.to_thread(child.wait, 60)
        return made, await _report(config, env)


async def _report(config: Path, env: dict[str, str]) -> Json:
    """What `shortstop report --json` says of runs."""
    command = module("shortstop", "report", "--json", "--config", str(config))
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, **env}
    )
    out, _ = await child.communicate()
    report: Json = json.loads(out)["runs"]
    return report


# ---------------------------------------------------------------- figures


Figure = Callable[[Sequence[Replay]], float]


def recognition(replays: Sequence[Replay]) -> Json:
    """Of the steps that continue a run: how many got its name (recall); of those that got the name
    of an earlier step, how many that of their own run (precision)."""
    owner: dict[str, str] = {}
    continuing = kept = joined = right = 0
    for one in replays:
        for before, name in zip(one.names, one.names[1:], strict=False):
            continuing += 1
            kept += name == before
    users: dict[str, set[str]] = {}
    for one in replays:
        for name in one.names:
            users.setdefault(name, set()).add(one.run.id)
    for one in replays:
        for number, name in enumerate(one.names):
            shared = len(users[name]) > 1
            if number or (shared and owner.get(name, one.run.id) != one.run.id):
                joined += 1
                right += not shared
            owner.setdefault(name, one.run.id)
    whole = sum(len(set(one.names)) == 1 for one in replays)
    alone = sum(all(len(users[name]) == 1 for name in one.names) for one in replays)
    return {
        "runs": len(replays),
        "steps": sum(len(one.names) for one in replays),
        "continuing": continuing,
        "recall": kept / continuing if continuing else None,
        "precision": right / joined if joined else None,
        "whole_runs": whole,
        "runs_that_share_no_name": alone,
    }


def bootstrapped(replays: Sequence[Replay], figure: Figure) -> Interval:
    """`figure` with its 95% interval, tasks drawn with replacement."""
    tasks: dict[str, list[Replay]] = {}
    for one in replays:
        tasks.setdefault(one.run.task, []).append(one)
    groups, chance = list(tasks.values()), random.Random(0)
    drawn = sorted(
        figure([one for group in chance.choices(groups, k=len(groups)) for one in group])
        for _ in range(DRAWS)
    )
    return figure(replays), drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS)]


def input_saved(replays: Sequence[Replay]) -> float:
    """The share of the recorded input that these replays did not take."""
    return 1 - sum(one.prompt[0] for one in replays) / sum(one.prompt[1] for one in replays)


def money_saved(replays: Sequence[Replay]) -> float:
    return 1 - sum(one.usd[0] for one in replays) / sum(one.usd[1] for one in replays)


def lost(replays: Sequence[Replay]) -> float:
    """The share of recorded successes that were ended before their time."""
    solved = sum(one.run.solved for one in replays)
    return 1 - sum(one.solved for one in replays) / solved if solved else 0.0


def per_solved(replays: Sequence[Replay]) -> float:
    """US dollars for each solved run, failed ones included."""
    solved = sum(one.solved for one in replays)
    return sum(one.usd[0] for one in replays) / solved if solved else float("inf")


def figures(replays: Sequence[Replay], report: Json) -> Json:
    ended = [one for one in replays if one.refused]
    return {
        "runs": len(replays),
        "steps": sum(len(one.names) for one in replays),
        "ended": len(ended),
        "ended_that_had_been_solved": sum(one.run.solved for one in ended),
        "loops_refused": sum(one.refused == "repeated_call" for one in replays),
        "failed": sorted({one.failed for one in replays if one.failed}),
        "input_saved": bootstrapped(replays, input_saved),
        "money_saved": bootstrapped(replays, money_saved),
        "successes_lost": bootstrapped(replays, lost),
        "usd_per_solved": bootstrapped(replays, per_solved),
        "usd": sum(one.usd[0] for one in replays),
        "report": report,
    }


def show(result: Json, console: Console) -> None:
    seen = result["recognition"]
    console.print(
        f"{seen['runs']} runs, {seen['steps']} steps, none named: recall {seen['recall']:.4f},"
        f" precision {seen['precision']:.4f} over {seen['continuing']} continuing steps;"
        f" {seen['whole_runs']} runs under one name, {seen['runs_that_share_no_name']} under none"
        " of another run."
    )
    table = Table("what is refused", "ended", "of them solved", "input saved", "money saved")
    for head in ("successes lost", "$ per solved", "report: $ per solved"):
        table.add_column(head)
    for name, one in result["modes"].items():
        table.add_row(
            name,
            str(one["ended"]),
            str(one["ended_that_had_been_solved"]),
            _percent(one["input_saved"]),
            _percent(one["money_saved"]),
            _percent(one["successes_lost"]),
            "{:.4f} [{:.4f}, {:.4f}]".format(*one["usd_per_solved"]),
            str(one["report"].get("cost_per_solved", "")),
        )
    console.print(table)
    for name, one in result["modes"].items():
        if one["failed"]:
            console.print(f"{name}: answers that failed: {', '.join(one['failed'])}", style="red")


def _percent(figure: Interval) -> str:
    return "{:.1%} [{:.1%}, {:.1%}]".format(*figure)


async def measured(runs: Sequence[RecordedRun], steps: int, at_once: int) -> Json:
    """Both rules over all runs; each alone over those that both together ended, for a rule ends no
    run that it does not end together with another."""
    loops, limit = "max_same_call = 2", f"max_steps = {steps}"
    none = "max_same_call = 0"
    with Progress(console=Console(stderr=True)) as progress:

        async def through(name: str, limits: str, some: Sequence[RecordedRun]) -> Replayed:
            bar = progress.add_task(name, total=len(some))
            return await replay_all(some, limits, at_once, partial(progress.advance, bar))

        both, report = await through("both", f"{loops}\n{limit}", runs)
        ended = [one.run for one in both if one.refused]
        alone = {
            f"step {steps + 1}": await through("steps", f"{none}\n{limit}", ended),
            "third call": await through("calls", loops, ended),
        }
    whole = [Replay(run, ["" for _ in run.steps]) for run in runs]
    modes = {"nothing": figures(whole, {})}
    for name, (made, _) in alone.items():
        again = {one.run.id: one for one in made}
        modes[name] = figures([again.get(one.run.id, one) for one in whole], {})
    modes["both"] = figures(both, report)
    return {"recognition": recognition(both), "modes": modes}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of parquet files")
    parser.add_argument("--steps", type=int, default=20, help="the limit of steps that is tried")
    parser.add_argument("--at-once", type=int, default=8, help="runs under way at the same time")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    args = parser.parse_args()
    result = asyncio.run(measured(load(args.data), args.steps, args.at_once))
    if args.json:
        json.dump(result, sys.stdout, indent=1)
        return
    show(result, Console(width=160))


if __name__ == "__main__":
    main()
