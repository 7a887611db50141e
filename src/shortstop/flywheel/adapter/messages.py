"""What the workshop and the process that trains say to each other: one JSON document a line.

Examples go in by stdin: what was asked need not lie on the disk a second time.
"""

from __future__ import annotations

from msgspec import Struct


class TaughtAnswer(Struct, frozen=True):
    """A request, as a user's turn, and what is answered."""

    prompt: str
    answer: str


class AdapterJob(Struct, frozen=True):
    """`model` is a GGUF file; `folder` is where checkpoints and the adapter lie, whose name changes
    with anything that is said here. Training ends after `epochs` or so many `seconds`, whichever
    comes first. `rows` is how many examples make a step, `length` the tokens of an example at most,
    `checkpoint` how many seconds may be lost.
    """

    model: str
    folder: str
    pairs: list[TaughtAnswer]
    seconds: float
    epochs: float = 3.0
    seed: int = 0
    threads: int = 1
    rank: int = 16
    rate: float = 1e-3
    rows: int = 16
    length: int = 1024
    checkpoint: float = 30.0


class Scoring(Struct, frozen=True):
    """Asks how likely the trained model finds these answers."""

    pairs: list[TaughtAnswer]


class StepDone(Struct, frozen=True, tag=True):
    """`loss` is the mean of the step, in nats a token."""

    step: int
    steps: int
    loss: float


class Trained(Struct, frozen=True, tag=True):
    """The adapter lies in `file`. `tokens` were read in `seconds` on `device`, of `rows` examples
    (longer ones are left out), whose longest answer has `answer_tokens`. `resumed` is the step at
    which an earlier process had been ended."""

    file: str
    steps: int
    loss: float
    tokens: int
    seconds: float
    device: str
    rows: int
    answer_tokens: int
    resumed: int = 0


class Scored(Struct, frozen=True, tag=True):
    """One of each for every pair: the mean log-probability of the answer's tokens in nats, and the
    share of them that are the likeliest."""

    logprobs: list[float]
    agreed: list[float]


class Failed(Struct, frozen=True, tag=True):
    """Why there is no adapter, in a sentence. `errno` is that of a disk that does not take writes,
    which is nobody's refusal; else 0."""

    why: str
    errno: int = 0


Told = StepDone | Trained | Scored | Failed
