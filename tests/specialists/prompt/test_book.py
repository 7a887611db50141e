"""Fixed examples first, retrieved ones after them, the nearest last; the request stays as it is."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.specialists import kinds
from shortstop.specialists.opinion import Shot
from shortstop.specialists.prompt.book import LONGEST, PromptBook, with_shots
from shortstop.specialists.prompt.files import dump_book
from shortstop.specialists.query import Query
from shortstop.types import Message, Request, Text
from tests.flywheel.traffic import WordEncoder

SHOTS = [
    Shot(text, text.upper())
    for text in ("red car", "blue house", "green tree", "old green tree", "cat")
]


def book(shots: list[Shot] = SHOTS, near: int = 2) -> PromptBook:
    encoder = WordEncoder()
    return PromptBook(shots, encoder.encode([s.text for s in shots]), 1, near, encoder)


def test_fixed_ones_are_in_front_and_the_nearest_is_last() -> None:
    (opinion,) = book().opine([Query("a green tree")])
    assert opinion is not None
    assert opinion.shots == (SHOTS[0], SHOTS[3], SHOTS[2])
    assert 0.5 < opinion.confidence <= 1


def test_an_empty_request_and_one_that_wants_a_call_get_none() -> None:
    assert book().opine([Query(" "), Query("tree", must_call=True)]) == [None, None]


def test_an_example_is_not_shown_to_itself() -> None:
    one = book()
    opinion = one.judge(one.units[2], without=2)
    assert opinion is not None
    assert SHOTS[2] not in opinion.shots


def test_what_does_not_fit_is_left_out_from_the_front() -> None:
    long = [Shot(word, "x" * (LONGEST // 2)) for word in ("tree one", "tree two", "tree three")]
    (opinion,) = book(long).opine([Query("tree two")])
    assert opinion is not None
    assert [shot.text for shot in opinion.shots] == ["tree two"]


def test_files_make_the_same_book() -> None:
    again = kinds.load("prompt", dump_book(book()), WordEncoder)
    (one,), (other,) = again.opine([Query("my cat")]), book().opine([Query("my cat")])
    assert one is not None
    assert other is not None
    assert one.shots == other.shots


def test_examples_are_turns_behind_the_system_prompt() -> None:
    said = (Message("system", (Text("Be short."),)), Message("user", (Text("q"),)))
    request = Request("r", "openai.chat", {"model": "auto"}, "auto", said)
    changed = with_shots(request, SHOTS[:1])
    roles = [(m.role, m.text) for m in changed.messages]
    assert roles == [
        ("system", "Be short."),
        ("user", "red car"),
        ("assistant", "RED CAR"),
        ("user", "q"),
    ]
    assert changed.body == {}
    assert replace(changed, messages=said, body=request.body) == request
