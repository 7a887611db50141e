"""Every string of a body is read, whatever the body and whatever words its dialect has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.dialects import wire_words
from shortstop.privacy.leaves import MAX_DEPTH, LeafReader, is_key, strings
from shortstop.types import Json, WireWords
from tests.dialects.strategies import values

WORDS = wire_words()
READER = LeafReader(WORDS)
bodies = st.dictionaries(
    st.sampled_from(["messages", "tools", "metadata", "x"]),
    values(["role", "type", "content", "text", "secret", "arguments", "signature", "data"]),
)


def texts_in(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """(field, text) of every string."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner, "")


@given(bodies)
def test_no_text_goes_unread_but_the_constants_of_the_form(body: Any) -> None:
    read = {leaf.text for leaf in READER.leaves(body)}
    for field, text in texts_in(body):
        assert text in read or text in WORDS.constants.get(field, ())


@given(bodies)
def test_without_a_vocabulary_everything_is_read(body: Any) -> None:
    everything = strings(body)
    assert {text for _, text in texts_in(body)} <= set(everything.values())
    for leaf in READER.leaves(body):
        assert everything[leaf.path] == leaf.text, "a finding's place is always found again"


@given(bodies)
def test_a_field_that_says_nothing_is_not_shown_with_its_value(body: Any) -> None:
    for leaf in READER.leaves(body):
        assert leaf.key not in WORDS.names
        assert leaf.shown == (f"{leaf.key}: {leaf.text}" if leaf.key else leaf.text)


def test_a_telling_field_is_read_with_its_value() -> None:
    (leaf,) = READER.leaves({"metadata": {"ssn": "088321296"}})
    assert leaf.shown == "ssn: 088321296"
    (number,) = READER.leaves({"metadata": {"ssn": 88321296}})
    assert number.shown == "ssn: 88321296"


@pytest.mark.parametrize("name", ["jane.doe@acme.com", "x" * 41, "4111111111111111", "Jane Doe"])
def test_a_fields_name_may_be_the_secret(name: str) -> None:
    leaves = READER.leaves({"metadata": {name: True}})
    assert [leaf.text for leaf in leaves if is_key(leaf.path)] == [name]


@given(
    st.recursive(
        st.text(max_size=5), lambda inner: st.dictionaries(st.just("k"), inner), max_leaves=4
    )
)
def test_json_in_a_string_is_read_as_json(value: Any) -> None:
    read = {leaf.text for leaf in READER.leaves({"content": json.dumps({"secret": value})})}
    assert {text for _, text in texts_in(value)} <= read


BLOB = "q8ZkT3vXbN1wRyPmL0sGfH7dJcU5aEoVi2Kt9xQn+W4="
SEALED = [
    {"messages": [{"content": [{"type": "thinking", "signature": BLOB}]}]},
    {"messages": [{"content": [{"type": "redacted_thinking", "data": BLOB}]}]},
    {"input": [{"type": "reasoning", "encrypted_content": BLOB}]},
]
NOT_SEALED = [
    {"messages": [{"content": [{"type": "thinking", "signature": "my key is x"}]}]},
    {"messages": [{"content": [{"type": "text", "signature": BLOB}]}]},
    {"tools": [{"content": [{"type": "thinking", "signature": BLOB}]}]},
    {"input": [[{"type": "reasoning", "encrypted_content": BLOB}]]},
    {"type": "reasoning", "encrypted_content": BLOB},
    {"tools": [{"properties": {"type": {"type": "string"}, "data": {"type": "string"}}}]},
]


@pytest.mark.parametrize("body", SEALED)
def test_a_vendors_cipher_is_known_in_its_place(body: Any) -> None:
    assert [leaf.text for leaf in READER.leaves(body) if leaf.sealed] == [BLOB]


@pytest.mark.parametrize("body", NOT_SEALED)
def test_and_nowhere_else(body: Any) -> None:
    assert not any(leaf.sealed for leaf in READER.leaves(body))


def test_what_is_too_deep_is_refused_not_skipped() -> None:
    deep: Any = "x"
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(ValueError, match="too deeply"):
        READER.leaves({"x": deep})
    inside = json.dumps(["a secret"])
    for _ in range(5):
        inside = json.dumps([inside])
    with pytest.raises(ValueError, match="too many times"):
        READER.leaves({"x": inside})


@pytest.mark.parametrize("body", [{"x": b"bytes"}, {1: "x"}, {"x": {1, 2}}])
def test_what_is_not_json_is_refused(body: Any) -> None:
    with pytest.raises(TypeError):
        READER.leaves(body)


@given(bodies)
def test_more_words_hide_nothing(body: Any) -> None:
    """The vocabularies of two dialects together read what each reads, constants aside."""
    fewer = LeafReader(WireWords(names=WORDS.names))
    assert {leaf.text for leaf in READER.leaves(body)} | {
        text for field, text in texts_in(body) if text in WORDS.constants.get(field, ())
    } == {leaf.text for leaf in fewer.leaves(body)}


def test_json_in_a_string_that_is_too_large_is_refused_not_skipped() -> None:
    body = {"messages": [{"role": "user", "content": "[" + "[]," * 200_000 + "0]"}]}
    with pytest.raises(ValueError, match="more than"):
        strings(body)


@pytest.mark.parametrize(
    "value", ["janedoe", "4532015112830366", "A" * 60, "QWxh" * 3, "k9" * 12 + "4532015112830366Zx"]
)
def test_what_is_short_or_a_number_is_no_cipher(value: str) -> None:
    body = {"messages": [{"content": [{"type": "thinking", "signature": value}]}]}
    assert [leaf.sealed for leaf in READER.leaves(body) if leaf.text == value] == [False]


@pytest.mark.parametrize(
    ("body", "spoken"),
    [
        ({"prompt": "a", "suffix": "b"}, ["a", "b"]),
        ({"instructions": "a", "input": "b"}, ["a", "b"]),
        ({"input": ["a", "b"]}, ["a", "b"]),
        ({"prompt": ["a", "b"], "user": "c"}, ["a", "b"]),
    ],
)
def test_texts_that_a_model_reads_as_one_are_spoken(body: Json, spoken: list[str]) -> None:
    assert [leaf.text for leaf in READER.leaves(body) if leaf.spoken] == spoken
