"""Values leave under other names and come back as they were, wherever they stand in a body."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.replace.pseudonyms import (
    assign,
    names_of,
    rename,
    rewrite,
    split,
    values_of,
)
from shortstop.privacy.replace.restore import Restorer
from shortstop.privacy.replace.surrogates import SurrogateFactory
from shortstop.types import Finding, Json, Tier
from tests.privacy.conftest import READER, chat

MAIL = "jane.doe@acme-corp.com"
FACTORY = SurrogateFactory(b"k" * 32, "t", "c")
NOTHING = frozenset[str]()


def finding(path: str, start: int, end: int, label: str = "EMAIL", rule: str = "r") -> Finding:
    return Finding(label, Tier.S2, rule, path, start, end)


def first_text(body: Json) -> str:
    return str(body["messages"][0]["content"])


# ---------------------------------------------------------------- which values


def test_values_are_read_at_their_places_longest_first() -> None:
    body = chat("ann@x.de", f"to {MAIL}!")
    found = [
        finding("$.messages[0].content", 0, 8),
        finding("$.messages[1].content", 2, 3 + len(MAIL) + 0),
    ]
    assert list(values_of(body, found).items()) == [(MAIL, "EMAIL"), ("ann@x.de", "EMAIL")]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (finding("$.messages[0].content", 0, 8, rule="base64:email"), "encoding"),
        (finding("$.elsewhere", 0, 8), "encoding"),
        (finding("$.messages[0].content", 0, 2), "short"),
        (finding("$.messages[0].content", 8, 20), "short"),
    ],
)
def test_a_value_that_cannot_be_taken_out_safely_is_an_error(wrong: Finding, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        values_of(chat("ann@x.de"), [wrong])


def test_a_persons_name_is_taken_word_by_word_and_other_names_whole() -> None:
    body = chat("Jane van der Berg at Acme Corp")
    path = "$.messages[0].content"
    found = [finding(path, 0, 17, "PERSON"), finding(path, 21, 30, "ORGANISATION")]
    assert names_of(body, found, READER) == {
        "Acme Corp": "ORGANISATION",
        "Jane": "PERSON",
        "Berg": "PERSON",
        "van": "PERSON",
        "der": "PERSON",
    }


def test_a_word_that_is_also_a_person_is_one() -> None:
    path = "$.messages[0].content"
    found = [finding(path, 0, 4, "PLACE"), finding(path, 5, 9, "PERSON")]
    assert names_of(chat("Jane Jane"), found, READER) == {"Jane": "PERSON"}
    assert names_of(chat("Jane Jane"), found[::-1], READER) == {"Jane": "PERSON"}


def test_names_are_told_from_values() -> None:
    mail, person = finding("$", 0, 1), finding("$", 0, 1, "PERSON")
    assert split([person, mail]) == ([mail], [person])


# ---------------------------------------------------------------- what stands for them


def assigned(
    labels: dict[str, str], earlier: dict[str, str] | None = None, text: str = ""
) -> tuple[dict[str, str], dict[str, str]]:
    return assign(labels, NOTHING, earlier or {}, chat(text), FACTORY)


def test_each_value_gets_its_own_and_each_surrogate_leads_back() -> None:
    labels = {MAIL: "EMAIL", "bob@acme.com": "EMAIL", "+49 30 901820": "PHONE"}
    stand_ins, originals = assigned(labels)
    assert set(stand_ins) == set(labels)
    assert {originals[s]: s for s in originals} == stand_ins
    assert len(set(stand_ins.values())) == 3


def test_a_value_keeps_its_surrogate_all_through_the_conversation() -> None:
    _, earlier = assigned({MAIL: "EMAIL"})
    stand_ins, originals = assigned({MAIL: "EMAIL", "bob@acme.com": "EMAIL"}, earlier)
    assert stand_ins[MAIL] in earlier
    assert originals[stand_ins[MAIL]] == MAIL


def test_unless_the_client_uses_it_in_earnest() -> None:
    """Else an answer about the one would come back with the other."""
    stand_ins, earlier = assigned({MAIL: "EMAIL"})
    old = stand_ins[MAIL]
    again, originals = assigned({MAIL: "EMAIL"}, earlier, text=f"not to {old.upper()}")
    assert again[MAIL] != old
    assert old not in originals


def test_what_is_redacted_has_no_way_back() -> None:
    stand_ins, originals = assign({MAIL: "EMAIL"}, frozenset({"EMAIL"}), {}, chat(""), FACTORY)
    assert (stand_ins, originals) == ({MAIL: "[EMAIL]"}, {})


def test_one_name_in_several_cases_has_one_surrogate_in_several() -> None:
    stand_ins, originals = assigned({"JANE": "PERSON", "Jane": "PERSON", "jane": "PERSON"})
    assert stand_ins["JANE"] == stand_ins["Jane"].upper()
    assert stand_ins["jane"] == stand_ins["Jane"].lower()
    assert len(originals) == 1


# ---------------------------------------------------------------- into the body


@pytest.mark.parametrize(
    ("value", "body", "wanted"),
    [
        (MAIL, f"to {MAIL}, {MAIL}", "to S, S"),
        (MAIL, {MAIL: [MAIL, {"x": MAIL}]}, {"S": ["S", {"x": "S"}]}),
        ("088321296", {"ssn": 88321296, "other": 188321296}, {"ssn": 88321296, "other": 188321296}),
        ("88321296", {"ssn": 88321296, "flag": True}, {"ssn": "S", "flag": True}),
        ("1.5", [1.5, 15], ["S", 15]),
        ('a"b\n', json.dumps({"x": 'a"b\n'}), '{"x": "S"}'),
        ("é@x.de", json.dumps({"x": "é@x.de"}), '{"x": "S"}'),
        ("é@x.de", json.dumps({"x": "é@x.de"}, ensure_ascii=False), '{"x": "S"}'),
        (MAIL, None, None),
    ],
)
def test_a_value_is_replaced_wherever_it_stands(value: str, body: object, wanted: object) -> None:
    assert rewrite(body, {value: "S"}) == wanted


def test_of_two_values_the_longer_is_replaced_first() -> None:
    labels = values_of(
        chat("ann@x.de", "joann@x.de"),
        [finding("$.messages[0].content", 0, 8), finding("$.messages[1].content", 0, 10)],
    )
    put = {value: f"<{i}>" for i, value in enumerate(labels)}
    assert rewrite("joann@x.de ann@x.de", put) == "<0> <1>"


def test_a_name_inside_a_word_is_no_name() -> None:
    assert first_text(rename(chat("Al also went to Alabama"), {"Al": "Xyz"}, READER)) == (
        "Xyz also went to Alabama"
    )


def test_names_are_replaced_where_people_are_spoken_of_alone() -> None:
    body = chat("Jane, Jane's and JANE") | {
        "tools": [{"function": {"name": "Jane", "description": "ask Jane"}}],
        "stop": ["Jane"],
        "model": "Jane",
    }
    body["messages"].append(
        {"role": "assistant", "tool_calls": [
            {"id": "Jane", "function": {"name": "Jane", "arguments": '{"to":"Jane"}'}}]}
    )  # fmt: skip
    out = rename(body, {"Jane": "Bel", "JANE": "BEL"}, READER)
    assert first_text(out) == "Bel, Bel's and BEL"
    assert (out["tools"], out["stop"], out["model"]) == (body["tools"], ["Jane"], "Jane")
    (call,) = out["messages"][1]["tool_calls"]
    assert (call["id"], call["function"]["name"]) == ("Jane", "Jane")
    assert call["function"]["arguments"] == '{"to":"Bel"}'


def test_without_names_the_body_is_untouched() -> None:
    body = chat("Jane")
    assert rename(body, {}, READER) is body


def test_a_name_that_would_be_left_is_an_error() -> None:
    """As the name of a called function it must stay: then the request does."""
    body = chat("x")
    body["messages"].append({"role": "user", "content": [{"type": "tool_use", "name": "Jane D"}]})
    with pytest.raises(ValueError, match="could not be taken out"):
        rename(body, {"Jane": "Bel"}, READER)


# ---------------------------------------------------------------- there and back


VALUE = st.from_regex(r"[a-z]{3,8}@[a-z]{3,8}\.(com|de)", fullmatch=True)
JSON_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(
    st.dictionaries(VALUE, st.just("EMAIL"), min_size=1, max_size=4),
    st.lists(JSON_TEXT, min_size=1, max_size=5),
    st.data(),
)
def test_a_body_comes_back_as_it_was(
    labels: dict[str, str], texts: list[str], data: st.DataObject
) -> None:
    """Whatever stands around the values, in keys, in lists, and in JSON inside a string."""
    values = sorted(labels, key=len, reverse=True)
    mixed = [text + data.draw(st.sampled_from([*values, ""])) + " " for text in texts]
    body: Json = {
        "messages": [{"role": "user", "content": text} for text in mixed],
        "note": {values[0]: [mixed[0], 1, None, True]},
        "arguments": json.dumps({"to": mixed[0]}),
    }
    stand_ins, originals = assign(dict.fromkeys(values, "EMAIL"), NOTHING, {}, body, FACTORY)
    sent = rewrite(body, stand_ins)
    shown = json.dumps(sent, ensure_ascii=False)
    assert not any(value in shown for value in values)
    restorer = Restorer(originals)
    back = restorer.json(sent, READER.words)
    assert back["messages"] == body["messages"]
    assert json.loads(back["arguments"]) == json.loads(body["arguments"])
    assert back["note"][next(iter(sent["note"]))] == body["note"][values[0]]


NAMES = st.sampled_from(
    [
        "Jane",
        "Doe",
        "Müller",
        "O'Brien",
        "Иван",
        "Петров",
        "Ελένη",
        "李小龙",
        "김민준",
        "محمد",
        "דוד",
    ]
)


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True), st.text("abc '.,\n", max_size=5))
def test_surrogates_keep_the_script_and_come_back(names: list[str], between: str) -> None:
    used, put = set[str](), dict[str, str]()
    for name in names:
        surrogate = FACTORY.surrogate("PERSON", name, "", used)
        used.add(surrogate.lower())
        put[name] = surrogate
        assert ord(surrogate[0]) // 256 == ord(name[0]) // 256 or ord(name[0]) > 0x3000
    text = f" {between} ".join(f"{n}'s" for n in names)
    sent = first_text(rename(chat(text), put, READER))
    assert not any(name in sent for name in names)
    assert Restorer({v: k for k, v in put.items()}).text(sent) == text
