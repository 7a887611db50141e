"""A linear model over hashed features: small tables of weights, no vocabulary.

The weights are data, made by `python -m scripts.fit_context`. Features are strings; each has a
place in the table by its CRC-32, and several may share one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from zlib import crc32

from msgspec import Struct

SHARPNESS = 3.0
"""What a text of one feature counts; more features share it by the root of their number."""


class LinearModel(Struct, frozen=True):
    """Weights by place, in units of `unit`. `threshold`: log-odds from which on it is believed."""

    weights: memoryview
    unit: float
    bias: float
    threshold: float

    def sum_of(self, features: Collection[str]) -> int:
        """What features add, in units."""
        weights, mask = self.weights, len(self.weights) - 1
        return sum(weights[crc32(f.encode("utf-8", "replace")) & mask] for f in features)

    def score(self, units: int, count: int) -> float:
        """Log-odds, from what `count` features add."""
        return self.bias + self.unit * SHARPNESS * units / math.sqrt(max(count, 1))


@cache
def linear_model(name: str) -> LinearModel:
    """The model `data/NAME.bin`, described in `data/context.json`."""
    data = files("shortstop.privacy").joinpath("data")
    about = json.loads(data.joinpath("context.json").read_text(encoding="utf-8"))[name]
    weights = memoryview(data.joinpath(f"{name}.bin").read_bytes()).cast("b")
    return LinearModel(weights, about["unit"], about["bias"], about["threshold"])
