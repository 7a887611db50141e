"""What an OpenAI-dialect agent on Claude pays a run, with and without injected cache breakpoints.

    python -m bench.prompt_cache [--data DIR] [--model claude-opus-5-5] [--json]

Each step of each recorded run is encoded as the gateway sends it. The vendor's cache is played as
it documents it: at each breakpoint the prompt so far is written, and a request reads the longest
prefix that was written before within its own run and ends at one of its breakpoints or up to 20
blocks before one; below 1,024 tokens nothing is cached. Tokens are characters / 4, answers as
recorded. Five minutes are never over here: an agent that pauses longer pays more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.agents import DATA, RecordedRun, load, tools_of
from shortstop import dialects
from shortstop.ledger import price_sheet
from shortstop.types import Usage

Json = dict[str, Any]
LEAST, LOOKBACK = 1024, 20
MARK = "cache_control"


def blocks_of(body: Json) -> list[tuple[str, bool]]:
    """What is cached in its order, block by block, and whether each is marked."""
    parts: list[Json] = [*body.get("tools", ()), *_blocks(body.get("system"))]
    for message in body["messages"]:
        parts += [{"role": message["role"], **block} for block in _blocks(message["content"])]
    plain = [{k: v for k, v in part.items() if k != MARK} for part in parts]
    texts = [json.dumps(part, ensure_ascii=False) for part in plain]
    return [(text, MARK in part) for text, part in zip(texts, parts, strict=True)]


def _blocks(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


class PlayedCache:
    """The prefixes that were written in one run, by their blocks."""

    def __init__(self) -> None:
        self._written: set[tuple[str, ...]] = set()

    def usage(self, body: Json, output: int) -> Usage:
        blocks = blocks_of(body)
        texts = [text for text, _ in blocks]
        ends = [0]
        for text in texts:
            ends.append(ends[-1] + len(text) / 4)  # type: ignore[arg-type]
        marks = [i + 1 for i, (_, marked) in enumerate(blocks) if marked and ends[i + 1] >= LEAST]
        tried = {n for mark in marks for n in range(max(1, mark - LOOKBACK), mark + 1)}
        read = max((n for n in tried if tuple(texts[:n]) in self._written), default=0)
        last = max([*marks, read], default=0)
        self._written |= {tuple(texts[:mark]) for mark in marks}
        return Usage(
            input=round(ends[-1] - ends[last]),
            cache_read=round(ends[read]),
            cache_write=round(ends[last] - ends[read]),
            output=output,
        )


def usages(run: RecordedRun, tools: list[Json], scope: str | None) -> list[Usage]:
    chat, claude, cache = (
        dialects.get("openai.chat"),
        dialects.get("anthropic.messages"),
        PlayedCache(),
    )
    made = []
    for step in run.steps:
        body = {"model": "auto", "messages": step.messages, "tools": tools}
        request = replace(chat.decode_request(body, "req"), cache_scope=scope)
        sent = json.loads(claude.encode_request(request, "claude"))
        made.append(cache.usage(sent, step.completion))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default="claude-opus-5-5")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    entry = price_sheet().entry(chosen.model)
    if entry is None:
        raise SystemExit(f"No price is known for {chosen.model}.")
    rates = entry.at(time.time()).rates
    runs = load(chosen.data)
    tools = tools_of(runs)
    figures: Json = {"runs": len(runs), "model": chosen.model}
    for name, scope in (("without", None), ("with", ""), ("with, per tenant", "a tenant")):
        bills, tokens = [], Usage()
        for run in runs:
            used = usages(run, tools, scope)
            tokens = sum(used, tokens)
            costs = [cost for usage in used if (cost := rates.cost(usage)) is not None]
            if len(costs) < len(used):
                raise SystemExit(f"The price of {chosen.model} does not cover all tokens.")
            bills.append(float(sum(costs)))
        figures[name] = {
            "usd_a_run": round(statistics.mean(bills), 4),
            "usd_a_run_median": round(statistics.median(bills), 4),
            "read_share": round(tokens.cache_read / max(tokens.prompt, 1), 3),
        }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
