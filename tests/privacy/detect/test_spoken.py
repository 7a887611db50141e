"""Spelled numbers are digits again; prose that counts is left alone."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.spoken import numerals


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("vier fünf drei zwei null", "45320"),
        ("quarante et un, dix-sept, zéro deux", "411702"),
        ("soixante-dix-sept, quatre-vingt-douze, trois", "77923"),
        ("doble cuatro uno uno dos", "44112"),
        ("vierundfünfzig, null vier, dreißig", "540430"),
        ("four one double zero, forty-two", "410042"),
        ("sette otto nove zero uno", "78901"),
        ("四五三二〇一", "453201"),
        ("D E acht neun drei sieben null", "89370"),
    ],
)
def test_spelled_numbers(text: str, digits: str) -> None:
    assert numerals(text).text.endswith(digits)


@pytest.mark.parametrize(
    "text", ["one or two of them", "Un deux trois", "six of one, half a dozen", "zwei Drittel"]
)
def test_prose_stays(text: str) -> None:
    assert numerals(text).text == text


def test_the_way_back_covers_the_words() -> None:
    text = "pay to four five three two zero now"
    view = numerals(text)
    at = view.text.index("45320")
    start, end = view.span(at, at + 5)
    assert text[start:].startswith("four")
    assert end <= text.index(" now") + 1
