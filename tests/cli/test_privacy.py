"""`shortstop privacy`: what is found in a text and what follows, never the value itself."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shortstop.privacy import labels
from shortstop.privacy.detect.rules import builtin
from tests.cli.conftest import Shortstop

MAIL, KEY = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"
CONFIG = """
[privacy]
tenants = { acme = "careful", lost = "gone" }
terms = { acme = ["Project Osprey"] }
documents = { acme = ["plan.txt"] }
[privacy.policies.careful]
version = "3"
rules = [
    { tier = "S2", action = "pseudonymise" },
    { labels = ["SECRET"], action = "block" },
    { labels = ["PHONE"], action = "allow", route = "calls" },
]
[privacy.policies.trial]
dry_run = true
"""
PLAN = "the quick plan is to open twelve new shops in the north before winter"


@pytest.fixture
def folder(home: Path) -> Path:
    (home / "shortstop.toml").write_text(CONFIG)
    (home / "plan.txt").write_text(PLAN)
    return home


def explained(shortstop: Shortstop, what: str, *more: str) -> dict[str, Any]:
    result = shortstop("privacy", "explain", what, "--tenant", "acme", "--json", *more)
    assert result.code == 0, result.err
    verdict: dict[str, Any] = json.loads(result.out)
    return verdict


# ---------------------------------------------------------------- explain


def test_what_is_built_for_the_first_text_is_not_counted_as_reading_it(home: Path) -> None:
    """In a fresh process, where that takes longer than the gateway's time-out."""
    (home / "shortstop.toml").write_text("[privacy]\ntimeout = 0.5\n")
    done = subprocess.run(
        [sys.executable, "-m", "shortstop", "privacy", "explain", "--json", f"my key is {KEY}"],
        cwd=home, capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["labels"] == ["SECRET"], done.stderr


@pytest.mark.parametrize(
    ("text", "label", "action"),
    [
        (f"write to {MAIL}", "EMAIL", "pseudonymise"),
        (f"the key is {KEY}", "SECRET", "block"),
        ("tell me of project osprey", "DICTIONARY", "local_only"),
        ("we open twelve new shops in the north before winter", "FINGERPRINT", "local_only"),
    ],
)
def test_explain_tells_tier_rules_and_action(
    shortstop: Shortstop, folder: Path, text: str, label: str, action: str
) -> None:
    verdict = explained(shortstop, text)
    assert verdict["policy"] == "careful-3"
    assert verdict["actions"][label] == action
    assert {f["label"] for f in verdict["findings"]} == {label}


def test_the_json_is_a_verdict_and_its_actions(shortstop: Shortstop, folder: Path) -> None:
    verdict = explained(shortstop, f"write to {MAIL}")
    assert list(verdict) == [
        "tier", "reach", "labels", "reasons", "policy", "findings", "actions", "read",
    ]  # fmt: skip
    (finding,) = verdict["findings"]
    assert (finding["start"], finding["end"]) == (9, 9 + len(MAIL))
    assert (verdict["tier"], verdict["reach"]) == (2, 1)


def test_for_people_it_is_a_table(shortstop: Shortstop, folder: Path) -> None:
    result = shortstop("privacy", "explain", f"write to {MAIL}", "--tenant", "acme")
    assert result.code == 0
    head, policy, *table = result.out.splitlines()
    assert head == (
        "tier S2, reach pseudonymised: it may leave with invented values in place of the real ones"
    )
    assert policy == "policy careful-3; email"
    assert any("EMAIL" in row and "pseudonymise" in row and "********" in row for row in table)
    assert any("$.messages[0].content [9:31]" in row for row in table)


def test_where_nothing_is_found_it_says_so(shortstop: Shortstop, folder: Path) -> None:
    result = shortstop("privacy", "explain", "hello")
    assert result.out == (
        "tier S0, reach anywhere: any model may see it\npolicy builtin-1; nothing found\n"
    )


def test_a_route_changes_what_its_rules_say(shortstop: Shortstop, folder: Path) -> None:
    text = "call +49 30 901820"
    assert explained(shortstop, text)["actions"]["PHONE"] == "pseudonymise"
    there = explained(shortstop, text, "--task", "calls")["actions"]["PHONE"]
    assert there == "pseudonymise", "the strictest of all that hold"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_explain_never_shows_a_value(
    shortstop: Shortstop, folder: Path, form: tuple[str, ...]
) -> None:
    """Not even one that stands as an object's key, in the place of its own finding."""
    body = {"messages": [{"role": "user", "content": f"{MAIL}, {KEY}"}], "x": {KEY: 1, MAIL: KEY}}
    (folder / "r.json").write_text(json.dumps(body))
    for what in ("r.json", f"{MAIL} {KEY}"):
        result = shortstop("privacy", "explain", what, *form)
        assert result.code == 0, result.err
        assert "SECRET" in result.out
        assert KEY not in result.out
        assert MAIL not in result.out


BODIES: dict[str, dict[str, Any]] = {
    "chat": {"model": "auto", "messages": [{"role": "user", "content": f"to {MAIL}"}]},
    "claude": {"model": "m", "max_tokens": 9, "system": f"to {MAIL}",
               "messages": [{"role": "user", "content": "hi"}]},
    "responses": {"model": "auto", "input": f"to {MAIL}"},
    "completion": {"model": "auto", "prompt": f"to {MAIL}"},
    "embedding": {"model": "auto", "input": ["fine", f"to {MAIL}"]},
    "anything": {"some": [{"thing": f"to {MAIL}"}]},
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_request_files_of_every_dialect_are_read(
    shortstop: Shortstop, folder: Path, name: str
) -> None:
    (folder / "r.json").write_text(json.dumps(BODIES[name]))
    assert explained(shortstop, "r.json")["actions"] == {"EMAIL": "pseudonymise"}


def test_an_image_in_a_known_dialect_is_told_from_an_unknown_part(
    shortstop: Shortstop, folder: Path
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://h.example/i.png"}}
    body = {"model": "auto", "messages": [{"role": "user", "content": [picture]}]}
    (folder / "r.json").write_text(json.dumps(body))
    assert explained(shortstop, "r.json")["tier"] == 0


@pytest.mark.parametrize("text", [f"to {MAIL}", json.dumps(BODIES["chat"]), f'"{MAIL}"', "[1]"])
def test_standard_input_is_read_for_a_dash(
    shortstop: Shortstop, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert bool(explained(shortstop, "-")["findings"]) is (MAIL in text)


@pytest.mark.parametrize(
    "what",
    ["x" * 5_000, "{broken json", "a\0b", "see report.txt\nand this", "https://h.example/a.txt",
     "what is in notes.txt?", "1/2 of it"],
)  # fmt: skip
def test_what_is_no_file_is_a_text(shortstop: Shortstop, folder: Path, what: str) -> None:
    assert explained(shortstop, what)["tier"] == 0


def test_a_text_like_a_name_is_examined_as_a_text(shortstop: Shortstop, folder: Path) -> None:
    assert explained(shortstop, MAIL)["tier"] == 2
    assert explained(shortstop, f"./{MAIL}.txt", "--text")["tier"] == 2
    result = shortstop("privacy", "explain", "reqest")
    assert result.code == 0
    assert "There is no file of that name: it was read as a text." in result.err


@pytest.mark.parametrize(
    "name",
    ["reqest.json", "no/such/file", "no/such/file.json", "./notes of mine.txt", "~/x", "/etc/nope",
     "mail.eml", "r.json/x"],
)  # fmt: skip
def test_a_misspelt_name_is_an_error(shortstop: Shortstop, folder: Path, name: str) -> None:
    (folder / "r.json").write_text("{}")
    result = shortstop("privacy", "explain", name)
    assert (result.code, result.out) == (2, "")
    assert f"There is no file {name}." in result.err
    assert "--text" in result.err


def test_json_too_deep_to_read_is_pinned(shortstop: Shortstop, folder: Path) -> None:
    (folder / "r.json").write_text('{"x":' * 100 + "1" + "}" * 100)
    verdict = explained(shortstop, "r.json")
    assert (verdict["labels"], verdict["reasons"]) == (["UNREADABLE"], ["detector-failed"])


def test_a_document_that_is_not_there_is_named(shortstop: Shortstop, folder: Path) -> None:
    (folder / "plan.txt").unlink()
    result = shortstop("privacy", "explain", "hello", "--tenant", "acme")
    assert result.code == 2
    assert "plan.txt" in result.err
    assert "Traceback" not in result.err


def test_a_tenant_whose_policy_is_missing_is_told_so(shortstop: Shortstop, folder: Path) -> None:
    result = shortstop("privacy", "explain", "hello", "--tenant", "lost")
    assert result.code == 2
    assert "The policy of tenant 'lost' does not exist." in result.err
    assert "privacy lint" in result.err


def test_another_configuration_may_be_named(shortstop: Shortstop, folder: Path) -> None:
    (folder / "other.toml").write_text('[privacy.policies.default]\nversion = "9"\n')
    result = shortstop("privacy", "explain", "hello", "--config", "other.toml", "--json")
    assert json.loads(result.out)["policy"] == "default-9"
    absent = shortstop("privacy", "explain", "hello", "--config", "absent.toml")
    assert absent.code == 2
    assert "absent.toml" in absent.err


# ---------------------------------------------------------------- lint


SOUND = CONFIG.replace(', lost = "gone"', "")


def test_lint_is_content_with_a_sound_policy(shortstop: Shortstop, folder: Path) -> None:
    (folder / "shortstop.toml").write_text(SOUND)
    result = shortstop("privacy", "lint")
    assert result.code == 0
    counts = f"{len(builtin())} rules, {len(labels.every())} labels, 0 problems"
    assert result.out == f"{counts}\n"


def test_lint_names_what_is_wrong_line_by_line(shortstop: Shortstop, folder: Path) -> None:
    bad = (
        '[privacy.policies.bad]\nrules = [{ action = "allow", tier = "S3" }, { action = "block" }]'
    )
    (folder / "shortstop.toml").write_text(CONFIG + bad)
    result = shortstop("privacy", "lint")
    assert result.code == 1
    *lines, counts = result.out.splitlines()
    assert lines == [
        "tenant lost: there is no policy 'gone'",
        "policy bad, rule 1: lets secrets or unreadable parts leave",
        "policy bad, rule 2: names neither a label nor a tier, so it never holds",
    ]
    assert counts.endswith("3 problems")


def test_lint_as_json(shortstop: Shortstop, folder: Path) -> None:
    result = shortstop("privacy", "lint", "--json")
    assert result.code == 1
    assert json.loads(result.out) == {"problems": ["tenant lost: there is no policy 'gone'"]}
    (folder / "shortstop.toml").write_text(SOUND)
    assert json.loads(shortstop("privacy", "lint", "--json").out) == {"problems": []}


def test_lint_holds_every_rule_to_its_vectors(
    shortstop: Shortstop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "shortstop.toml").write_text(SOUND)
    monkeypatch.setattr("shortstop.cli.privacy.rules.failures", lambda rules: ["x: misses 'y'"])
    result = shortstop("privacy", "lint")
    assert (result.code, result.out.splitlines()[0]) == (1, "x: misses 'y'")
