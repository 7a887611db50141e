"""The scorer: features, weights that speak the right way, figures on unseen shapes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from shortstop.privacy.detect import weigh
from shortstop.privacy.detect.candidates import FORMS, candidates
from shortstop.privacy.detect.credentials import spans
from shortstop.privacy.detect.cues import Surroundings
from shortstop.privacy.detect.detector import standard_detector

DEV = Path(__file__).parent.parent / "dev_secrets.jsonl"


def score(text: str, value: str) -> float:
    model, around = weigh.model(), Surroundings(text)
    (candidate,) = {c for c in candidates(text) if c.value == value}
    return model.score(weigh.features(candidate, around, model.letter_pairs))


def rows(half: str) -> Iterator[dict[str, Any]]:
    for line in DEV.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["half"] == half:
            yield row


HEX = "9f86d081884c7d659a2feaa0c55ad015"


def test_what_stands_near_decides_about_the_same_value() -> None:
    secret = score(f"our api secret is {HEX}", HEX)
    assert secret > weigh.model().threshold
    assert secret > score(f"our api secret was set by them in the spring, {HEX}", HEX)
    assert secret > score(f"our api secret changed in commit {HEX}", HEX)
    assert score(f"the tree {HEX} has no cue", HEX) == -math.inf


def test_what_a_value_is_decides_in_the_same_place() -> None:
    drawn, name = "vT7#qz!L0pw", "Maincellar9"
    assert score(f"the password is {drawn}", drawn) > score(f"the password is {name}", name)


def test_words_are_no_surprise_and_drawn_letters_are() -> None:
    pairs = weigh.model().letter_pairs
    assert weigh.surprise("winterharbour", pairs) < 1 < weigh.surprise("xqzkvjwp", pairs)
    assert weigh.surprise("1234", pairs) == 0


@pytest.mark.parametrize("name", sorted(weigh.model().weights))
def test_weights_speak_the_right_way(name: str) -> None:
    weight = weigh.model().weights[name]
    if name.startswith(("near", "touches", "somebody")):
        assert weight >= 0
    if name.startswith(("against", "disputed")):
        assert weight <= 0


def test_every_make_has_cues_and_an_intercept() -> None:
    makes = {name for name, _ in FORMS} | {"mixed", "joined"}
    assert set(weigh.announces()) == makes - {"number"}
    assert set(weigh.denies()) == set(weigh.announces())


def test_the_weights_say_where_they_come_from() -> None:
    path = files("shortstop.privacy").joinpath("data", "secret_weights.json")
    made = json.loads(path.read_text(encoding="utf-8"))
    for source in ("dev_secrets", "dev_others", "dev_others_harmless", "dev_neighbours"):
        text = DEV.with_name(f"{source}.jsonl").read_bytes()
        assert made["from"][source] == hashlib.sha256(text).hexdigest()
    assert {"miss", "pin"} <= set(made["costs"])


def test_held_back_shapes() -> None:
    """Shapes that no weight was fitted on: the bar of 95 % secrets found; of texts made to be taken
    for secrets, which are much harder than harmless requests, at most 6 % pinned."""
    missed, pinned = [], []
    for row in rows("held"):
        hits = [h for h in standard_detector().hits(row["text"]) if h.rule.label == "SECRET"]
        if row["sensitive"] and not hits:
            missed.append(row["id"])
        if not row["sensitive"] and hits:
            pinned.append(row["id"])
    n = sum(1 for row in rows("held") if row["sensitive"])
    harmless = sum(1 for row in rows("held") if not row["sensitive"])
    assert len(missed) <= 0.05 * n, missed
    assert len(pinned) <= 0.06 * harmless, pinned


def test_no_shape_is_in_both_halves() -> None:
    halves: dict[str, set[str]] = {}
    for half in ("fit", "held"):
        for row in rows(half):
            halves.setdefault(row["id"].split(".")[0], set()).add(half)
    assert all(len(h) == 1 for h in halves.values())


@pytest.mark.parametrize("before", ["", "é漢🙂 ", "x" * 3000 + " "])
def test_spans_are_in_bytes(before: str) -> None:
    text = f"{before}the password is Tr0ub4dor&3 ok"
    (span,) = spans(text.encode())
    assert text.encode()[slice(*span)] == b"Tr0ub4dor&3"
