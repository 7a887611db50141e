"""Words near a value: what they announce, and how near they are."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect import cues
from shortstop.privacy.detect.cues import Surroundings
from shortstop.privacy.detect.rules import compile_pattern

KINDS = frozenset([*cues.words()["for"], *cues.words()["against"]])


def kinds(text: str) -> list[tuple[str, str]]:
    return [(text[c.start : c.end].strip("_ "), c.kind) for c in cues.cues(text)]


def nearness(text: str, value: str, kind: str) -> float:
    start = text.index(value)
    return Surroundings(text).near(start, start + len(value), KINDS).get(kind, (0.0, True))[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("my password", ("password", "password")), ("DB_PASSWORD=", ("PASSWORD", "password")),
     ("Das Admin-Passwort", ("Passwort", "password")), ("服务器的密码是", ("密码", "password")),
     ("пароль от", ("пароль", "password")), ("api_key:", ("api_key", "key")),
     ("X-Api-Key:", ("X-Api-Key", "header")), ("one-time code", ("one-time code", "code")),
     ("commit abc", ("commit", "hash")), ("order number 7", ("order number", "id"))],
)  # fmt: skip
def test_a_cue_is_known_in_any_spelling(text: str, wanted: tuple[str, str]) -> None:
    assert wanted in kinds(text)


@pytest.mark.parametrize(
    "text", ["monkey business", "spinning standard", "passenger list", "standing"]
)
def test_a_cue_within_another_word_is_none(text: str) -> None:
    assert kinds(text) == []


def test_of_two_that_overlap_the_longer_counts() -> None:
    assert kinds("the public key") == [("public key", "hash")]
    assert kinds("a licence key") == [("licence key", "licence")]
    assert kinds("the zip code") == [], "a longer word may also announce nothing"


def test_the_gate_lets_every_cue_for_a_secret_through() -> None:
    gate = compile_pattern(cues.gate())
    for listed in cues.words()["for"].values():
        for word in listed:
            text = ("my" + word[1:]) if word[:1] == "*" and word[1].isupper() else word.strip("*")
            text = f"x {text} y"
            assert gate.search(text), word


def test_words_that_say_nothing_do_not_part_a_cue_from_its_value() -> None:
    assert nearness("the password is now X1y", "X1y", "password") == 1
    assert nearness("X1y is my new password", "X1y", "password") == 1
    assert nearness("the password for the server is X1y", "X1y", "password") == 1


def test_other_words_and_full_stops_do() -> None:
    texts = [
        "password X1y",
        "password cats X1y",
        "password. cats X1y",
        "password. cats run. cats X1y",
    ]
    near = [nearness(text, "X1y", "password") for text in texts]
    assert near == sorted(near, reverse=True)
    assert len(set(near)) == 4
    assert nearness("password " + "cats " * 60 + "X1y", "X1y", "password") == 0


def test_only_the_classes_asked_for_are_looked_at() -> None:
    around = Surroundings("commit X1y, password")
    assert set(around.near(7, 10, {"password"})) == {"password"}


def test_signs_of_the_east_count_by_length() -> None:
    assert nearness("密码是X1y", "X1y", "password") == 1
    assert nearness("密码我们昨天才改过的所以X1y", "X1y", "password") < 0.6
