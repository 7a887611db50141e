"""Privacy's verdicts from a child process: the same ones, and a word where it has gone."""

from __future__ import annotations

import multiprocessing

import pytest

from shortstop.app.decisions import patient_guard
from shortstop.app.judging import judge_beside
from shortstop.config import Config
from shortstop.config.load import parse
from shortstop.errors import ConfigError, ShortstopError
from shortstop.types import Caller, Message, Reach, Request, Text

TEXTS = ("Where is my card?", "I am Ann Jones, IBAN DE89 3704 0044 0532 0130 00.")


def asked(text: str) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return Request("r", "openai.chat", body, "m", (Message("user", (Text(text),)),))


def test_the_verdicts_are_those_of_this_process_and_a_lost_child_is_told() -> None:
    guard = patient_guard(Config())
    with judge_beside(Config()) as judge:
        found = [judge(asked(text), Caller()) for text in TEXTS]
        (child,) = multiprocessing.active_children()
        child.kill()
        child.join()
        with pytest.raises(ShortstopError, match="has ended"):
            judge(asked(TEXTS[0]), Caller())
    assert found == [guard.clear(asked(text), Caller()).recorded() for text in TEXTS]
    assert [one.reach >= Reach.LOCAL_ONLY for one in found] == [False, True]


def test_what_cannot_be_protected_is_refused_before_anything_is_read() -> None:
    config = parse('[privacy.documents]\nacme = ["/nowhere/at/all"]\n', {})
    with pytest.raises(ConfigError), judge_beside(config):
        pass
