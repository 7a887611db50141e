"""Linear models over hashed features."""

from __future__ import annotations

import math
from zlib import crc32

import pytest

from shortstop.privacy.detect.linear import SHARPNESS, LinearModel, linear_model


def test_a_feature_counts_at_the_place_of_its_digest() -> None:
    weights = bytearray(16)
    weights[crc32(b"w=key") & 15] = 5
    model = LinearModel(memoryview(bytes(weights)).cast("b"), 0.5, -1.0, 0.0)
    assert model.sum_of(["w=key"]) == 5
    assert model.score(5, 4) == pytest.approx(-1.0 + 0.5 * SHARPNESS * 5 / math.sqrt(4))
    assert model.score(0, 0) == -1.0


def test_lone_surrogates_are_features_as_well() -> None:
    assert isinstance(linear_model("secret_context").sum_of(["w=\ud800"]), int)


@pytest.mark.parametrize("name", ["secret_context", "health_context"])
def test_the_weights_are_a_power_of_two_of_bytes_within_the_bound(name: str) -> None:
    size = len(linear_model(name).weights)
    assert size & (size - 1) == 0
    assert size <= 1_500_000
