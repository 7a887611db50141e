"""Files become the specialist of their kind, or are refused."""

from __future__ import annotations

import pytest

from shortstop.errors import StoreError
from shortstop.flywheel.trainers import TRAINERS
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.kinds import KINDS, load


def no_encoder() -> Encoder:
    raise StoreError("The sentence encoder is not installed.")


def test_unknown_kinds_and_a_missing_encoder_are_refused() -> None:
    with pytest.raises(StoreError, match="not known here"):
        load("oracle", {}, no_encoder)
    with pytest.raises(StoreError):
        load("label-head", {}, no_encoder)


def test_every_kind_is_trained_and_in_one_order() -> None:
    order = [kind.name for kind in KINDS]
    assert len(set(order)) == len(order)
    trained = [trainer.kind for trainer in TRAINERS]
    assert trained == [name for name in order if name in trained]
