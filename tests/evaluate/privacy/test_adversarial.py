"""The adversarial cases: flagged, or treated as unreadable and kept local."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shortstop.evaluate.privacy.adversarial import CASES, tricks
from shortstop.types import Caller, Clearance, Reach
from tests.privacy.conftest import chat, guard, make

MAIL = "jane.doe@acme-corp.com"


@pytest.mark.parametrize("name", CASES)
def test_stays_local(name: str, clear: Callable[..., Clearance]) -> None:
    assert clear(CASES[name]).reach >= Reach.LOCAL_ONLY


def test_all_thirty_tricks_fail() -> None:
    found = tricks()
    assert [t.number for t in found] == list(range(1, 31))
    assert [t for t in found if not t.passed] == []


def test_22_an_earlier_turn_taints_the_conversation() -> None:
    judge, caller = guard(), Caller(conversation="c")
    judge.clear(make(chat(MAIL)), caller)
    assert judge.clear(make(chat("send it to her")), caller).reach == Reach.LOCAL_ONLY
    other = Caller(tenant="b", conversation="c")
    assert judge.clear(make(chat("send it to her")), other).reach == Reach.ANYWHERE


def test_28_oversize_is_pinned(clear: Callable[..., Clearance]) -> None:
    assert clear("x " * 5_000_000).reasons == ("too-large-to-scan",)


@pytest.mark.parametrize(
    "text",
    ["What is 192.168.1.1 used for?", "Write a regex for e-mail addresses.", "2+2=4, v1.2.3"],
)
def test_harmless_goes_free(text: str, clear: Callable[..., Clearance]) -> None:
    assert clear(text).reach == Reach.ANYWHERE
