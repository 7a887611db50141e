"""Rows of a log, and examples, of a made-up help desk."""

from __future__ import annotations

import random
from typing import Any

from shortstop.backtest.tally import LearnRow
from shortstop.flywheel.examples import Example
from shortstop.specialists.query import Query
from shortstop.types import Message, Request, Text

TOPICS = {
    "card": ("my card has not arrived", "where is the card", "card still missing", "no card yet"),
    "rate": ("which exchange rate", "the rate looks wrong", "rate of exchange", "bad rate"),
    "pin": ("I forgot my pin", "change the pin", "pin is blocked", "new pin please"),
}
NAMES = ("Ana", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal", "Ida", "Jo")


def texts(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """(text, label), all different."""
    chance = random.Random(seed)
    out = []
    for n in range(count):
        label = chance.choice(list(TOPICS))
        words = chance.choice(TOPICS[label])
        out.append((f"Hi, {chance.choice(NAMES)} {n} here, {words}, {chance.choice(NAMES)}", label))
    return out


def example(n: int, text: str, answer: str, teacher: str = "big") -> Example:
    return Example(f"e{n}", float(n), "default", "t", Query(text), answer, teacher)


def request(n: int, text: str) -> Request:
    return Request(f"r{n}", "openai.chat", {}, "m", (Message("user", (Text(text),)),))


def learn_rows(pairs: list[tuple[str, str]], cost: float = 0.01) -> list[LearnRow]:
    return [LearnRow(example(n, *pair), cost) for n, pair in enumerate(pairs)]


def row(n: int, text: str, answer: str, model: str = "claude-opus-5-5", **more: Any) -> Any:
    """A pair of request and response, `n` minutes after the first."""
    usage = {"prompt_tokens": 200, "completion_tokens": 10}
    message = {"role": "assistant", "content": answer}
    reply = {
        "object": "chat.completion", "created": 1_790_000_000 + 600 * n, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage,
    }  # fmt: skip
    messages = [
        {"role": "system", "content": "Sort messages of the help desk."},
        {"role": "user", "content": text},
    ]
    return {"request": {"model": model, "messages": messages}, "response": reply, **more}
