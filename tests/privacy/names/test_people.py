"""Names of people: by what a tagger saw, and by first names, titles, cues and lists without it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.names.people import Entity, covered, first_names, people


def named(text: str, *entities: Entity) -> list[str]:
    return [text[a:b] for a, b in people(text, entities)]


def entity(label: str, text: str, of: str) -> Entity:
    start = of.index(text)
    return Entity(label, start, start + len(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Dear Ms Winterbottom, thank you", ["Winterbottom"]),
        ("My name is Ludmiła Kowalska.", ["Ludmiła Kowalska"]),
        ("Yesterday Ms. O'Brien's car broke down", ["O'Brien"]),
        ("ask Dr. Willem van der Berg", ["Willem van der Berg"]),
        ("Will you be in the May meeting? Mark the date.", []),
        ("What is a cascade? Describe it.", []),
        ("Jennifer wrote it.", ["Jennifer"]),
        ("Thanks, Mark", ["Mark"]),
        ("will you?", []),
        ("call me Mark, please", ["Mark"]),
        ("Mark the date", []),
        ("Jennifer and Mark came", ["Jennifer", "Mark"]),
        ("Jennifer, Mark and Rose", ["Jennifer", "Mark", "Rose"]),
        ("Jennifer and Will", ["Jennifer"]),
        ("Grace said so", ["Grace"]),
        ("Dear Jean-Pierre Dupont", ["Jean-Pierre Dupont"]),
        ("Jennifer's dog", ["Jennifer"]),
        ("Jennifer B. Goode", ["Jennifer B. Goode"]),
        ("Jennifer\nSmith", ["Jennifer"]),
        ("Herr Müller und Frau Schmidt", ["Müller", "Schmidt"]),
    ],
)
def test_people_without_a_tagger(text: str, wanted: list[str]) -> None:
    assert named(text) == wanted


def test_who_was_named_in_full_is_known_by_a_part() -> None:
    text = "Jennifer Winterbottom came. Later Winterbottom left."
    assert named(text) == ["Jennifer Winterbottom", "Winterbottom"]


def test_a_person_that_the_tagger_saw_is_one() -> None:
    text = "We met Kxyzq Blorf in Leeds."
    assert named(text) == []
    assert named(text, entity("PERSON", "Kxyzq Blorf", text)) == ["Kxyzq Blorf"]


@pytest.mark.parametrize("label", ["ORG", "GPE", "WORK_OF_ART", "PRODUCT"])
def test_what_begins_with_a_first_name_is_a_person_whatever_the_tagger_says(label: str) -> None:
    text = "She saw Jennifer Zorblatt there"
    assert named(text, entity(label, "Jennifer Zorblatt", text)) == ["Jennifer Zorblatt"]


@pytest.mark.parametrize("firm", ["Jennifer Media", "Jennifer Smith Ltd", "Jennifer University"])
def test_a_firm_of_that_name_is_none(firm: str) -> None:
    text = f"They work at {firm} now"
    assert named(text, entity("ORG", firm, text)) == []


def test_a_place_of_that_name_is_none() -> None:
    text = "We went to Florence in spring"
    assert named(text, entity("GPE", "Florence", text)) in ([], ["Florence"])
    text = "We went to Sydney in spring"
    assert named(text, Entity("NORP", 11, 17)) == []


def test_a_person_with_a_number_is_a_mistake_of_the_taggers() -> None:
    text = "Run Blorf 3000 today"
    assert named(text, entity("PERSON", "Blorf 3000", text)) == []


def test_titles_and_verbs_are_not_part_of_the_name() -> None:
    text = "Ask Mr Blorf Please"
    assert named(text, entity("PERSON", "Mr Blorf Please", text)) == ["Blorf"]


def test_nothing_is_read_in_what_is_taken() -> None:
    text = "Jennifer lives at 12 Jennifer Road"
    start = text.rindex("Jennifer")
    assert [text[a:b] for a, b in people(text, (), [(start, len(text))])] == ["Jennifer"]


def test_an_entity_ends_with_its_line() -> None:
    text = "Kxyzq\nBlorf"
    assert named(text, Entity("PERSON", 0, len(text))) == ["Kxyzq"]


@pytest.mark.parametrize(
    ("name", "sure"), [("jennifer", True), ("ludmila", True), ("will", False), ("mark", False)]
)
def test_the_list_says_which_names_are_words_as_well(name: str, sure: bool) -> None:
    assert first_names()[name] is sure
    assert "cascade" not in first_names()


WORDS = st.sampled_from(
    ["Jennifer", "Mark", "Blorf", "Mr", "van", "der", "and", ",", ".", "'s", "B.", "the", "said",
     "Dear", "\n", "É", "李小龙", "12", "Ltd"]
)  # fmt: skip


@given(
    st.lists(WORDS, max_size=20),
    st.lists(st.tuples(st.sampled_from(["PERSON", "ORG", "GPE", "X"]), st.integers(0, 90),
                       st.integers(0, 30)), max_size=5),
)  # fmt: skip
def test_spans_lie_inside_in_order_and_hold_a_letter(
    words: list[str], seen: list[tuple[str, int, int]]
) -> None:
    text = " ".join(words)
    entities = [
        Entity(label, min(start, len(text)), min(start + length, len(text)))
        for label, start, length in seen
    ]
    spans = people(text, entities)
    edges = [x for span in spans for x in span]
    assert edges == sorted(edges)
    assert all(any(c.isalpha() for c in text[a:b]) for a, b in spans)


@given(st.text("ab ", max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9))))
def test_a_mask_is_set_inside_the_spans_alone(text: str, spans: list[tuple[int, int]]) -> None:
    inside = [(min(a, len(text)), min(a + n, len(text))) for a, n in spans]
    mask = covered(text, inside)
    assert len(mask) == len(text)
    assert [bool(x) for x in mask] == [any(a <= i < b for a, b in inside) for i in range(len(text))]


def test_many_entities_cost_their_number_and_not_its_square() -> None:
    """Each entity's words were once looked for among all words of the text."""

    def took(count: int) -> float:
        text = "Blorf met Kxyzq at Acme Media. " * count
        entities = [
            Entity(label, i * 31 + start, i * 31 + end)
            for i in range(count)
            for label, start, end in (("PERSON", 0, 5), ("PERSON", 10, 15), ("ORG", 19, 29))
        ]
        before = time.thread_time()
        people(text, entities)
        return time.thread_time() - before

    took(10)
    assert min(took(1_200) for _ in range(3)) < 0.05 + 3 * min(took(600) for _ in range(3))
