"""A tool is chosen by what it says of itself, also one that was never called; or none is."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.flywheel.examples import Example
from shortstop.flywheel.tools.chooser import train_chooser
from shortstop.specialists.invocation import Invocation
from shortstop.specialists.query import Query
from shortstop.specialists.tools.chooser import ToolChooser, plain, stems
from shortstop.types import Tool
from tests.flywheel.traffic import WordEncoder

pytest.importorskip("sklearn", reason="needs the extra [learn]")
THINGS = [
    "weather",
    "recipe",
    "train",
    "hotel",
    "loan",
    "music",
    "garden",
    "museum",
    "ticket",
    "doctor",
]


def tool(thing: str) -> Tool:
    return Tool(
        f"find_{thing}", f"Find the {thing} that fits", {"type": "object", "properties": {}}
    )


def rows() -> list[Example]:
    out = []
    for n, thing in enumerate(THINGS * 6):
        other = THINGS[(n + 3) % len(THINGS)]
        offered = (tool(thing), tool(other)) if n % 2 else (tool(other), tool(thing))
        asked = Query(f"please look for a {thing} number {n}", tools=offered)
        out.append(
            Example(f"c{n}", 0, "t", "t", asked, "x", calls=(Invocation(f"find_{thing}", "{}"),))
        )
        aside = Query(f"tell me a story about nothing {n}", tools=(tool(other),))
        out.append(Example(f"n{n}", 0, "t", "t", aside, "words"))
    return out


@pytest.fixture(scope="module")
def chooser() -> ToolChooser:
    encoder, examples = WordEncoder(), rows()
    return train_chooser(examples, encoder.encode([r.query.text for r in examples]), encoder)


def test_one_that_was_never_called_is_chosen_by_its_words(chooser: ToolChooser) -> None:
    query = Query("please look for a parking", tools=(tool("bakery"), tool("parking")))
    (unit,) = WordEncoder().encode([query.text])
    assert chooser.choose(query, unit).tool == "find_parking"
    assert chooser.likeliest(query, unit) == "find_parking"


def test_none_is_chosen_where_none_fits(chooser: ToolChooser) -> None:
    query = Query("tell me a story about nothing", tools=(tool("bakery"),))
    (unit,) = WordEncoder().encode([query.text])
    assert chooser.choose(query, unit).tool == ""
    assert chooser.likeliest(query, unit) == "find_bakery"
    assert chooser.choose(Query("x"), unit).tool == ""
    assert chooser.likeliest(Query("x"), unit) == ""


def test_odd_schemas_harm_nobody(chooser: ToolChooser) -> None:
    odd = [
        Tool("a", "", {"properties": None}),
        Tool("b", "", {"properties": {"x": 1}, "required": ["x", "y"]}),
    ]
    unit = np.zeros(WordEncoder.WIDTH, np.float32)
    assert chooser.features(Query("3 of them", tools=tuple(odd)), unit).shape[0] == 2


def test_names_as_words() -> None:
    assert plain("math.getPrimeFactors_of") == "math get prime factors of"
    assert stems("Calculating the area") == {"calcu", "the", "area"}
