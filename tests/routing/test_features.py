"""What the router sees of a text: the same words however they are read, and the same numbers."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing import embed, packaged
from shortstop.routing.embed import Embedder
from shortstop.routing.features import BINS, MARKS, prompt_features

TEXTS = st.text(max_size=60) | st.text(st.sampled_from("aB1 _-.“é\n$?+Ⓟİ世\u0301"), max_size=60)


def fresh() -> Embedder:
    return Embedder(*packaged().embedder.parts())


@given(TEXTS)
def test_any_text_has_a_view(text: str) -> None:
    seen = prompt_features(text, packaged().embedder)
    assert (np.diff(seen.grams) > 0).all()
    assert ((seen.grams >= 0) & (seen.grams < BINS)).all()
    assert (seen.counts >= 1).all()
    assert np.isfinite(seen.dense).all()
    length = float(np.linalg.norm(seen.dense[:-MARKS]))
    assert length == pytest.approx(1.0, abs=1e-5) or length == 0


@given(TEXTS)
def test_words_are_those_of_the_pattern(text: str) -> None:
    text = unicodedata.normalize("NFC", text).encode(errors="ignore").decode()
    beyond = "".join(re.findall(r"[^\x00-\x7f]+", text.lower()))
    lowered = text.lower()
    for mark in re.findall(r"[^\w\s]", lowered):
        lowered = lowered.replace(mark, " ")
    words = [w for w in embed._words(text, beyond) if re.fullmatch(r"\w+", w)]
    assert words == re.findall(r"\w+", lowered)


def test_composed_or_not_it_is_the_same_text() -> None:
    text = "Müller zahlt 20 € für ein Café"
    one, other = (
        prompt_features(unicodedata.normalize(form, text), packaged().embedder)
        for form in ("NFC", "NFD")
    )
    assert np.array_equal(one.grams, other.grams)
    assert np.array_equal(one.dense[:-MARKS], other.dense[:-MARKS])


def test_forgetting_words_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "MAX_DERIVED_ROWS", 20)
    monkeypatch.setattr(embed, "DERIVED_ROWS_STEP", 8)
    texts = [f"Ticket zx{i}qj costs {i * 7919} quuxes, naïve {i}frobs" for i in range(40)]
    small, whole = fresh(), fresh()
    for text in texts:
        assert np.array_equal(small.embed(text), fresh().embed(text))
    monkeypatch.setattr(embed, "MAX_DERIVED_ROWS", 10_000)
    for text in texts:
        assert np.array_equal(small.embed(text), whole.embed(text))


def test_the_prior_s_table_survives_reading() -> None:
    embedder = fresh()
    before = embedder.parts()[1].copy()
    embedder.embed("unheardofword 123456789 and others")
    assert np.array_equal(embedder.parts()[1], before)
