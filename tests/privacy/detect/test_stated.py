"""Secrets that a text states, even plain words."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.rules import compile_pattern, either
from shortstop.privacy.detect.stated import gates, spans


def found(text: str) -> list[str]:
    data = text.encode()
    values = [data[a:b].decode() for a, b in spans(data)]
    assert not values or compile_pattern(either(gates())).search(data) is not None
    return values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("contraseña del router: pepito_grillo", "pepito_grillo"),
        ("Passwort für das WLAN: Kellerkind-77", "Kellerkind-77"),
        ('the password is still "bluebell tree"', "bluebell tree"),
        ("Username: larch\nPassword: marmalade\nwhy?", "marmalade"),
    ],
)
def test_a_stated_value_is_found(text: str, value: str) -> None:
    assert value in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "passwd: files systemd\nshadow: files",
        "passwords for new staff: checklist",
        "password for the portal: required",
        "the password is still wrong",
    ],
)
def test_what_says_how_a_password_is_names_none(text: str) -> None:
    assert found(text) == []
