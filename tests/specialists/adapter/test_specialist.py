"""An adapter's opinions, its files, and how a model is asked under it."""

from __future__ import annotations

from math import exp

import pytest

from shortstop.errors import StoreError
from shortstop.specialists.adapter.asking import adapted, confidence
from shortstop.specialists.adapter.files import ADAPTER, WEIGHTS, base_of, dump_adapter
from shortstop.specialists.adapter.specialist import AdapterSpecialist, told, wording
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.novelty import Wordings
from shortstop.specialists.opinion import Gate
from shortstop.specialists.query import Query
from shortstop.types import (
    Choice,
    Format,
    Message,
    Request,
    Sampling,
    Text,
    TokenLogprob,
    Tool,
)

LEARNED = ["please sum up order 12 of today", "please sum up the call of monday"]
FILES = dump_adapter(
    AdapterSpecialist("b" * 64, Wordings.of([wording(t) for t in LEARNED]), 60, 90), b"GGUF..."
)


def no_encoder() -> Encoder:
    raise StoreError("none")


def kept() -> AdapterSpecialist:
    found = ADAPTER.load(FILES, no_encoder)
    assert isinstance(found, AdapterSpecialist)
    return found


def test_files_become_the_same_again() -> None:
    found = kept()
    assert (found.base, found.longest, found.most_tokens) == ("b" * 64, 60, 90)
    assert base_of(FILES) == "b" * 64


@pytest.mark.parametrize("gone", [WEIGHTS, "arrays.npz", "about.json"])
def test_a_file_that_is_gone_or_garbage_is_refused(gone: str) -> None:
    for data in (b"", b"\x00garbage"):
        with pytest.raises(StoreError):
            ADAPTER.load({**FILES, gone: data}, no_encoder)


def test_figures_are_no_difference_and_what_is_worded_otherwise_is_less_alike() -> None:
    same, other = kept().opine([Query("please sum up order 7 of today"), Query("write a poem")])
    assert same is not None
    assert same.similarity == pytest.approx(1.0)
    assert other is not None
    assert other.similarity < 0.2
    assert (same.answer, same.writes) == ("", 90)


def test_it_has_nothing_to_say_to_what_it_cannot_write() -> None:
    call = Query("please sum up the call of monday", tools=(Tool("f"),), must_call=True)
    assert kept().opine([Query("  "), Query("x" * 61), call]) == [None, None, None]


def test_the_gate_looks_at_what_was_written() -> None:
    (opinion,) = kept().opine([Query(LEARNED[0])])
    assert opinion is not None
    gate = Gate({"all": 0.8}, 0.5)
    assert gate.serves(opinion), "not written yet"
    assert gate.serves(told(opinion, "text", 0.85))
    assert not gate.serves(told(opinion, "text", 0.75))
    assert told(opinion, "text", 0.85).writes == 0


# ------------------------------------------------------------ asking

REQUEST = Request(
    "r", "openai.chat", {"a": 1}, "auto",
    (Message("system", (Text("Sum up."),)), Message("user", (Text("a call"),))),
    tools=(Tool("f"),),
    sampling=Sampling(max_tokens=30, temperature=0.9, stop=("END",)),
    format=Format("json_object"),
    extra={"x": 1},
)  # fmt: skip


def test_a_model_is_shown_the_changing_part_and_answers_the_same_each_time() -> None:
    asked = adapted(REQUEST, Query("a call", before="user: hi"), 90)
    assert [(m.role, m.text) for m in asked.messages] == [("user", "user: hi\na call")]
    assert (asked.body, asked.tools, asked.extra) == ({}, (), {})
    assert (asked.sampling.temperature, asked.sampling.logprobs) == (0.0, True)


def test_what_the_client_bounds_and_how_it_wants_the_answer_stands() -> None:
    assert adapted(REQUEST, Query("a call"), 90).sampling.max_tokens == 30
    assert adapted(REQUEST, Query("a call"), 20).sampling.max_tokens == 20
    asked = adapted(REQUEST, Query("a call"), 90)
    assert (asked.sampling.stop, asked.format.kind) == (("END",), "json_object")


def choice(*logprobs: float, finish: str = "stop") -> Choice:
    told = tuple(TokenLogprob("t", one) for one in logprobs)
    return Choice(parts=(Text("t"),), finish=finish, logprobs=told)  # type: ignore[arg-type]


def test_the_confidence_is_the_mean_probability_of_a_token() -> None:
    assert confidence(choice(-0.1, -0.3)) == pytest.approx(exp(-0.2))
    assert confidence(choice(0.0)) == 1.0


def test_what_was_cut_off_or_told_without_probabilities_is_worth_nothing() -> None:
    assert confidence(choice(-0.1, finish="length")) == 0.0
    assert confidence(choice()) == 0.0
