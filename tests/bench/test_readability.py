"""Prose alone is measured, and plain sentences read as easier than involved ones."""

from __future__ import annotations

import pytest
from bench.readability import measured, prose, syllables

PAGE = """# A heading that nobody reads as a sentence

The cat sat. [It slept](https://a.example/path.html) on `a --mat`.

```
code is not read
```

| a table | neither |
|---|---|

- First item
- Second item: it has two parts
"""


def test_code_tables_and_headings_are_no_prose() -> None:
    words = " ".join(prose(PAGE).split())
    assert words == "The cat sat. It slept on code. - First item - Second item: it has two parts"


def test_sentences_end_at_marks_and_with_each_item() -> None:
    found = measured(PAGE)
    assert (found.words, found.sentences) == (15, 5)
    assert found.longest == 4


@pytest.mark.parametrize(
    ("word", "count"),
    [("cat", 1), ("table", 2), ("make", 1), ("request", 2), ("privacy", 3), ("the", 1)],
)
def test_syllables_are_groups_of_vowels(word: str, count: int) -> None:
    assert syllables(word) == count


def test_short_words_in_short_sentences_read_more_easily() -> None:
    plain = measured("The cat sat. It slept. Then it ate.")
    involved = measured(
        "Notwithstanding considerations of organisational responsibility, intermediary"
        " infrastructure necessitates comprehensive documentation of configuration."
    )
    assert plain.ease > 90 > 0 > involved.ease


def test_without_a_sentence_nothing_is_measured() -> None:
    with pytest.raises(ValueError, match="no sentences"):
        measured("```\ncode\n```\n")
