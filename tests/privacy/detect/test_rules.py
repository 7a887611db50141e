"""Every rule holds its own vectors; rules are read strictly and matched exactly."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import ConfigError
from shortstop.privacy.detect import rules
from shortstop.privacy.detect.detector import standard_detector
from shortstop.privacy.detect.rules import Rule, characters, either, in_uuid, parse, prefilter
from shortstop.types import Tier
from tests.privacy.conftest import UNTIMED

BUILTIN = rules.builtin()


@pytest.mark.parametrize("rule", BUILTIN, ids=lambda r: r.id)
def test_vectors_hold(rule: Rule) -> None:
    assert rules.failures((rule,)) == []


@pytest.mark.parametrize("rule", BUILTIN, ids=lambda r: r.id)
def test_the_prefilter_lets_every_vector_through(rule: Rule) -> None:
    for text in rule.positive:
        assert any(rule in piece for piece in standard_detector().survey(text).pieces)


@pytest.mark.parametrize("rule", BUILTIN, ids=lambda r: r.id)
def test_the_prefilter_matches_wherever_the_pattern_does(rule: Rule) -> None:
    """But for what its check refuses by the number of digits."""
    loose = rules.compile_pattern(either(rule.gates))
    counts = rule.id == "phone-international"
    for text in (*rule.positive, *rule.negative):
        found = rule.values(text) if counts else rule.compiled.finditer(text.encode())
        if any(found):
            assert loose.search(text.encode()) is not None, text


DIALLED = [
    "+",
    "00",
    "+49",
    "0049",
    "(0)",
    "(",
    ")",
    " ",
    ".",
    "-",
    "/",
    "x",
    "ext",
    "ext. ",
    "#",
    "\t",
]
DIALLED += [*"0123456789", "30", "901", "820", "1234567", "a", "no "]


@UNTIMED
@given(st.lists(st.sampled_from(DIALLED), max_size=16).map("".join))
def test_the_gate_of_telephones_is_where_one_may_be(text: str) -> None:
    rule = next(rule for rule in BUILTIN if rule.id == "phone-international")
    if any(rule.values(text)):
        assert rules.compile_pattern(either(rule.gates)).search(text.encode()) is not None


def test_the_number_of_a_ticket_is_no_telephone_at_first_sight() -> None:
    rule = next(rule for rule in BUILTIN if rule.id == "phone-international")
    for text in ("Ticket #001234 of April", "order 00417, 2 pieces", "+12 %"):
        assert rule not in standard_detector().survey(text).pieces[0]


def test_names_are_unique() -> None:
    names = [r.id for r in BUILTIN]
    assert len(names) == len(set(names))


@UNTIMED
@given(st.sampled_from(BUILTIN), st.text("é漢🙂a .", max_size=12), st.text("é漢🙂 .", max_size=6))
def test_values_are_in_characters_and_moved_by_what_stands_before(
    rule: Rule, before: str, after: str
) -> None:
    text = rule.positive[0]
    alone = [(start, end) for start, end in rule.values(text)]
    moved = list(rule.values(f"{before}\n\n{text}\n\n{after}"))
    shift = len(before) + 2
    for start, end in alone:  # a rule without a group may take the line end before it
        assert any(a <= start + shift and end + shift <= b for a, b in moved)


# ---------------------------------------------------------------- reading


RULE: dict[str, Any] = {
    "id": "my-rule", "label": "X", "tier": 2, "pattern": r"x(\d+)",
    "positive": ["x12"], "negative": ["y12"],
}  # fmt: skip


def rule(**changes: Any) -> Rule:
    (read,) = parse({"rule": [RULE | changes]}, "mine.toml")
    return read


def test_a_rule_is_read_with_what_it_leaves_out() -> None:
    read = rule()
    assert (read.book, read.label, read.tier, read.group) == ("mine", "X", Tier.S2, 1)
    assert (read.check, read.near, read.window) == (None, None, 60)
    assert (read.strong, read.random, read.shrink) == (False, False, False)
    assert rule(pattern=r"x\d+").group == 0, "without a group the match is the value"
    assert list(parse({}, "empty.toml")) == []


@pytest.mark.parametrize(
    "broken",
    [{"tier": 7}, {"check": "no.such.check"}, {"finder": "no_such_module"}],
)
def test_a_broken_rule_is_named_with_its_file(broken: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml: rule 'my-rule' is broken"):
        rule(**broken)


@pytest.mark.parametrize(
    "broken",
    [
        {"pattern": "x("},
        {"pattern": r"(?=x)y"},
        {"near": "["},
        {"unless_before": "*"},
        {"unless_after": "("},
    ],
)
def test_a_pattern_that_cannot_be_compiled_is_a_failure(broken: dict[str, Any]) -> None:
    (problem,) = rules.failures((rule(**broken),))
    assert problem.startswith("my-rule: a pattern is broken: ")


@pytest.mark.parametrize("missing", ["label", "tier", "pattern", "positive", "negative"])
def test_a_rule_without_something_is_named_too(missing: str) -> None:
    incomplete = {k: v for k, v in RULE.items() if k != missing}
    with pytest.raises(ConfigError, match=f"my-rule.*{missing}"):
        list(parse({"rule": [incomplete]}, "mine.toml"))
    with pytest.raises(ConfigError, match=r"rule '\?'"):
        list(parse({"rule": [{}]}, "mine.toml"))


def test_failures_say_what_is_missed_and_what_is_found() -> None:
    assert rules.failures((rule(positive=["y1"]),)) == ["my-rule: misses 'y1'"]
    assert rules.failures((rule(negative=["x1"]),)) == ["my-rule: finds 'x1'"]
    assert rules.failures((rule(positive=[]),)) == ["my-rule: has no test vector"]


# ---------------------------------------------------------------- matching


def test_the_group_is_the_value() -> None:
    assert list(rule().values("ax12 x3")) == [(2, 4), (6, 7)]


def test_context_must_stand_within_the_window() -> None:
    """It is counted from the value, not from the match."""
    near = rule(near=r"\bid\b", window=10)
    for gap in (1, 5, 7):
        assert list(near.values("id" + " " * gap + "x12"))
        assert list(near.values("x12" + " " * (gap + 1) + "id")), "behind it as well"
    assert list(near.values("id" + " " * 8 + "x12")) == []
    assert list(near.values("x12" + " " * 9 + "id")) == []


def test_a_check_decides() -> None:
    card = rule(pattern=r"\d{16}", check="card")
    assert list(card.values("4111111111111111")) == [(0, 16)]
    assert list(card.values("4111111111111112")) == []


def test_a_candidate_that_fails_hides_none_that_overlaps_it() -> None:
    card = rule(pattern=r"\d{16}", check="card")
    assert list(card.values("14111111111111111")) == [(1, 17)]
    assert list(card.values("9" * 9 + "4111111111111111")) == [(9, 25)]


def test_a_rule_that_may_take_too_much_gives_the_last_groups_back() -> None:
    account = rule(pattern=r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{2,4})+", check="iban", shrink=True)
    text = "DE89 3704 0044 0532 0130 00 AND MORE"
    assert [text[a:b] for a, b in account.values(text)] == ["DE89 3704 0044 0532 0130 00"]
    fixed = rule(pattern=r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{2,4})+", check="iban")
    assert list(fixed.values(text)) == []


def test_values_one_after_the_other_are_all_found() -> None:
    card = rule(pattern=r"\d{16}", check="card", shrink=True)
    assert list(card.values("4111111111111111 4111111111111111")) == [(0, 16), (17, 33)]


ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def test_numbers_inside_a_uuid_are_accidents() -> None:
    drawn = rule(pattern=r"\d{4}", random=True)
    assert list(drawn.values(f"{ID} 1234")) == [(37, 41)]
    assert list(rule(pattern=r"0305").values(ID)), "of other rules they are not"


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [(0, 3, False), (0, 4, True), (10, 20, True), (38, 44, True), (40, 44, False)],
)
def test_a_number_that_reaches_into_a_uuid_lies_in_it(start: int, end: int, inside: bool) -> None:
    assert in_uuid(f"ab {ID} ab".encode(), start, end) is inside


def test_groups_of_digits_alone_are_no_uuid() -> None:
    digits = "12345678-1234-4123-8123-123456789012"
    assert not in_uuid(digits.encode(), 0, 10)


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_characters_before_a_byte(text: str) -> None:
    data = text.encode()
    ends = [len(text[:i].encode()) for i in range(len(text) + 1)]
    assert [characters(data, end) for end in ends] == list(range(len(ends)))


# ---------------------------------------------------------------- the prefilter


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"AKIA[0-9A-Z]{16}", r"AKIA[0-9A-Z]{12,}"),
        (r"x{2}", r"x{2}"),
        (r"x{20,40}", r"x{12,}"),
        (r"x{0,30}", r"x*"),
        (r"x{1,3}", r"x{1,3}"),
        (r"key[^\n]{0,40}\d{8}", r"key"),
        (r"key[a-z]{0,40}\d{8}", r"key[a-z]*\d{8}"),
        (r"[^\n]{0,40}key", r"[^\n]*key"),
    ],
)
def test_counts_become_loose_and_what_follows_a_gap_is_left_out(pattern: str, wanted: str) -> None:
    assert prefilter(pattern) == wanted


COUNTS = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)


@given(st.lists(st.tuples(st.sampled_from("ab"), COUNTS), min_size=1, max_size=4), st.data())
def test_it_matches_every_text_that_the_pattern_does(
    parts: list[tuple[str, list[int]]], data: st.DataObject
) -> None:
    pattern = "".join(f"{char}{{{low},{high}}}" for char, (low, high) in parts)
    text = "".join(char * data.draw(st.integers(low, high)) for char, (low, high) in parts)
    assert re.fullmatch(pattern, text)
    assert re.search(f"^(?:{prefilter(pattern)})$", text)


@pytest.mark.parametrize(
    "pattern", [r"(?i)(?:^|[^\pL])(m\pL+)s\b", r"\p{Lu}\p{Ll}+ \p{Lu}[\pL'’-]+", r"[^\pL\pN]{2}"]
)
@given(st.text("mMsé ’–x1Я癌K\n", max_size=30))
def test_a_pattern_of_letters_finds_in_every_text_what_the_whole_does(
    pattern: str, text: str
) -> None:
    whole, small, data = rules.compile_pattern(pattern), rules.LetterPattern(pattern), text.encode()
    assert small.groups == whole.groups
    found = [m.span() for m in whole.finditer(data)]
    assert [m.span() for m in small.finditer(data)] == found
    assert [m.span() for m in small.finditer(text)] == [m.span() for m in whole.finditer(text)]
    assert (small.search(data, 1) is None) == (whole.search(data, 1) is None)
    assert (small.fullmatch(data) is None) == (whole.fullmatch(data) is None)
    assert small.sub(b" ", data) == whole.sub(b" ", data)


def test_the_whole_is_compiled_for_the_first_text_beyond_ascii() -> None:
    pattern = rules.lettered(r"\pL{3} again")
    assert pattern.search("abc again") is not None
    assert pattern._whole is None
    assert pattern.search("éàü again") is not None
    assert pattern._whole is not None
    assert not isinstance(rules.lettered("[a-z]{3} again"), rules.LetterPattern)
