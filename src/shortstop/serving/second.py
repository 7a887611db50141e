"""A second local answer to the same request: by another model, or by the same one at a higher
temperature.

An answer that is given twice is more often right (self-consistency, Wang et al. 2022).
The second answer costs as much as the first, so it is drawn only where the router is in doubt, and
in shadow runs, from which the router learns what agreement is worth.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from shortstop.dialects import description_of
from shortstop.errors import ShortstopError
from shortstop.types import Choice, Helpers, Reply, Request, Signals, Usage

TEMPERATURE = 0.7
SEED = 1

Ask = Callable[[str, Request], Awaitable[Reply]]
"""(local model, request) -> its answer."""
Agree = Callable[[str, str, str], tuple[float, Helpers]]
"""(task, an answer, another) -> how far they agree, in [0, 1], and what else the other shows."""


class SecondAnswer(NamedTuple):
    """What a second answer showed, and what it took; nothing where it failed."""

    agreement: float | None = None
    helpers: Helpers | None = None
    usage: Usage | None = None

    def seen(self, signals: Signals) -> Signals:
        return replace(signals, agreement=self.agreement, helpers=self.helpers)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """How a second answer is had: by the local `model`, or else by the one that gave the first."""

    agree: Agree
    model: str | None = None

    async def opinion(
        self, ask: Ask, target: str, request: Request, first: Choice, task: str
    ) -> SecondAnswer:
        """Of another answer to what `target` has answered with `first`."""
        helper = self.model or target
        try:
            reply = await ask(helper, heated(request) if helper == target else whole(request))
        except ShortstopError:
            return SecondAnswer()
        agreement, helpers = self.agree(task, first.text, reply.choices[0].text)
        return SecondAnswer(agreement, helpers, reply.usage)


def whole(request: Request) -> Request:
    """The same request, not streamed."""
    body = description_of(request.dialect).unstreamed(request.body)
    return replace(request, stream=False, body=body)


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
