"""`[learning]`: how recorded traffic becomes specialists."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from shortstop.config.section import Lifetime, Section

Nightly = Annotated[
    str,
    Meta(
        pattern=r"^(off|([01][0-9]|2[0-3]):[0-5][0-9])$",
        description='"off" or a time of the day in UTC, such as "02:30"',
    ),
]


class LearningConfig(Section, frozen=True):
    """How recorded traffic becomes specialists.

    `nightly` is when `serve` starts a night, "HH:MM" in UTC, or "off"; between two nights it looks
    `looks` times whether more traffic has proven somebody. A specialist serves what is right with
    `target` by the lower bound on held-out rows, a bank of answers with `bank_target` (beside the
    point at worst, and always in words that were vetted). It takes traffic once it is proven, at
    the error `alpha`, that its task loses less than `margin` against the frontier on the mean, over
    what it answers and what it leaves to the frontier; it loses it when its answers alone are
    proven to lose more. A night begins no task after `minutes`. `kinds` are
    tried, all where it is empty. `pinned`: specialists may also learn, on this machine, from what
    privacy keeps on it. A task is learned from its newest `examples`. Where specialist and frontier
    differ and nobody has said who is right, a night asks the model of `[judge]`, for at most `usd`
    US dollars, and the looks of a day for as much in all; `judge_error` is the share of its
    verdicts that is taken to be wrong until people have checked some. An adapter of the local model
    (extra `[adapter]`) trains for `adapter_minutes` at most; 0: none is trained.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    nightly: Nightly = "off"
    looks: Annotated[int, Meta(ge=0, le=47)] = 3
    target: Annotated[float, Meta(gt=0.5, lt=1)] = 0.95
    bank_target: Annotated[float, Meta(gt=0.5, lt=1)] = 0.9
    margin: Annotated[float, Meta(ge=0.005, lt=0.5)] = 0.03
    alpha: Annotated[float, Meta(gt=0, lt=0.5)] = 0.05
    minutes: Annotated[float, Meta(gt=0, le=1440)] = 120
    kinds: tuple[str, ...] = ()
    pinned: bool = False
    examples: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000
    usd: Annotated[float, Meta(ge=0, lt=1_000_000)] = 1.0
    judge_error: Annotated[float, Meta(ge=0, lt=0.5)] = 0.1
    adapter_minutes: Annotated[float, Meta(ge=0, le=1440)] = 20
