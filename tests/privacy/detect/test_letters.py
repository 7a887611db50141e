"""Patterns of letters: loosened ones miss nothing, tight ones say of bare texts what others say."""

from __future__ import annotations

import random
import unicodedata

import pytest

from shortstop.privacy.detect import cues, letters, lexicon, pay, somebody
from shortstop.privacy.detect.letters import bare, bare_bytes, loosened, tight
from shortstop.privacy.detect.rules import builtin, compile_pattern, either

ODD = "“”–—•…½²Ⅷ٣€£°«»„’·、。「」！ँा्ัู\u0301\u0080\u2000🙂🀀𝟎①"
"""No letters, each of which may stand beside a word or in it."""
LETTERS = "aßéжαक一ก가"
WORDS = ["krebs", "diabét", "рак", "癌", "मधुमेह", "มะเร็ง", "l’asthme", "2 ml", "x_1", "Ångst"]


def mixed(seed: int, count: int = 200) -> list[str]:
    """Words with odd characters and letters at their ends and inside."""
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        words = draw.choices(WORDS, k=4)
        for i, word in enumerate(words):
            at, more = draw.randrange(len(word) + 1), draw.choice(ODD + LETTERS + " 3")
            words[i] = word[:at] + more + word[at:]
        texts.append(draw.choice((" ", "")).join(words))
    return texts


@pytest.mark.parametrize(
    ("pattern", "looser"),
    [
        (r"\pL{3}", r"[A-Za-z\x80-\x{10FFFF}]{3}"),
        (r"[\pL'’-]", r"[A-Za-z\x80-\x{10FFFF}'’-]"),
        (r"[^\pL\pN]", "[^A-Za-z0-9]"),
        (r"\p{Lu}x[^\p{Han}\d]", r"[A-Z\x80-\x{10FFFF}]x[^\d]"),
        (r"[^]\pL]", "[^]A-Za-z]"),
        (r"\\pL", r"\\pL"),
        (r"\PL[\p{Tamil}]\p{^L}", r"\PL[\p{Tamil}]\p{^L}"),
        (r"[[:alpha:]\pN]", r"[[:alpha:]0-9\x80-\x{10FFFF}]"),
    ],
)
def test_classes_of_letters_are_loosened_and_nothing_else(pattern: str, looser: str) -> None:
    assert loosened(pattern) == looser
    compile_pattern(looser)


def test_a_loosened_gate_misses_no_vector() -> None:
    for rule in builtin():
        gate, loose = either(rule.gates), either(map(loosened, rule.gates))
        if gate == loose:
            continue
        exact, looser = compile_pattern(gate), compile_pattern(loose)
        for text in (*rule.positive, *rule.negative):
            data = text.encode()
            found = looser.search(data) is not None
            assert found or exact.search(data) is None, text
            assert not data.isascii() or found == (exact.search(data) is not None), text


@pytest.mark.parametrize(
    "pattern", [r"[^\pL\pN]\pL+", r"(?:^|[^\pL])(?:\pL*krebs|рак)\pL*", r"\pN"]
)
@pytest.mark.parametrize("seed", range(3))
def test_in_a_bare_text_a_tight_pattern_finds_the_same_places(pattern: str, seed: int) -> None:
    exact, small = compile_pattern(pattern), compile_pattern(tight(pattern))
    for text in mixed(seed):
        data = text.encode()
        found = [match.span() for match in small.finditer(bare_bytes(data))]
        assert found == [match.span() for match in exact.finditer(data)], text


@pytest.mark.parametrize("code", ["de", "ru", "zh", "hi", "th", "fr", "latin"])
def test_the_lists_say_of_bare_texts_what_they_say_of_any(code: str) -> None:
    words = [w for listed in lexicon._lists(code).values() for w in listed]
    exact = compile_pattern(lexicon.any_of(words))
    small = compile_pattern(tight(lexicon.any_of(words)))
    for text in mixed(7):
        low = text.lower()
        found = [match.span() for match in small.finditer(bare(low))]
        assert found == [match.span() for match in exact.finditer(low)], text


def test_a_tight_pattern_is_a_tenth() -> None:
    whole = r"(?:^|[^\pL\pN])\pL*krebs(?:[^\pL\pN]|$)"
    assert compile_pattern(tight(whole)).programsize < compile_pattern(whole).programsize / 3


def test_a_bare_text_has_the_same_length_in_characters_and_in_bytes() -> None:
    for text in (*mixed(1), ODD, "\ud800 x"):
        assert len(bare(text)) == len(text)
        if "\ud800" not in text:
            assert len(bare(text).encode()) == len(text.encode())
    assert bare("plain") == "plain"
    assert bare("„Krebs“²") == "\u2000Krebs“\u00b2"


def test_what_is_kept_is_no_letter() -> None:
    assert {unicodedata.category(chr(c))[0] for c in letters._codes(letters._FIGURES)} == {"N"}
    assert not {"L", "N"} & {
        unicodedata.category(chr(c))[0] for c in letters._codes(letters._MARKS)
    }


def test_a_pattern_that_names_what_no_bare_text_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no bare text has"):
        tight("→")


def test_all_patterns_for_bare_texts_name_what_bare_texts_have() -> None:
    for code in lexicon.languages():
        assert lexicon.lexicon(code).terms
    assert [lexicon.told(), lexicon.marked(), lexicon.latin_sign(), somebody._kin()]
    assert pay._patterns().keys() == {"named", "own", "supposed", "exercise", "amount"}
    assert all(cues._pattern_of(kind) for kind in cues._kinds())
