"""The reference is what the code says."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from scripts.reference.__main__ import FOLDER, NOTE, PAGES
from scripts.reference.configuration import page as configuration

from shortstop.config.restart import lifetimes


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_up_to_date(name: str) -> None:
    page: Callable[[], str] = PAGES[name]
    assert (FOLDER / name).read_text(encoding="utf-8") == NOTE + page(), "run `make reference`"


def test_every_key_is_there() -> None:
    found = re.findall(r"^\| `(\w+)` \|", configuration(), re.MULTILINE)
    assert len(found) == len(lifetimes())
    assert all(key.rpartition(".")[2] in found for key in lifetimes())
