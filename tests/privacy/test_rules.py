"""Every rule holds its own vectors."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect import rules
from shortstop.privacy.detect.detector import standard_detector
from shortstop.privacy.detect.rules import Rule


@pytest.mark.parametrize("rule", rules.builtin(), ids=lambda r: r.id)
def test_vectors_hold(rule: Rule) -> None:
    assert rules.failures((rule,)) == []


@pytest.mark.parametrize("rule", rules.builtin(), ids=lambda r: r.id)
def test_the_prefilter_lets_every_vector_through(rule: Rule) -> None:
    for text in rule.positive:
        assert any(rule in piece for piece in standard_detector().survey(text).pieces)


def test_names_are_unique() -> None:
    names = [r.id for r in rules.builtin()]
    assert len(names) == len(set(names))
