"""Recurring calls are learned, served where sure; what is not as learned is left alone."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from shortstop.flywheel.appeal import NOBODY
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.tools.trainer import ToolTrainer
from shortstop.flywheel.trainer import Made, NotLearned, Recipe
from shortstop.specialists import kinds
from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query
from shortstop.types import Tool
from tests.flywheel.tools.calls import TODAY, TOOLS, requests
from tests.flywheel.traffic import WordEncoder, mails
from tests.flywheel.umpires import TruthTeller

pytest.importorskip("sklearn", reason="needs the extra [learn]")
RECIPE = Recipe(0.9, WordEncoder(), now=7.0)


@pytest.fixture(scope="module")
def made() -> Made:
    return ToolTrainer().train(requests(300), RECIPE)


def ask(made: Made, text: str, tools: tuple[Tool, ...] = TOOLS, before: str = "") -> Opinion | None:
    (opinion,) = made.specialist.opine([Query(text, before, tools, today=TODAY)])
    return opinion


def test_new_requests_get_the_right_call(made: Made) -> None:
    rows = requests(100, seed=1)
    gate = calibrated(made, lambda answer, row: float(answer == row.answer), 0.9)
    opinions = made.specialist.opine([row.query for row in rows])
    served = [(o, r) for o, r in zip(opinions, rows, strict=True) if o and gate.serves(o)]
    assert len(served) > 0.5 * len(rows)
    assert sum(o.answer == r.answer for o, r in served) > 0.95 * len(served)
    assert all(o.calls for o, _ in served)


def test_a_judge_lets_a_teacher_that_errs_teach() -> None:
    """One call in twelve has lost its arguments: by agreement nobody is right often enough."""
    right = requests(500)
    slips = [n for n, row in enumerate(right) if row.calls and n % 12 == 0]
    rows = list(right)
    for n in slips:
        (call,) = right[n].calls
        lost = (Invocation(call.name, "{}"),)
        rows[n] = replace(right[n], calls=lost, answer=spelled(lost))
    made = ToolTrainer().train(rows, RECIPE)
    umpire = TruthTeller({row.id: row.answer for row in right})
    test = requests(150, seed=1)
    shares = []
    for who in (NOBODY, umpire):
        gate = calibrated(made, lambda answer, row: float(answer == row.answer), 0.95, who)
        opinions = made.specialist.opine([row.query for row in test])
        served = [(o, r) for o, r in zip(opinions, test, strict=True) if o and gate.serves(o)]
        assert sum(o.answer == r.answer for o, r in served) >= 0.95 * len(served)
        shares.append(len(served) / len(test))
    assert shares[1] > shares[0] + 0.2
    assert 0 < len(umpire.said) < 3 * len(slips)


def test_a_call_is_written_out(made: Made) -> None:
    opinion = ask(made, "will it rain in Porto on 17 May")
    assert opinion is not None
    (call,) = opinion.calls
    assert call.name == "weather"
    assert msgspec.json.decode(call.arguments) == {"city": "Porto", "day": "2026-05-17"}
    assert opinion.stratum == "wording known"


def test_a_value_that_was_never_met_is_of_another_stratum(made: Made) -> None:
    opinion = ask(made, "will it rain in Zagreb")
    assert opinion is None or "value new" in opinion.stratum


@pytest.mark.parametrize("text", ["tell me a joke", "", " ", "\ud800", "x" * 5000])
def test_where_no_call_fits_it_has_nothing_to_say(made: Made, text: str) -> None:
    assert ask(made, text) is None


def test_another_offer_than_was_learned_is_left_alone(made: Made) -> None:
    weather = TOOLS[0]
    more = {**weather.schema["properties"], "country": {"type": "string"}}
    changed = replace(weather, schema={**weather.schema, "properties": more})
    text = "weather in Porto"
    assert ask(made, text) is not None
    assert ask(made, text, (changed, *TOOLS[1:])) is None, "an argument that it has not met"
    assert ask(made, text, TOOLS[1:]) is None, "the tool is not offered"
    assert ask(made, text, before="user: hello") is None, "values may stand in earlier turns"


def test_a_call_is_valid_by_the_schema_that_is_offered(made: Made) -> None:
    weather = TOOLS[0]
    narrow = {**weather.schema["properties"], "city": {"type": "string", "enum": ["Rome"]}}
    strict = replace(weather, schema={**weather.schema, "properties": narrow})
    assert ask(made, "weather in Porto", (strict, *TOOLS[1:])) is None


def test_files_make_the_same_specialist(made: Made) -> None:
    again = kinds.load("tools", made.files, WordEncoder)
    queries = [row.query for row in requests(20, seed=2)]
    for one, other in zip(made.specialist.opine(queries), again.opine(queries), strict=True):
        assert (one is None) == (other is None)
        if one and other:
            assert (one.calls, one.stratum) == (other.calls, other.stratum)


def test_what_is_not_learned_says_why() -> None:
    with pytest.raises(NotLearned, match="no calls"):
        ToolTrainer().train(mails(150), RECIPE)
    with pytest.raises(NotLearned, match="encoder"):
        ToolTrainer().train(requests(50), replace_encoder())
    hidden = [replace(row, query=replace(row.query, text="do it")) for row in requests(120)]
    with pytest.raises(NotLearned, match="arguments that stand"):
        ToolTrainer().train(hidden, RECIPE)


def replace_encoder() -> Recipe:
    return Recipe(0.9, None, now=7.0)


def test_calls_that_are_no_json_harm_nobody() -> None:
    rows = requests(120)
    broken = [
        replace(row, calls=(replace(row.calls[0], arguments="{"),))
        if row.calls and i % 9 == 0
        else row
        for i, row in enumerate(rows)
    ]
    assert ToolTrainer().train(broken, RECIPE).files
