"""Whether what stands in a place for a secret was filled in."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.filled import is_behind_a_slash, is_chosen, is_plain, is_strong


@pytest.mark.parametrize("value", ["tD%uEQQcSXR", "Rz7!kdPPa", "Kx_9fQ2-wal"])
def test_strong(value: str) -> None:
    assert is_strong(value)


@pytest.mark.parametrize(
    "value", ["letmein99", "Required", "getpass.getpass()", "<Password1>", "Salt", "String"]
)
def test_not_strong(value: str) -> None:
    assert not is_strong(value)


@pytest.mark.parametrize("value", ["pepito_grillo", "Kellerkind-77", "Apfelbaum22"])
def test_chosen(value: str) -> None:
    assert is_chosen(value)


@pytest.mark.parametrize("value", ["checklist", "something", "required", "user.getName"])
def test_not_chosen(value: str) -> None:
    assert not is_chosen(value)


@pytest.mark.parametrize("value", ["ATXZaZNBQYEZ", "Elastic-Band-3", "Winterreise8"])
def test_behind_a_slash(value: str) -> None:
    assert is_behind_a_slash(value)


@pytest.mark.parametrize("value", ["saturday", "settings", "Monday"])
def test_words_behind_a_slash_are_none(value: str) -> None:
    assert not is_behind_a_slash(value)


def test_sources_of_accounts_are_no_passwords() -> None:
    assert not is_plain("files systemd")
    assert is_plain("marmalade")
