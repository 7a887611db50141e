"""Documents without what is empty, and packed: the same traces, whatever is in them."""

from __future__ import annotations

import json
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.traces import packing
from shortstop.traces.document import decode, divided, encode, parts, place_of
from shortstop.traces.packing import MARK, MOST, packed, slim, unpacked
from shortstop.types import (
    Attempt,
    Bill,
    Check,
    Clearance,
    Decision,
    Finding,
    Json,
    Reach,
    Signals,
    Span,
    Tier,
    Trace,
    Usage,
)
from tests.traces.example import LOCAL, remote, trace

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
reals = st.floats(allow_nan=False, allow_infinity=False)
money = st.decimals(0, 10, places=9)
contents = st.none() | st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | texts | st.just([]) | st.just({}),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def usages() -> st.SearchStrategy[Usage]:
    served = st.lists(texts, max_size=2).map(tuple)
    few = st.integers(0, 9)
    return st.builds(Usage, input=few, output=few, estimated=st.booleans(), served=served)


def attempts() -> st.SearchStrategy[Attempt]:
    signals = st.builds(Signals, tokens=st.integers(0, 3), entropy=st.none() | reals)
    checks = st.lists(st.builds(Check, texts, st.booleans(), texts), max_size=2).map(tuple)
    return st.builds(
        Attempt, texts, st.booleans(), st.sampled_from(["ok", "error"]), reals,
        first_byte=st.none() | reals, usage=st.none() | usages(),
        signals=st.none() | signals, checks=checks, fallback=st.none() | texts,
    )  # fmt: skip


def bills() -> st.SearchStrategy[Bill]:
    spans = st.builds(Span, reals, reals, reals, st.sampled_from(["none", "modelled"]))
    return st.builds(
        Bill, st.none() | money, money, st.none() | money, st.none() | money, st.none() | texts,
        joules=spans, gco2=spans, unpriced=st.lists(texts, max_size=2).map(tuple), prices=texts,
    )  # fmt: skip


decisions = st.builds(
    Decision, st.lists(texts, max_size=2).map(tuple), texts, reals, reals, reals, texts,
    verify=st.booleans(), explored=st.booleans(), longest=st.none() | st.integers(0, 9),
)  # fmt: skip
clearances = st.builds(
    Clearance, st.sampled_from(list(Tier)), st.sampled_from(list(Reach)),
    findings=st.lists(st.builds(Finding, texts, st.just(Tier.S2), texts, texts), max_size=2).map(
        tuple
    ),
)  # fmt: skip
traces = st.builds(
    replace, st.just(LOCAL), at=reals, stream=st.booleans(), error=st.none() | texts,
    clearance=clearances, decision=st.none() | decisions,
    attempts=st.lists(attempts(), max_size=2).map(tuple), usage=st.none() | usages(),
    bill=st.none() | bills(), user=st.none() | texts, cleared=st.none() | reals,
    request=st.none(), response=st.none(),
)  # fmt: skip


@given(traces, contents, contents)
def test_every_trace_comes_back_with_its_content_as_it_lay_there(
    one: Trace, request: Json | None, response: Json | None
) -> None:
    document = encode(one, request, response)
    short = slim(document)
    assert len(short) <= len(document) + 60, "whole numbers among real ones get a point"
    assert parts(short) == parts(document)
    for name in ("request", "response"):
        assert json.loads(short).get(name) == json.loads(document)[name]
    assert unpacked(packed(short)) == short


def test_what_is_empty_is_left_out_and_what_is_needed_stays() -> None:
    document = encode(remote("r1", bill=replace(LOCAL.bill, cost=None)), None, None)  # type: ignore[type-var]
    fields = json.loads(slim(document))
    assert None not in fields.values()
    assert fields["bill"]["cost"] is None, "a bill says that its cost is not known"
    assert not {"request", "error", "run"} & fields.keys()
    assert fields["attempts"][1] == {
        "target": "big", "local": False, "outcome": "ok", "seconds": 0.9,
        "usage": {"input": 60, "output": 12},
    }  # fmt: skip


def test_the_file_of_the_lake_stays_named() -> None:
    apart = divided(encode(trace("r1"), {"a": 1}, None), "day=2026-11-28/part-0-000001.parquet")
    assert apart is not None
    short = slim(apart[0])
    assert place_of(short) == place_of(unpacked(packed(short))) == place_of(apart[0])


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"\xff", b"[]", b'{"id":"r1"}', encode(LOCAL, None, None).replace(
        b'"shadow":[]', b'"shadow":null')],
)  # fmt: skip
def test_what_this_version_cannot_read_stays_as_it_was(document: bytes) -> None:
    assert slim(document) == document


def test_a_row_without_content_is_packed_to_a_quarter() -> None:
    document = encode(trace("req_0123456789abcdef0123456789abcdef"), None, None)
    text = packed(slim(document))
    assert text.startswith(MARK)
    assert len(text) < len(document) / 4
    assert decode(unpacked(text)) == decode(document)


def test_what_is_large_is_not_packed() -> None:
    document = encode(LOCAL, {"text": "word " * MOST}, None)
    assert packed(document) == document.decode()


@pytest.mark.parametrize("text", [MARK, f"{MARK}?", f"{MARK}AAAA", f"{MARK}////", "{", ""])
def test_what_is_damaged_is_no_document(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(unpacked(text))


def test_the_words_are_those_that_rows_were_packed_against() -> None:
    """Another dictionary would make every packed row unreadable: it needs a mark of its own."""
    assert sha256(packing._WORDS).hexdigest() == WORDS


WORDS = "5f64a9ab1664fee5aea0844fd6a55f07f7fe9b150ec8dcfc1048e78270dd91e3"
