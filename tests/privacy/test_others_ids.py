"""Frozen texts of another author than the rules', and everyday sentences."""

from __future__ import annotations

from shortstop.types import Reach, Tier
from tests.privacy.test_dev import rows, verdict


def _missed(name: str) -> dict[str, list[str]]:
    missed: dict[str, list[str]] = {}
    for row in rows(name, sensitive=True):
        kind = row.get("cls", "HEALTH")
        least = Tier.S3 if kind == "HEALTH" else Tier.S2
        if verdict(row).tier < least:
            missed.setdefault(kind, []).append(row["id"])
    return missed


def test_another_authors_texts_are_seen() -> None:
    missed = _missed("others_ids")
    assert sum(map(len, missed.values())) <= 0.005 * len(rows("others_ids", sensitive=True)), missed


def test_everyday_sentences_are_seen() -> None:
    missed = _missed("everyday")
    assert sum(map(len, missed.values())) <= 1, missed


def test_words_that_only_sound_ill_may_leave() -> None:
    harmless = rows("everyday", sensitive=False)
    assert [r["id"] for r in harmless if verdict(r).reach > Reach.ANYWHERE] == []
