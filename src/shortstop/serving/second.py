"""A second local answer to the same request, sampled at a higher temperature.

A model that gives the same answer twice is more often right (self-consistency, Wang et al. 2022).
The second answer costs as much as the first, so it is drawn only where the router is in doubt, and
in shadow runs, from which the router learns what agreement is worth.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from shortstop.dialects import description_of
from shortstop.errors import ShortstopError
from shortstop.types import Choice, Reply, Request, Usage

TEMPERATURE = 0.7
SEED = 1

Ask = Callable[[Request], Awaitable[Reply]]
Agree = Callable[[str, str, str], float]
"""(task, one answer, another) -> how much they agree, 0 to 1."""


async def second_opinion(
    ask: Ask, request: Request, first: Choice, task: str, agree: Agree
) -> tuple[float | None, Usage | None]:
    """Agreement of a second answer with `first`, 0 to 1, and its usage; None where it failed."""
    try:
        reply = await ask(heated(request))
    except ShortstopError:
        return None, None
    other = reply.choices[0]
    return agree(task, first.text, other.text), reply.usage


def heated(request: Request) -> Request:
    """The same request, not streamed, at a temperature that lets a doubtful answer vary."""
    return replace(
        request,
        stream=False,
        sampling=replace(request.sampling, temperature=TEMPERATURE, seed=SEED),
        body=description_of(request.dialect).heated(request.body, TEMPERATURE),
    )


def together(one: Usage | None, other: Usage | None) -> Usage | None:
    """The tokens of both answers; None where the first one's are unknown."""
    return one if one is None or other is None else one + other
