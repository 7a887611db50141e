"""The look at an answer: how good it is, now that it can be seen.

A ridge regression over the prompt's estimate and what the answer shows: quantiles of its token
probabilities, entropy, length, repetition, how it ended, whether a second local answer agreed, and
marks of its text where the text is known. What was not measured is left out by a flag of its own,
never guessed.
"""

from __future__ import annotations

import re
from math import log1p

import numpy as np
from numpy.typing import NDArray

from shortstop.routing.features import prompt_text
from shortstop.types import Request, Signals

Vector = NDArray[np.float32]

RIDGE = 3.0
POOLED_RIDGE = 30.0
"""How strongly a narrower scorer is drawn towards the wider one, in answers."""
TRUST_PSEUDO_ROWS = 30.0
"""Answers after which the correction learned from answers counts by half."""

_NUMBER_LAST = re.compile(r"\d[\d.,]*\W*$")
_DIGIT = re.compile(r"\d")
_STEP = re.compile(r"[=<>+*/]")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SUM = re.compile(
    r"\$?(\d[\d,]*(?:\.\d+)?)%?\s*([-+*/x×÷])\s*\$?(\d[\d,]*(?:\.\d+)?)%?\s*=\s*\$?(\d[\d,]*(?:\.\d+)?)"
)
_HEDGE = re.compile(
    r"\b(?:assum|approximate|about|however|but|not (?:given|specified|clear)|if)", re.I
)

# (centre, spread) of each measurement: a scale, so that one ridge fits all.
_SIGNALS: dict[str, tuple[float, float]] = {
    "logprob_min": (-2.5, 1.5),
    "logprob_p10": (-0.8, 0.6),
    "logprob_p50": (-0.1, 0.2),
    "logprob_mean": (-0.3, 0.25),
    "entropy": (0.3, 0.3),
    "agreement": (0.6, 0.4),
}
_MARKS = 18
_HELPERS = 7
LARGEST = 1e300
"""What larger numbers count as: of more than 308 digits a float is infinite."""


def signal_marks(signals: Signals) -> Vector:
    """The measured signals with a flag each (present 1, absent 0), then length, repetition and how
    the answer ended: float32 of shape (16,)."""
    out: list[float] = []
    for name, (centre, spread) in _SIGNALS.items():
        value = getattr(signals, name)
        out += [0.0, 0.0] if value is None else [_scaled(value, centre, spread), 1.0]
    out.append(_scaled(log1p(signals.chars), 6.0, 1.0))
    out.append(_scaled(signals.repetition, 0.05, 0.1))
    out.append(float(signals.finish == "length"))
    out.append(float(signals.finish not in (None, "stop", "tool_calls", "length")))
    return np.array(out, np.float32)


def helper_marks(signals: Signals) -> Vector:
    """What helpers showed, float32 of shape (7,); all zeros where nobody was asked."""
    helpers, agreement = signals.helpers, signals.agreement
    if helpers is None or agreement is None:
        return NO_HELPERS
    consensus = helpers.consensus
    return np.array(
        [
            1.0,
            _scaled(helpers.likeness, 0.6, 0.25),
            _scaled(helpers.closeness, 0.6, 0.4),
            0.0 if consensus is None else 1.0,
            0.0 if consensus is None else _scaled(consensus, 0.6, 0.4),
            0.0 if consensus is None else consensus * (1.0 - agreement),
            _scaled(log1p(helpers.chars), 6.0, 1.0),
        ],
        np.float32,
    )


def text_marks(text: str, prompt_chars: int) -> Vector:
    """What the answer's text shows, float32 of shape (18,); all zeros without a text."""
    if not text:
        return NO_MARKS
    n = len(text)
    words = text.split()
    numbers = _DIGIT.findall(text)
    return np.array(
        [
            1.0,
            _scaled(log1p(n), 6.0, 0.6),
            _scaled(log1p(n), 6.0, 0.6) ** 2,
            _scaled(log1p(text.count("\n")), 1.5, 0.8),
            _scaled(len(numbers) / n, 0.08, 0.06),
            _scaled(log1p(len(_STEP.findall(text))), 2.0, 1.0),
            _scaled(n / (prompt_chars + 50), 1.5, 1.0),
            float(bool(_NUMBER_LAST.search(text))),
            _scaled(n / max(len(words), 1), 5.0, 1.0),
            _scaled(log1p(sum(len(w) > 8 for w in words)), 2.0, 1.0),
            *_sums(text),
            *_figures(text),
            _scaled(log1p(len(_HEDGE.findall(text))), 0.7, 0.6),
            float(text.rstrip()[-1:] not in ".!?)}]\"'`" and not text.rstrip()[-1:].isdigit()),
        ],
        np.float32,
    )


def _sums(text: str) -> tuple[float, float]:
    """Worked sums in the text: how many, and how many of them are wrong."""
    sums = _SUM.findall(text)
    wrong = sum(not _adds_up(*sum_) for sum_ in sums)
    return _scaled(log1p(len(sums)), 1.2, 0.7), min(2.0, float(wrong))


def _adds_up(left: str, sign: str, right: str, result: str) -> bool:
    a, b, c = (float(v.replace(",", "")) for v in (left, right, result))
    if sign in "/÷":
        value = a / b if b else float("nan")
    else:
        value = {"+": a + b, "-": a - b}.get(sign, a * b)
    return abs(value - c) <= 0.011 * max(1.0, abs(value)) or abs(value / 100 - c) <= 0.011


def _figures(text: str) -> tuple[float, float, float, float]:
    """Whether the last number is whole and how large it is; how many numbers there are, and how
    many of them have decimals."""
    numbers = _NUMBER.findall(text)
    if not numbers:
        return 0.0, 0.0, 0.0, 0.0
    last = min(float(numbers[-1].replace(",", "")), LARGEST)
    broken = sum("." in number for number in numbers)
    return (
        float(last == int(last)),
        _scaled(log1p(last), 4.0, 2.0),
        _scaled(log1p(len(numbers)), 2.5, 0.7),
        _scaled(log1p(broken), 0.5, 0.8),
    )


def _scaled(value: float, centre: float, spread: float) -> float:
    return min(3.0, max(-3.0, (value - centre) / spread))


WIDTH = 3 + 2 * len(_SIGNALS) + 4 + _MARKS + _HELPERS


def marks_of(text: str, request: Request) -> tuple[float, ...]:
    """`text_marks` of an answer to `request`: numbers that may travel without the text."""
    return tuple(text_marks(text, len(prompt_text(request))).tolist())


NO_MARKS: Vector = np.zeros(_MARKS, np.float32)
NO_HELPERS: Vector = np.zeros(_HELPERS, np.float32)


def answer_features(expected: float, signals: Signals, marks: Vector = NO_MARKS) -> Vector:
    """Everything the scorer sees of an answer, float32 of shape (WIDTH,).

    `expected` is the prompt's estimate, in [0, 1]; `marks` are `text_marks`.
    """
    prior = np.array([1.0, 4 * (expected - 0.5), (4 * (expected - 0.5)) ** 2], np.float32)
    return np.concatenate([prior, signal_marks(signals), marks, helper_marks(signals)])


class AnswerScorer:
    """Quality of answers, corrected by a look at them: of all, of one target's or of a task's.

    `rows` answers were learned. `moments` (WIDTH, WIDTH), `targets` and `solution` (WIDTH,) are the
    ridge regression, float64; it is drawn towards the solution of a wider scorer, if it has one.
    """

    def __init__(self) -> None:
        self.rows = 0.0
        self.moments = np.zeros((WIDTH, WIDTH), np.float64)
        self.targets = np.zeros(WIDTH, np.float64)
        self.solution: NDArray[np.float64] = np.zeros(WIDTH, np.float64)

    def correction(self, features: Vector) -> float:
        """What `features`, `answer_features` of shape (WIDTH,), add to the prompt's estimate."""
        return float(self.solution @ features)

    def learn_all(
        self,
        features: NDArray[np.float32],
        residuals: NDArray[np.float64],
        wider: AnswerScorer | None = None,
    ) -> None:
        """Learn n answers: `features` (n, WIDTH), and what the prompt's estimates missed, (n,).

        About 50 us a call.
        """
        wide = features.astype(np.float64)
        self.moments += wide.T @ wide
        self.targets += wide.T @ residuals
        self.rows += len(residuals)
        ridge = self.moments + (RIDGE if wider is None else POOLED_RIDGE) * np.eye(WIDTH)
        base = np.zeros(WIDTH) if wider is None else wider.solution
        self.solution[:] = base + np.linalg.solve(ridge, self.targets - self.moments @ base)


class PooledScorer:
    """The scorers of a task's answers by one target, from the widest to the narrowest: each is
    drawn towards the one before it, so that few answers of its own say little yet."""

    def __init__(self, *levels: AnswerScorer) -> None:
        self.levels = levels

    def correction(self, features: Vector) -> float:
        """What a look adds to the prompt's estimate, trusted by what was learned in all."""
        learned = [level for level in self.levels if level.rows]
        if not learned:
            return 0.0
        trust = learned[0].rows / (learned[0].rows + TRUST_PSEUDO_ROWS)
        return trust * learned[-1].correction(features)

    def expect(self, expected: float, features: Vector) -> float:
        """Expected quality in [0, 1]: the prompt's estimate `expected` plus the correction that
        `features`, `answer_features` of shape (WIDTH,), call for."""
        return min(1.0, max(0.0, expected + self.correction(features)))

    def learn(self, expected: float, features: Vector, quality: float) -> None:
        """Learn that an answer, of which the prompt promised `expected`, had this `quality`, both
        in [0, 1]. `features` has shape (WIDTH,)."""
        self.learn_all(features[None, :], np.array([quality - expected]))

    def learn_all(self, features: NDArray[np.float32], residuals: NDArray[np.float64]) -> None:
        """Learn n answers: `features` (n, WIDTH), and what the prompt's estimates missed, (n,)."""
        wider: AnswerScorer | None = None
        for level in self.levels:
            level.learn_all(features, residuals, wider)
            wider = level
