"""How lists of models follow each other."""

from __future__ import annotations

from pathlib import Path

from shortstop.app.offers import MOST_GONE, Offers, UpstreamOffer
from shortstop.config import UpstreamConfig
from shortstop.dialects import Offered


def test_what_comes_back_is_missed_no_more() -> None:
    offer = UpstreamOffer("u", 1.0, (Offered("a"), Offered("b")))
    gone = offer.followed_by((Offered("a"),), 2.0)
    assert gone.gone == {"b": 2.0}
    assert gone.followed_by((Offered("a"),), 3.0).gone == {"b": 2.0}, "since it was first missed"
    assert gone.followed_by((Offered("b"),), 3.0).gone == {"a": 3.0}


def test_only_so_many_are_remembered() -> None:
    offer = UpstreamOffer("u", 1.0, tuple(Offered(f"m{i}") for i in range(MOST_GONE + 9)))
    assert len(offer.followed_by((), 2.0).gone) == MOST_GONE


def test_a_list_is_of_one_address(tmp_path: Path) -> None:
    offers = Offers(tmp_path / "offers.json")
    (tmp_path / "offers.json").write_bytes(b'{"v": {"url": "u", "at": 1, "models": [{"id": "a"}]}}')
    offers.follow()
    found = offers.of("v", UpstreamConfig(base_url="u"))
    assert found is not None
    assert found.models == (Offered("a"),)
    assert offers.of("v", UpstreamConfig(base_url="elsewhere")) is None
