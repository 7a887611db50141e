"""Requests to an assistant with three tools, and some that no tool answers."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np

from shortstop.flywheel.examples import Example
from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.query import Query
from shortstop.types import Json, Tool

CITIES = ["Lisbon", "Porto", "Berlin", "Oslo", "New York", "Paris", "Leeds", "Vienna"]
NAMES = ["Acme Corp", "Ann Lee", "Globex", "Silva & Filhos", "Initech", "Bob"]


def _schema(**properties: Json) -> Json:
    required = [name for name, about in properties.items() if not about.pop("optional", False)]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


TOOLS = (
    Tool(
        "weather",
        "Weather in a city",
        _schema(city={"type": "string"}, day={"type": "string", "optional": True}),
    ),
    Tool(
        "call",
        "Call somebody",
        _schema(
            who={"type": "string"},
            priority={"type": "string", "enum": ["low", "high"], "optional": True},
        ),
    ),
    Tool("order", "Order paper", _schema(packs={"type": "integer"})),
)
TODAY = date(2026, 3, 4)


def requests(n: int, seed: int = 0) -> list[Example]:
    draws = np.random.default_rng(seed)

    def one(words: list[str]) -> str:
        return words[draws.integers(len(words))]

    out = []
    while len(out) < n:
        kind = draws.integers(4)
        arguments: Json
        if kind == 0:
            arguments = {"city": one(CITIES)}
            text = one(["weather in {}", "how is the weather in {}", "will it rain in {}"])
            text = text.format(arguments["city"])
            if draws.random() < 0.5:
                number = int(draws.integers(1, 29))
                arguments["day"] = f"2026-05-{number:02}"
                text += f" on {number} May"
        elif kind == 1:
            arguments = {"who": one(NAMES)}
            text = one(["call {}", "please phone {}", "get {} on the phone"]).format(
                arguments["who"]
            )
            if draws.random() < 0.5:
                arguments["priority"] = one(["low", "high"])
                text += {"low": ", no rush", "high": ", it is urgent"}[arguments["priority"]]
        elif kind == 2:
            arguments = {"packs": int(draws.integers(2, 500))}
            text = one(["order {} packs of paper", "we need {} packs", "{} packs of paper please"])
            text = text.format(arguments["packs"])
        else:
            arguments, text = {}, one(["tell me a joke", "who are you", "what can you do"])
        text += one(["", ".", " thanks", "?"]) + " " * int(draws.integers(3))
        name = ["weather", "call", "order", ""][kind]
        calls = (Invocation(name, msgspec.json.encode(arguments).decode()),) if name else ()
        out.append(
            Example(
                f"r{len(out)}", float(len(out)), "acme", "desk",
                Query(text, tools=TOOLS, today=TODAY), spelled(calls) if calls else "Hello.",
                "big", calls=calls,
            )
        )  # fmt: skip
    return out
