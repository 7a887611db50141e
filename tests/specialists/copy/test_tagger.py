"""Labels mark where values begin and end."""

from __future__ import annotations

import pytest

from shortstop.specialists.copy.tagger import SpanTagger, tags


def test_labels_mark_beginning_inside_last_and_single() -> None:
    assert tags(6, [(1, 2), (3, 6)]) == ["O", "U", "O", "B", "I", "L"]
    assert tags(3, [(0, 2)]) == ["B", "L", "O"]


def test_what_is_no_model_is_refused() -> None:
    pytest.importorskip("pycrfsuite", reason="needs the extra [learn]")
    with pytest.raises(ValueError, match=r"."):
        SpanTagger(b"nothing of the kind")
