"""Novels, statistics and leaflets are about nobody in particular."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.combine import health_of_a_person, spelled
from shortstop.privacy.detect.frames import is_framed
from shortstop.privacy.detect.health_context import by_context


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
    assert is_framed(spelled(text))


@pytest.mark.parametrize("text", ["my mother has diabetes", "novelty items", "a roman numeral i"])
def test_no_frame(text: str) -> None:
    assert not is_framed(spelled(text))


def test_a_frame_takes_weak_marks_away_and_leaves_strong_ones() -> None:
    assert health_of_a_person("novel: detective Mora finds insulin in the fridge", []) is None
    assert health_of_a_person("a novel? no time, I have breast cancer", []) is not None


@pytest.mark.parametrize(
    "text",
    [
        "About 10% of adults worldwide live with diabetes. Make a bar chart.",
        "Rund 8 Millionen Menschen in Deutschland leben mit Diabetes. Mach daraus eine Folie.",
        "How do doctors diagnose sleep apnoea? Keep it general.",
        "In chapter 4, Detective Morrow finds that Lady Ashgrove was pregnant when she died.",
        "Dans le chapitre 2, Madame Bovary tombe malade. Résume.",
    ],
)
def test_shares_of_people_and_figures_of_books_are_nobody(text: str) -> None:
    assert health_of_a_person(text, []) is None
    assert by_context(text) is None


def test_a_chapter_leaves_one_s_own_illness() -> None:
    assert health_of_a_person("After chapter 4 I must stop, I have breast cancer.", []) is not None
