"""What may be a secret is cut out of what it stands in, and its make is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect.candidates import candidates, form_of


def found(text: str) -> set[tuple[str, str]]:
    return {(c.form, c.value) for c in candidates(text)}


@pytest.mark.parametrize(
    ("value", "form"),
    [("0b8f1f0e-3c7d-4b9a-9c55-2f1f6f0e7a11", "uuid"), ("4921", "digits"), ("482-913", "digits"),
     ("AB12C-9KQ2Z-77XWM-4TTQP", "groups"), ("a7f3q-2kd9x", "groups"),
     ("9f86d081884c7d659a2feaa0c55ad015", "hex"), ("9fK2mQ8xLr41ZtVbQQ", "random"),
     ("Winter41", "chosen"), ("Copperharbour1984", "chosen"), ("AB-1234x", "coded"),
     ("Tr0ub4dor&3", "mixed"), ("purple-kettle-walks-slowly", "words"),
     ("QpYsIESxTabLmqWz", "random"), ("hello", ""), ("12,345.67", ""), ("don't", "")],
)  # fmt: skip
def test_makes(value: str, form: str) -> None:
    assert form_of(value) == form


@pytest.mark.parametrize(
    ("text", "value"),
    [("the password is Tr0ub4dor&3.", "Tr0ub4dor&3"), ('"password":"Tr0ub4dor&3",', "Tr0ub4dor&3"),
     ("(Tr0ub4dor&3)", "Tr0ub4dor&3"), ("PASS=Tr0ub4dor&3", "Tr0ub4dor&3"),
     ("--password=Tr0ub4dor&3", "Tr0ub4dor&3"), ("<pw>Tr0ub4dor&3</pw>", "Tr0ub4dor&3"),
     ("jon:Tr0ub4dor&3", "Tr0ub4dor&3"), ("jon%Tr0ub4dor&3", "Tr0ub4dor&3"),
     ("密码是Tr0ub4dor&3。", "Tr0ub4dor&3"), ("https://x.y/z?token=a8Kq2Zx9Lm&b=1", "a8Kq2Zx9Lm"),
     ("code:482 913", "482 913"), ("/v1/items?key=a8Kq2Zx9Lm", "a8Kq2Zx9Lm"),
     ('Is "purple kettle walks slowly" good?', "purple kettle walks slowly")],
)  # fmt: skip
def test_a_value_is_found_in_whatever_it_stands(text: str, value: str) -> None:
    assert value in {v for _, v in found(text)}


def test_code_around_a_value_is_no_part_of_it() -> None:
    assert found("Field(min_length=8)") == set()
    assert found("token: AccessToken = Depends(bearer)") == set()


@given(st.text("aé漢 \n:=\"'(4Zk9!", max_size=60))
def test_offsets_are_of_the_text(text: str) -> None:
    for c in candidates(text):
        assert text[c.start : c.end] == c.value
