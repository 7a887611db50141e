"""One pass over a text, in pieces: whatever a rule matches is found, once, at its exact place."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.privacy.detect.detector import (
    OVERLAP,
    PIECE,
    Detector,
    Survey,
    standard_detector,
    strict_detector,
    turned_detector,
)
from shortstop.privacy.detect.letters import loosened
from shortstop.privacy.detect.needs import inventory
from shortstop.privacy.detect.rules import Rule, builtin, compile_pattern
from shortstop.privacy.detect.signs import SIGNS
from tests.privacy.conftest import UNTIMED

MAIL, KEY = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"
PIECES = st.lists(
    st.sampled_from(
        [f" {MAIL} ", f" {KEY} ", "é", "漢字", "🙂", "a", "\n", " card 4111 1111 ", "١"]
    ),
    max_size=12,
)


def spans(text: str, value: str) -> list[tuple[int, int]]:
    hits = standard_detector().hits(text)
    return [(h.start, h.end) for h in hits if text[h.start : h.end] == value]


@UNTIMED
@given(PIECES)
def test_offsets_are_in_characters_whatever_their_bytes(pieces: list[str]) -> None:
    text = "".join(pieces)
    for value, label in ((MAIL, "EMAIL"), (KEY, "SECRET")):
        found = {(h.start, h.end) for h in standard_detector().hits(text) if h.rule.label == label}
        places = [i for i in range(len(text)) if text.startswith(value, i)]
        assert {(i, i + len(value)) for i in places} <= found


@pytest.mark.parametrize("filler", ["x ", "漢 "])
@pytest.mark.parametrize("around", range(-40, 41, 5))
def test_a_value_across_a_seam_is_found_once_and_in_place(filler: str, around: int) -> None:
    at = PIECE + around
    text = (filler * PIECE)[:at].rsplit(" ", 1)[0].ljust(at) + f" {MAIL} " + filler * 40
    assert spans(text, MAIL) == [(at + 1, at + 1 + len(MAIL))]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3 * PIECE))
def test_a_value_anywhere_in_a_long_text_is_found(at: int) -> None:
    text = ("word " * PIECE)[:at] + f" {MAIL} " + "word " * 200
    assert spans(text, MAIL) == [(at + 1, at + 1 + len(MAIL))]


@UNTIMED
@given(st.text(max_size=200))
def test_a_text_in_which_nothing_may_match_has_no_hits(text: str) -> None:
    for detector in (standard_detector(), strict_detector(), turned_detector()):
        if not detector.may_match(text):
            assert not detector.hits(text, survey=Survey((builtin(),), frozenset()))


def test_a_set_that_gives_up_lets_every_rule_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """RE2 gives up when it is out of memory: then nothing is known, and all rules are asked."""
    detector = Detector(builtin(), {"never": "zzzz"})
    text = f'write "to" <{MAIL}>:\n*{KEY}* = 1234567 [{chr(0x1F)}] & \\%|'
    before = detector.hits(text)
    for automaton in detector._automata:
        monkeypatch.setattr(automaton, "_set", SimpleNamespace(Match=lambda data: []))
    survey = detector.survey(text)
    assert set(survey.pieces[0]) == set(builtin())
    assert survey.signs == {"never"}
    assert set(map(str, before)) <= set(map(str, detector.hits(text)))


def test_a_survey_in_which_nothing_is_is_false() -> None:
    assert not standard_detector().survey("what is the capital of france")
    assert standard_detector().survey(MAIL)
    assert standard_detector().survey("%41"), "a sign is enough"


def test_a_survey_once_made_is_used() -> None:
    nothing = Survey(((),), frozenset())
    assert standard_detector().hits(MAIL, survey=nothing or Survey((), frozenset(["x"]))) == []


def test_detectors_for_made_up_texts_believe_fewer_rules() -> None:
    number = "card 4111 1111 1111 1111"
    assert standard_detector().hits(number)
    assert not turned_detector().hits(number), "reversed, one text in ten would hold a card"
    assert strict_detector().hits(KEY)
    assert turned_detector().hits(KEY)


def test_the_work_can_be_stopped_between_any_two_steps() -> None:
    text = (f"{MAIL} " + "x " * PIECE) * 2
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    standard_detector().hits(text, count)
    assert steps > len(text) // PIECE
    for last in range(steps):
        left = iter(range(last))

        def stop(left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise TimeoutError

        with pytest.raises(TimeoutError):
            standard_detector().hits(text, stop)


def test_a_text_of_one_piece_is_read_in_one() -> None:
    assert len(standard_detector().survey("x" * PIECE).pieces) == 1
    assert len(standard_detector().survey("x" * (PIECE + 1)).pieces) == 2
    assert OVERLAP < PIECE


@pytest.mark.parametrize("broken", ["\ud800", "a\udfffb"])
def test_half_a_character_stops_nothing(broken: str) -> None:
    assert spans(f"{broken} {MAIL}", MAIL)


VECTORS = [text for rule in builtin() for text in (*rule.positive, *rule.negative)]


@UNTIMED
@given(st.lists(st.sampled_from(VECTORS), min_size=1, max_size=6))
def test_automata_together_find_what_each_gate_alone_does(texts: list[str]) -> None:
    """However gates are put together, and whichever share an automaton, in a text that has what is
    needed. Of rules it finds those of looser gates, which are the same in ASCII."""
    text = "\n".join(texts)
    data = text.encode("utf-8", "replace")
    has, survey = inventory(data), standard_detector().survey(text)

    def asked(rule: Rule, form: Callable[[str], str]) -> bool:
        return any(holds(form(g), data) and rule.needs(g).met_by(has) for g in rule.gates)

    alone = tuple(rule for rule in builtin() if asked(rule, loosened))
    assert survey.pieces == (alone,)
    assert {rule for rule in builtin() if asked(rule, str)} <= set(alone)
    signs = {name for name, pattern in SIGNS.items() if holds(loosened(pattern), data)}
    assert survey.signs == signs


@UNTIMED
@given(st.sampled_from(builtin()), st.data())
def test_no_value_is_lost_to_what_is_not_asked(rule: Rule, data: st.DataObject) -> None:
    """Where the rule alone finds something, the survey says that it may."""
    vector = data.draw(st.sampled_from([*rule.positive, *rule.negative]))
    at = data.draw(st.integers(0, len(vector)))
    cut = data.draw(st.integers(0, 3))
    text = vector[:at] + data.draw(st.sampled_from(STRAY)) + vector[at + cut :]
    cased = data.draw(st.sampled_from([text, text.upper(), text.lower()]))
    if any(rule.values(cased)):
        assert rule in standard_detector().survey(cased).pieces[0]


STRAY = [
    "",
    "\n",
    "\t",
    "\x0b",
    "\x0c",
    "\x1f",
    "\u2003",
    "é",
    "7",
    "٣",
    "-",
    "_",
    "k",
    "\u212a",
    "ſ",
]
compile_gate = cache(compile_pattern)


def holds(gate: str, data: bytes) -> bool:
    return compile_gate(gate).search(data) is not None
