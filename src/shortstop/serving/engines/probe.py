"""How fast a model server is that somebody else runs: vLLM, llama.cpp, Ollama, Ray Serve.

It is asked as the gateway asks it. The prompts are numbers: nobody's words.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from contextlib import aclosing

from msgspec import Struct

from shortstop.dialects.openai.describe import NAME
from shortstop.serving.engines.backend import LocalBackend
from shortstop.types import Message, Request, Sampling, Text

ROUNDS = 3
WORDS = 160
"""Numbers in a prompt: some 300 to 500 tokens."""
TOKENS = 64


class ServerSpeed(Struct, frozen=True):
    """`first_cold` and `first_warm` are median seconds to the first piece of an answer, for a
    prompt that is new and for one that begins like the one before. Tokens a second are of one
    answer, and of `together` that are asked for at once, all in all; `first_together` is the
    longest wait among these."""

    model: str
    first_cold: float
    first_warm: float
    tokens_per_second: float
    together: int
    tokens_per_second_together: float
    first_together: float

    @property
    def remembers(self) -> bool:
        """Whether it seems to keep prompts: what is known costs at most half."""
        return self.first_warm < self.first_cold / 2


class TimedAnswer(Struct, frozen=True):
    """Seconds to the first piece and to the end, and tokens."""

    first: float
    whole: float
    tokens: int

    @property
    def pace(self) -> float:
        """Tokens a second, once it has begun."""
        return (self.tokens - 1) / max(self.whole - self.first, 1e-6)


async def probe(backend: LocalBackend, model: str, together: int = 8, seed: int = 0) -> ServerSpeed:
    """Ask it for some seconds. Raises TargetError."""
    chance = random.Random(seed)
    cold = [await _timed(backend, model, _numbers(chance), "0") for _ in range(ROUNDS)]
    known = _numbers(chance)
    await _timed(backend, model, known, "1")
    warm = [await _timed(backend, model, known, str(n)) for n in range(2, 2 + ROUNDS)]
    prompts = [_numbers(chance) for _ in range(together)]
    began = time.monotonic()
    many = await asyncio.gather(*(_timed(backend, model, one, "0") for one in prompts))
    spent = time.monotonic() - began
    return ServerSpeed(
        model=model,
        first_cold=statistics.median(one.first for one in cold),
        first_warm=statistics.median(one.first for one in warm),
        tokens_per_second=statistics.median(one.pace for one in (*cold, *warm)),
        together=together,
        tokens_per_second_together=sum(one.tokens for one in many) / spent,
        first_together=max(one.first for one in many),
    )


def _numbers(chance: random.Random) -> str:
    return " ".join(str(chance.randrange(1000)) for _ in range(WORDS))


async def _timed(backend: LocalBackend, model: str, beginning: str, end: str) -> TimedAnswer:
    told = (Message("system", (Text(beginning),)), Message("user", (Text(f"Go on: {end}"),)))
    sampling = Sampling(max_tokens=TOKENS, temperature=0)
    request = Request("probe", NAME, {}, model, told, sampling=sampling)
    began, first, pieces, used = time.monotonic(), 0.0, 0, 0
    async with aclosing(backend.stream(request)) as chunks:
        async for chunk in chunks:
            used = chunk.usage.completion if chunk.usage is not None else used
            if chunk.text or chunk.thinking:
                first = first or time.monotonic() - began
                pieces += 1
    whole = time.monotonic() - began
    return TimedAnswer(first or whole, whole, max(used, pieces, 1))
