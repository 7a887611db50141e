"""Novels, statistics and leaflets are about nobody in particular."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.combine import health_of_a_person
from shortstop.privacy.detect.frames import is_framed


@pytest.mark.parametrize(
    "text",
    [
        "novel: detective mora finds insulin",
        "糖尿病患者一般饮食原则，写科普文章",
        "screening participation fell, chart title",
        "merkblatt diabetes",
        "памятка о гриппе",
    ],
)
def test_a_frame_is_seen(text: str) -> None:
    assert is_framed(text)


@pytest.mark.parametrize("text", ["my mother has diabetes", "novelty items", "a roman numeral i"])
def test_no_frame(text: str) -> None:
    assert not is_framed(text)


def test_a_frame_takes_weak_marks_away_and_leaves_strong_ones() -> None:
    assert health_of_a_person("novel: detective Mora finds insulin in the fridge", []) is None
    assert health_of_a_person("a novel? no time, I have breast cancer", []) is not None
