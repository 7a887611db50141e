"""Tool calls of the embedded model: are they valid, do they name the right tool, how long.

    make bench-tools           (or: python -m bench.tools [--json])

Sixty requests, twelve tools offered four at a time, through a real gateway with no frontier and the
official client. "Valid" means: an offered tool, arguments that its schema admits. "Right" means the
tool that the request was written for; a model of 135 million parameters is not good at that, which
is what the router is there for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from typing import Any

import jsonschema_rs
import openai

from bench.processes import ROOT, free_port, listening, module, running
from shortstop.evaluate.figures import wilson

WORK = ROOT / "var" / "tools"
CONFIG = """
[server]
port = {port}
[models.small]
source = "builtin"
[upstreams]
"""


def tool(name: str, about: str, /, **fields: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": schema},
    }


TEXT, NUMBER = {"type": "string", "maxLength": 60}, {"type": "integer"}
TOOLS = {
    t["function"]["name"]: t
    for t in (
        tool("get_weather", "The weather of a city.", city=TEXT, unit={"enum": ["C", "F"]}),
        tool("convert_money", "Convert money.", amount=NUMBER, source={"enum": ["USD", "EUR"]}),
        tool("send_email", "Send an e-mail.", to=TEXT, subject=TEXT),
        tool("set_alarm", "Set an alarm clock.", hour=NUMBER, minute=NUMBER),
        tool("play_music", "Play a song.", title=TEXT),
        tool("search_orders", "Find a customer's orders.", customer=TEXT),
        tool("create_ticket", "Open a support ticket.", title=TEXT,
             priority={"enum": ["low", "high"]}),
        tool("translate", "Translate a text.", text=TEXT, language={"enum": ["de", "fr", "es"]}),
        tool("book_table", "Book a restaurant table.", people=NUMBER, name=TEXT),
        tool("block_card", "Block a stolen card.", reason={"enum": ["lost", "stolen"]}),
        tool("add_event", "Put an event into the calendar.", title=TEXT, day=TEXT),
        tool("get_time", "What time it is in a place.", place=TEXT),
    )
}  # fmt: skip
ASKED = {
    "get_weather": ["Is it raining in Oslo?", "Weather in Rome in C", "How hot is Cairo?",
                    "Do I need a coat in Berlin?", "Temperature in Lima in F"],
    "convert_money": ["Convert 20 USD", "How much is 50 EUR in dollars?", "Change 5 USD to EUR",
                      "What are 100 dollars in euros?", "Exchange 70 EUR"],
    "send_email": ["Mail Ann that I am late", "Send an e-mail to Bob about lunch",
                   "Write an email to the team", "E-mail Carol the news", "Send Dan a mail"],
    "set_alarm": ["Wake me at 7:30", "Set an alarm for 6", "Alarm at 8:15 please",
                  "Wake me up at noon", "Set my alarm clock to 5:45"],
    "play_music": ["Play Yesterday", "Put on some jazz", "Play the song Hello",
                   "I want to hear Imagine", "Play music by Bach"],
    "search_orders": ["Orders of customer Miller", "What did Jane order?", "Find orders of Acme",
                      "Show the orders of Lee", "Look up the orders of Kim"],
    "create_ticket": ["Open a ticket: printer broken", "Create a high priority ticket for login",
                      "File a support ticket", "New ticket: no internet", "Ticket: app crashes"],
    "translate": ["Translate good morning to German", "How do you say thanks in French?",
                  "Translate cat into Spanish", "Hello in German?", "Say yes in French"],
    "book_table": ["Book a table for 4 for Smith", "Table for two tonight, name Jones",
                   "Reserve a table for 6", "I want to book dinner for 3", "A table for 5, Brown"],
    "block_card": ["My card was stolen", "Block my card, I lost it", "I lost my credit card",
                   "Somebody stole my card", "Please block my card"],
    "add_event": ["Put dentist on Monday in my calendar", "Add meeting on Friday",
                  "Schedule lunch on Tuesday", "Calendar: party on Sunday", "Add gym on Thursday"],
    "get_time": ["What time is it in Tokyo?", "Time in New York", "How late is it in Paris?",
                 "Tell me the time in Delhi", "What's the time in London?"],
}  # fmt: skip


def cases() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Tool wanted, request, tools offered: the wanted one among three others."""
    names = list(TOOLS)
    rows = []
    for i, (name, texts) in enumerate(ASKED.items()):
        for j, text in enumerate(texts):
            others = [names[(i + 1 + j + 3 * k) % len(names)] for k in range(4)]
            offered = [n for n in others if n != name][:3]
            offered.insert(j % 4, name)
            rows.append((name, text, [TOOLS[n] for n in offered]))
    return rows


async def ask(client: openai.AsyncOpenAI, choice: str) -> dict[str, Any]:
    """Send every case with this `tool_choice`; counts with 95% intervals, times in ms."""
    valid = right = called = 0
    spent = []
    for wanted, text, offered in cases():
        began = time.perf_counter()
        request: Any = {
            "model": "local",
            "messages": [{"role": "user", "content": text}],
            "tools": offered,
            "tool_choice": choice,
            "parallel_tool_calls": False,
            "max_tokens": 120,
        }
        done = await client.chat.completions.create(**request)
        spent.append(time.perf_counter() - began)
        calls = done.choices[0].message.tool_calls or []
        called += bool(calls)
        valid += len(calls) == 1 and _valid(calls[0].function, offered)
        right += len(calls) == 1 and calls[0].function.name == wanted
    n = len(spent)
    return {
        "tool_choice": choice,
        "n": n,
        "called": called,
        "valid": valid,
        "valid_interval": wilson(valid, n),
        "right": right,
        "right_interval": wilson(right, n),
        "p50_ms": 1e3 * statistics.median(spent),
        "p95_ms": 1e3 * sorted(spent)[int(0.95 * n)],
    }


def _valid(called: Any, offered: list[dict[str, Any]]) -> bool:
    schemas = {t["function"]["name"]: t["function"]["parameters"] for t in offered}
    try:
        return bool(jsonschema_rs.is_valid(schemas[called.name], json.loads(called.arguments)))
    except (KeyError, ValueError):
        return False


async def run() -> list[dict[str, Any]]:
    WORK.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (WORK / "shortstop.toml").write_text(CONFIG.format(port=port))
    command, log = module("shortstop", "serve", "--config", "shortstop.toml"), WORK / "log.txt"
    last_core = (os.cpu_count() or 1) - 1
    with running(command, log, core=last_core, cwd=WORK) as gateway:
        await listening(port, gateway, log)
        async with openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key="unused"
        ) as client:
            return [await ask(client, choice) for choice in ("required", "auto")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tool calls of the embedded model.")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = asyncio.run(run())
    if args.json:
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        for row in rows:
            sys.stdout.write(
                f"tool_choice {row['tool_choice']}: {row['called']} of {row['n']} called, "
                f"{row['valid']} valid {row['valid_interval']}, {row['right']} right "
                f"{row['right_interval']}, p50 {row['p50_ms']:.0f} ms, p95 {row['p95_ms']:.0f} ms\n"
            )
