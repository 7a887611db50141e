"""Everything in one request is found, in every reading, at its place in its own leaf."""

from __future__ import annotations

import base64
import codecs
import gzip
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.privacy.detect import decode
from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.detector import PIECE, standard_detector
from shortstop.privacy.detect.register import Register
from shortstop.privacy.detect.scan import (
    AROUND,
    SEPARATOR,
    ScanHit,
    ScanSheet,
    Unreadable,
    islands,
    scan,
)
from shortstop.privacy.leaves import Leaf
from shortstop.types import Finding, Tier
from tests.privacy.conftest import READER, UNTIMED

MAIL, KEY, CARD = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT", "5474-0399-6012-1113"


def said(*texts: str) -> list[Leaf]:
    return [Leaf(f"$.messages[{i}].content", text, spoken=True) for i, text in enumerate(texts)]


def labels(texts: list[Leaf]) -> set[str]:
    return {f.label for f in scan(texts)}


def values(texts: list[Leaf]) -> set[tuple[str, str]]:
    by_path = {leaf.path: leaf.text for leaf in texts}
    return {(f.label, by_path[f.path][f.start : f.end]) for f in scan(texts)}


# ---------------------------------------------------------------- islands


TEXTS = st.lists(
    st.sampled_from(["a", " mail jane@example.com ", "ø", "\u200b", "－", "x" * 700, "１２"]),
    max_size=12,
).map("".join)


@UNTIMED
@given(TEXTS)
def test_every_changed_character_lies_in_an_island(text: str) -> None:
    view = canonical(text)
    found = list(islands(view))
    assert found == sorted(found)
    assert all(a < b <= len(text) for a, b in found)
    assert all(b < c for (_, b), (c, _) in pairwise(found))
    changed = [i for i, c in enumerate(text) if canonical(c).text != c]
    assert all(any(a <= i < b for a, b in found) for i in changed)
    assert bool(found) == bool(changed)


@UNTIMED
@given(TEXTS)
def test_nothing_of_the_plain_reading_is_missed(text: str) -> None:
    """Whatever the rules find in the text as it stands is found, in few islands or in many."""
    plain = {(h.rule.id, h.start, h.end) for h in standard_detector().hits(text)}
    found = {(f.rule, f.start, f.end) for f in scan([Leaf("$.input", text)])}
    assert plain <= found


def test_two_far_apart_are_two() -> None:
    text = "ø１" + "x" * (3 * AROUND) + "１"
    assert len(list(islands(canonical(text)))) == 2


# ---------------------------------------------------------------- any text at all


PIECES = st.lists(
    st.sampled_from(
        [MAIL, KEY, CARD, " ", "\n", "é", "\u200b", "%40", "&#64;", "\\u0040", "=40", '"+"', "at",
         " dot ", "patient Jane Doe ", "diabetes ", "\x1f", SEPARATOR, "4 1 1 1 ", "\ud800"]
    )
    | st.text(max_size=8),
    max_size=14,
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> list[Leaf]:
    texts = draw(st.lists(PIECES.map("".join), max_size=4))
    return [
        Leaf(f"$.{i}", text, draw(st.sampled_from(["", "ssn", "password"])), draw(st.booleans()))
        for i, text in enumerate(texts)
    ]


@UNTIMED
@given(bodies())
def test_no_text_makes_it_fail_and_every_finding_lies_in_its_leaf(texts: list[Leaf]) -> None:
    by_path = {leaf.path: leaf.text for leaf in texts}
    try:
        findings = scan(texts)
    except Unreadable:
        return
    assert len(findings) == len(set(findings))
    for finding in findings:
        assert 0 <= finding.start <= finding.end <= len(by_path[finding.path])


@UNTIMED
@given(st.lists(st.text(max_size=60), max_size=3), st.sampled_from([MAIL, KEY, CARD]))
def test_a_value_is_found_whatever_stands_in_other_leaves(others: list[str], value: str) -> None:
    found = scan([*said(*others), Leaf("$.value", f"it is {value} there")])
    assert any(f.path == "$.value" for f in found)
    start = len("it is ")
    exact = [f for f in found if (f.path, f.start, f.end) == ("$.value", start, start + len(value))]
    assert exact


@settings(max_examples=25, deadline=None)
@given(st.integers(0, PIECE + 2_000))
def test_a_value_deep_in_a_long_request_is_found_in_place(before: int) -> None:
    texts = [
        Leaf("$.a", "word " * (before // 5)),
        Leaf("$.b", f"to {MAIL}."),
        Leaf("$.c", "x " * 99),
    ]
    assert Finding("EMAIL", Tier.S2, "email", "$.b", 3, 3 + len(MAIL)) in scan(texts)


# ---------------------------------------------------------------- readings


def percent(text: str) -> str:
    return "".join(f"%{b:02X}" for b in text.encode())


READINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda t: t,
    "wide": lambda t: "".join(chr(ord(c) + 0xFEE0) for c in t),
    "invisible": "\u200b".join,
    "base64": lambda t: base64.b64encode(f"it is {t} ok".encode()).decode(),
    "base64 twice": lambda t: base64.b64encode(base64.b64encode(f"it is {t} ok".encode())).decode(),
    "gzip": lambda t: base64.b64encode(gzip.compress(f"it is {t} ok".encode(), mtime=0)).decode(),
    "hex": lambda t: f"it is {t} ok".encode().hex(),
    "percent": percent,
    "percent in base64": lambda t: base64.b64encode(f"it is {percent(t)} ok".encode()).decode(),
    "entities": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "escapes": lambda t: "".join(f"\\u{ord(c):04x}" for c in t),
    "quoted-printable": lambda t: "".join(f"={b:02X}" for b in t.encode()),
}


@pytest.mark.parametrize("value", [MAIL, KEY, CARD, "DE89370400440532013000"])
@pytest.mark.parametrize("reading", READINGS)
def test_a_value_is_found_in_every_reading(reading: str, value: str) -> None:
    (plain,) = {f.label for f in scan(said(f"so: {value} there"))}
    assert plain in labels(said(f"so: {READINGS[reading](value)} there"))
    assert plain in labels([Leaf("$.metadata.note", READINGS[reading](value), "note")])


@pytest.mark.parametrize(
    "text",
    [
        KEY[::-1],
        codecs.encode(f"write {MAIL} {KEY}", "rot13"),
        f'k = "{KEY[:4]}" + "{KEY[4:]}"',
        f"# {KEY[:10]}\n# {KEY[10:]}",
        " ".join(KEY),
    ],
)
def test_a_secret_is_found_turned_joined_and_spaced(text: str) -> None:
    assert "SECRET" in labels(said(text))


def test_a_card_that_only_a_turned_text_holds_is_an_accident() -> None:
    assert labels(said(CARD[::-1])) == set()


def test_a_value_seen_plainly_is_not_reported_again_by_another_reading() -> None:
    findings = scan(said(f"write to {MAIL} -- 100%25"))
    assert [f.rule for f in findings] == ["email"]


def test_json_in_a_string_is_not_reported_again_where_its_leaves_are_read() -> None:
    body = {"messages": [{"role": "user", "content": f'{{"to": "{MAIL}", "x": "\\u00e9"}}'}]}
    rules = [f.rule for f in scan(READER.leaves(body)) if f.label == "EMAIL"]
    assert rules == ["email", "email"], "in the text, and in the leaf that it holds"


# ---------------------------------------------------------------- what cannot be read


def noise(size: int) -> bytes:
    return random.Random(5).randbytes(size)


def test_a_long_blob_that_gives_no_text_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="unreadable-blob"):
        scan(said(base64.b64encode(noise(400)).decode()))


def test_a_text_encoded_too_often_is_unreadable() -> None:
    text = "the quick brown fox jumps over it"
    for _ in range(decode.MAX_DEPTH):
        text = base64.b64encode(text.encode()).decode()
    scan(said(text))
    with pytest.raises(Unreadable, match="encoded-too-deeply"):
        scan(said(base64.b64encode(text.encode()).decode()))


def test_more_than_the_limit_of_encoded_text_is_unreadable() -> None:
    bomb = base64.b64encode(gzip.compress(b"word " * (decode.MAX_CHARS // 8), mtime=0)).decode()
    scan(said(bomb))
    with pytest.raises(Unreadable, match="too-much-encoded"):
        scan(said(bomb, bomb, bomb))


def sealed(text: str) -> Leaf:
    return Leaf("$.messages[0].content[0].signature", text, sealed=True)


def test_a_vendors_cipher_need_not_be_readable() -> None:
    assert scan([sealed(base64.b64encode(noise(400)).decode())]) == []


@pytest.mark.parametrize("text", [f"the key is {KEY}", f"write to {MAIL}, please"])
def test_but_what_stands_in_it_in_code_is_found(text: str) -> None:
    assert scan([sealed(base64.b64encode(text.encode()).decode())])


def test_in_cipher_anything_below_a_secret_is_an_accident() -> None:
    account = "DE89370400440532013000"
    assert scan([sealed(account)]) == []
    assert scan([sealed(KEY)]) != []
    assert scan([Leaf("$.x", account)]) != []


# ---------------------------------------------------------------- across leaves


@pytest.mark.parametrize("cut", range(4, len(KEY) - 4))
def test_a_value_split_between_two_messages_is_found_in_the_first(cut: int) -> None:
    findings = scan(said(f"the key: {KEY[:cut]}", f"{KEY[cut:]} is all"))
    assert {f.label for f in findings} == {"SECRET"}
    (finding,) = [f for f in findings if f.rule.startswith("split:")]
    assert (finding.path, finding.start, finding.end) == ("$.messages[0].content", 9, 9 + cut)


def test_a_whole_value_at_the_end_of_a_message_is_not_split() -> None:
    """Read together with the next word it was once a longer address, and never let go."""
    assert [f.rule for f in scan(said(f"write to {MAIL}", "Sure, go on"))] == ["email"]
    assert len(scan(said("write to jane.doe@acme.co", "mpany, please"))) == 2, "that one may be"


def test_what_is_split_is_found_where_its_text_ends() -> None:
    (finding,) = scan(said("to jane.doe@acme  \n", "-corp.com please"))
    assert (finding.rule, finding.start, finding.end) == ("split:email", 3, 16)


def test_or_with_one_message_between() -> None:
    assert "EMAIL" in labels(said("write to jane.doe@acme", "Sure, go on.", "-corp.com please"))
    assert labels(said("to jane.doe@acme", "a", "b", "-corp.com please")) == set()


def test_settings_beside_each_other_are_no_conversation() -> None:
    texts = [Leaf("$.a", f"k {KEY[:9]}"), Leaf("$.b", KEY[9:])]
    assert scan(texts) == []


def test_a_key_gives_its_value_meaning() -> None:
    assert labels([Leaf("$.ssn", "088321296", "ssn")]) == {"NATIONAL_ID"}
    assert labels([Leaf("$.size", "088321296", "size")]) == set()
    assert values([Leaf("$.password", "hunter2!", "password")]) == {("SECRET", "hunter2!")}


def test_a_finding_never_reaches_beyond_the_leaf_it_starts_in() -> None:
    sheet = ScanSheet([Leaf("$.a", "ab", "k"), Leaf("$.b", "cd")])
    assert sheet.text == f"k: ab{SEPARATOR}cd"
    hit = ScanHit("X", Tier.S2, "r", 0, len(sheet.text))
    assert sheet.finding(hit) == Finding("X", Tier.S2, "r", "$.a", 0, 2)
    inside = ScanHit("X", Tier.S2, "r", len(sheet.text) - 1, len(sheet.text))
    assert sheet.finding(inside) == Finding("X", Tier.S2, "r", "$.b", 1, 2)


def test_health_of_a_person_is_found_over_several_leaves() -> None:
    texts = said("Notes on diabetes and insulin.", f"Her address: {MAIL}")
    assert {"HEALTH", "EMAIL"} == labels(texts)
    assert "HEALTH" not in labels(texts[:1])


FAR = "We sell garden chairs in many colours. " * 30


@pytest.mark.parametrize(
    "texts",
    [
        said("Her name is Ms Carla Boateng.", FAR, "It turned out to be lupus."),
        said(f"From: {MAIL}", FAR, "lupus, on prednisolone"),
        said(f"{MAIL} {FAR} lupus"),
        [Leaf("$.metadata.patient", "Carla Boateng", "patient"), *said(FAR, "stage 3 melanoma")],
        said("Insured: Carla Boateng " + base64.b64encode(b"diagnosis: ovarian cancer").decode()),
        said("Insured: Carla Boateng%2C ovarian%20cancer"),
        said(base64.b64encode(b"Mrs Boateng has ovarian cancer, on carboplatin").decode()),
    ],
)
def test_an_illness_and_its_person_may_stand_in_two_parts_of_a_request(texts: list[Leaf]) -> None:
    assert "HEALTH" in labels(texts)


@pytest.mark.parametrize(
    "texts",
    [
        said("What is lupus?", FAR, "Thanks."),
        said(f"From: {MAIL}", FAR, "our prices rise in May"),
        said("Explain " + base64.b64encode(b"diagnosis: ovarian cancer").decode()),
    ],
)
def test_one_of_the_two_is_not_health(texts: list[Leaf]) -> None:
    assert "HEALTH" not in labels(texts)


# ---------------------------------------------------------------- register and clock


def test_a_tenants_own_terms_are_of_the_highest_tier() -> None:
    (finding,) = scan(said("on Project Osprey"), Register(["project osprey"]))
    assert finding == Finding("DICTIONARY", Tier.S3, "tenant-term", "$.messages[0].content", 3, 17)


@pytest.mark.parametrize("half", ["\ud800", "é\ud83d"])
def test_half_a_character_hides_nothing(half: str) -> None:
    """RE2 refuses such texts: they were once left to the guard, which pinned them."""
    text = f"{half} My patient Jane Doe was diagnosed with diabetes. Project Osprey. {MAIL}"
    rules = {f.label for f in scan(said(text), Register(["Project Osprey"]))}
    assert rules == {"HEALTH", "DICTIONARY", "EMAIL"}


def test_nothing_in_no_leaves() -> None:
    assert scan([]) == []
    assert scan(said("")) == []


def test_the_clock_is_asked_and_may_stop_it() -> None:
    texts = said(f"{MAIL} %40 " + base64.b64encode(b"some text or other, please").decode())
    steps = []
    scan(texts, tick=lambda: steps.append(1))
    assert len(steps) > 3

    def stop() -> None:
        if len(steps) == 0:
            raise TimeoutError
        steps.pop()

    with pytest.raises(TimeoutError):
        scan(texts, tick=lambda: (_ for _ in ()).throw(TimeoutError()))
    del steps[-1]
    with pytest.raises(TimeoutError):
        scan(texts, tick=stop)


def test_what_the_lists_take_for_somebody_s_health_may_be_denied() -> None:
    novel = "In Middlemarch Mr Casaubon has a weak heart; how does Eliot prepare the reader?"
    assert tiers(novel) == set()
    assert Tier.S3 in tiers(f"{novel} Write to m.casaubon@lowick.example.co.uk")
    assert Tier.S3 in tiers(f"{novel}\n\nMy brother Paul has diabetes and needs insulin.")


def tiers(text: str) -> set[Tier]:
    return {f.tier for f in scan([Leaf("$", text)]) if f.tier >= Tier.S2}
