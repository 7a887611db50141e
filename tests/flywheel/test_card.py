"""A data set's card, for people and for programs."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from shortstop.flywheel.card import card_of, files_of
from shortstop.flywheel.curate.dataset import curate
from shortstop.flywheel.curate.frozen import Frozen
from tests.flywheel.traffic import mails


def test_the_card_says_what_it_was_made_from() -> None:
    data = curate([replace(row, pinned=True) for row in mails(200)], Frozen())
    card = card_of(data, 86_400.0, {"pinned": 3})
    assert card.trained == len(data.train) == card.pinned
    assert card.expires == min(row.at for row in data.train) + 86_400
    assert card.left_out["pinned"] == 3
    files = files_of(card)
    assert msgspec.json.decode(files["card.json"])["teachers"] == {"big": len(data.train)}
    assert b"may not leave the machine" in files["card.md"]
