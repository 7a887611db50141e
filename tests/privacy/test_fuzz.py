"""The fuzzer of `make fuzz-privacy`: a short run finds nothing, and a hole would be found."""

from __future__ import annotations

import itertools
import json

import pytest

from shortstop.config import PrivacyRule
from shortstop.types import Reach
from tests import fuzz_privacy as fuzz

from .conftest import guard as built
from .conftest import make

KINDS = ("canary", "token", "address")


def leaks(many: int) -> list[str]:
    strict, loose = fuzz.guard(), fuzz.guard(PrivacyRule("pseudonymise", tier="S2"))
    found = (c for _, c in itertools.islice(fuzz.cases(20261124), many))
    told = [(c, fuzz.leak(c, strict, loose)) for c in found if c.name.startswith(KINDS)]
    return [f"{c.name}: {what}" for c, what in told if what]


def test_a_short_run_finds_nothing() -> None:
    assert leaks(400) == []


def test_a_hole_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortstop.privacy.detectors.scan", lambda *_: [])
    assert len(leaks(100)) > 40


def test_a_case_is_the_same_each_time() -> None:
    (_, one), (_, two) = next(fuzz.cases(7, 11)), next(fuzz.cases(7, 11))
    assert (one, json.dumps(one.body)) == (two, json.dumps(two.body))


@pytest.mark.parametrize("inner", [None, True, {}, [], {"a": "b"}, "x", 1])
def test_a_key_of_letters_alone_is_read(inner: object) -> None:
    """It stood beside no value that would have shown it."""
    body = {"messages": [], "vendor": {"AKIAQEGRXQPZWJYHTABC": inner}}
    assert built().clear(make(body), fuzz.CALLER).reach == Reach.LOCAL_ONLY
