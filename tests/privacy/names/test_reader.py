"""What is read of a request that is about to leave: prose, for people, places and numbers."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.leaves import Leaf
from shortstop.privacy.names.people import Entity
from shortstop.privacy.names.reader import findings, readable, spans
from shortstop.types import Json, Tier
from tests.privacy.conftest import READER


def read(text: str, *entities: Entity) -> list[tuple[str, str]]:
    return [(label, text[a:b]) for label, a, b in spans(text, entities)]


def entity(label: str, text: str, of: str) -> Entity:
    start = of.index(text)
    return Entity(label, start, start + len(text))


# ---------------------------------------------------------------- which leaves


def paths(body: Json) -> list[str]:
    return [leaf.path for leaf in readable(body, READER)]


def test_what_is_said_is_read_and_the_wire_is_not() -> None:
    body = {
        "model": "Jane",
        "messages": [
            {"role": "user", "content": "Jane came", "id": "Jane"},
            {"role": "assistant", "tool_calls": [
                {"id": "Jane", "type": "function",
                 "function": {"name": "Jane", "arguments": '{"to": "Jane"}'}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "Jane", "description": "Jane"}}],
        "stop": "Jane",
    }  # fmt: skip
    said = paths(body)
    assert "$.messages[0].content" in said
    assert any(path.startswith("$.messages[1].tool_calls[0].function.arguments") for path in said)
    assert not any("tools" in path or path.endswith((".id", ".name", "model")) for path in said)


@pytest.mark.parametrize(
    "body",
    [
        {"input": "Jane"},
        {"system": "Jane"},
        {"instructions": "Jane"},
        {"prompt": "Jane"},
        {"user": "Jane"},
        {"metadata": {"who": "Jane"}},
    ],
)
def test_every_dialects_prose_is_read(body: Json) -> None:
    assert [leaf.text for leaf in readable(body, READER)] == ["Jane"]


@pytest.mark.parametrize("text", ["", "12 34", "data:image/png;base64,AAAA", "!?"])
def test_what_has_no_words_is_not(text: str) -> None:
    assert readable({"input": text}, READER) == []


SIGNATURE = "Jane8ZkT3vXbN1wRyPmL0sGfH7dJcU5aEoVi2Kt9xQn="


def test_a_vendors_cipher_is_not() -> None:
    block = {"type": "thinking", "thinking": "Jane", "signature": SIGNATURE}
    body = {"messages": [{"role": "assistant", "content": [block]}]}
    assert [leaf.path.rsplit(".", 1)[-1] for leaf in readable(body, READER)] == ["thinking"]


# ---------------------------------------------------------------- what is found in one


def test_people_places_and_firms_under_our_labels() -> None:
    text = "Jennifer Smith of Acme Corp flew to Leeds via Zvornik Bridge."
    found = read(
        text,
        entity("PERSON", "Jennifer Smith", text),
        entity("ORG", "Acme Corp", text),
        entity("GPE", "Leeds", text),
        entity("FAC", "Zvornik Bridge", text),
        entity("DATE", "flew", text),
    )
    assert set(found) == {
        ("PERSON", "Jennifer Smith"),
        ("ORGANISATION", "Acme Corp"),
        ("PLACE", "Leeds"),
        ("PLACE", "Zvornik Bridge"),
    }


@pytest.mark.parametrize(
    ("said", "wanted"),
    [("Acme's", "Acme"), ("Acme,", "Acme"), ("Acme\nnext line", "Acme")],
)
def test_possessive_sign_and_the_next_line_are_left_out(said: str, wanted: str) -> None:
    text = f"from {said} it came"
    assert read(text, entity("ORG", said, text)) == [("ORGANISATION", wanted)]


@pytest.mark.parametrize("said", ["monday", "Bank", "12", "AB", "the"])
def test_what_is_no_name_is_left_out(said: str) -> None:
    text = f"from {said} it came"
    assert read(text, entity("ORG", said, text)) == []


@pytest.mark.parametrize(
    ("number", "label"),
    [
        ("+49 30 901820", "PHONE"),
        ("(415) 555-2671", "PHONE"),
        ("0161 496 0000", "PHONE"),
        ("4111 1111 1111 1112", "CARD"),
        ("4111-1111-1111-1112", "CARD"),
        ("4111111111111112", "CARD"),
    ],
)
def test_numbers_are_read_whatever_their_check_digits(number: str, label: str) -> None:
    assert read(f"Call: {number}, please") == [(label, number)]


@pytest.mark.parametrize(
    "number", ["2024-03-01", "01.03.2024", "1234567", "123 45", "v1.2.3.4.5.6.7", "x12345678"]
)
def test_dates_and_plain_numbers_are_not(number: str) -> None:
    assert read(f"Call: {number}, please") == []


def test_a_person_inside_an_address_belongs_to_the_address() -> None:
    text = "send it to 12 Jennifer Road, Leeds LS1 4AP"
    assert read(text) == [("ADDRESS", "12 Jennifer Road, Leeds LS1 4AP")]


def test_a_text_in_small_letters_names_people_all_the_same() -> None:
    assert read("my name is jennifer winterbottom") == [("PERSON", "jennifer winterbottom")]


PIECES = st.lists(
    st.sampled_from(["Jennifer ", "Acme Corp ", "12 Station Road, ", "+49 30 901820 ", "and ", "\n",
                     "4111 1111 1111 1112 ", "Leeds LS1 4AP ", "é", "the ", "Mr "]),
    max_size=16,
)  # fmt: skip


@given(PIECES, st.lists(st.tuples(st.sampled_from(["PERSON", "ORG", "GPE"]), st.integers(0, 99),
                                  st.integers(1, 20)), max_size=4))  # fmt: skip
def test_no_two_spans_overlap_unless_the_tagger_saw_both(
    pieces: list[str], seen: list[tuple[str, int, int]]
) -> None:
    text = "".join(pieces)
    entities = [Entity(k, min(a, len(text)), min(a + n, len(text))) for k, a, n in seen]
    found = list(spans(text, entities))
    assert all(0 <= a < b <= len(text) for _, a, b in found)
    own = sorted((a, b) for label, a, b in found if label not in ("ORGANISATION", "PLACE"))
    assert all(b <= c for (_, b), (c, _) in pairwise(own))


@pytest.mark.parametrize("piece", ["Aa-", "Aa ", "12 Aa Street, ", "1 ", "A.", "rue ", "\n> "])
def test_reading_stays_linear(piece: str) -> None:
    """Twice the text takes about twice as long, not four times."""

    def took(length: int) -> float:
        text = piece * (length // len(piece))
        before = time.thread_time()
        list(spans(text, ()))
        return time.thread_time() - before

    took(1_000)
    assert min(took(40_000) for _ in range(3)) < 0.05 + 3 * min(took(20_000) for _ in range(3))


# ---------------------------------------------------------------- over a request


def test_findings_are_of_tier_s1_and_by_leaf() -> None:
    leaves = [Leaf("$.input[0]", "hello"), Leaf("$.input[1]", "I am Jennifer")]
    (finding,) = findings(leaves, [(), ()])
    assert (finding.label, finding.tier, finding.rule) == ("PERSON", Tier.S1, "ner-person")
    assert (finding.path, finding.start, finding.end) == ("$.input[1]", 5, 13)


def test_firms_and_places_alone_name_nobody() -> None:
    text = "Acme Corp is in Leeds"
    entities = [entity("ORG", "Acme Corp", text), entity("GPE", "Leeds", text)]
    assert findings([Leaf("$.input", text)], [entities]) == []
    both = findings([Leaf("$.input", text), Leaf("$.user", "Jennifer")], [entities, ()])
    assert {f.label for f in both} == {"ORGANISATION", "PLACE", "PERSON"}


def test_an_answer_for_other_leaves_is_an_error() -> None:
    with pytest.raises(ValueError):
        findings([Leaf("$.input", "a")], [(), ()])
