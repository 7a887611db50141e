"""What answers look like decides what may learn them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.flywheel.shapes import Shape, fields, shape_of


@pytest.mark.parametrize(
    ("answers", "shape"),
    [
        (["card", "loan"] * 20, "labels"),
        (["card", "loan"] * 20 + ["a note that came once"], "labels"),
        ([f"summary number {i}" for i in range(40)], "prose"),
        (["one long answer of more than eight words in all, said again"] * 40, "prose"),
        ([f'{{"total": {i}, "shop": "A"}}' for i in range(40)], "fields"),
        ([f'{{"total": {i}}}' for i in range(39)] + ['{"shop": "A"}'], "fields"),
        ([f'{{"lines": [{i}]}}' for i in range(40)], "prose"),
        ([], "fields"),
    ],
)
def test_shapes(answers: list[str], shape: Shape) -> None:
    if answers:
        assert shape_of(answers) == shape


def test_only_flat_objects_have_fields() -> None:
    assert fields('{"a": "x", "b": 2.5}') == {"a": "x", "b": 2.5}
    for other in ("", "card", "[1]", "{}", '{"a": null}', '{"a": true}', '{"a": {"b": 1}}', "{"):
        assert fields(other) is None


@given(st.text())
def test_no_text_fails(text: str) -> None:
    fields(text)
    shape_of([text, text])
