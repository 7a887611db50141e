"""`shortstop bench privacy` on a few rows of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortstop.cli.bench_privacy import Results, show
from shortstop.cli.output import Terminal
from shortstop.evaluate.privacy.adversarial import Trick
from shortstop.evaluate.privacy.figures import PrivacyReport
from tests.cli.conftest import Shortstop

MAIL = "Write a reply to jane.doe@acme-corp.com, who says the parcel never arrived."
ROWS: list[dict[str, object]] = [
    {"id": "A0", "tier": "PII", "sensitive": 1, "text": MAIL, "kind": None,
     "spans": [{"start": 17, "end": 39, "label": "EMAIL"}]},
    {"id": "A1", "tier": "PUBLIC", "sensitive": 0, "text": "What is a prime?", "kind": None,
     "spans": []},
]  # fmt: skip


@pytest.fixture
def data(home: Path) -> Path:
    path = home / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def test_everything_that_can_be_measured_here_is(shortstop: Shortstop, data: Path) -> None:
    result = shortstop("bench", "privacy", "--data", str(data), "--spans", str(data), "--json")
    assert result.code == 0, result.err
    tree = json.loads(result.out)
    assert set(tree) == {"reports", "tricks", "left_out"}
    parts = [report["part"] for report in tree["reports"]]
    assert parts[0] == "rows.jsonl"
    assert "rows, rules alone" in parts
    assert len(tree["tricks"]) == 30
    figures = {f["name"]: f for r in tree["reports"] for f in r["figures"]}
    assert (figures["sensitive flagged"]["hits"], figures["sensitive flagged"]["n"]) == (1, 1)
    reports = {r["part"]: r["figures"] for r in tree["reports"]}
    assert reports["rows, rules alone"][0]["share"] == 1.0
    assert any("ordinary_clinc" in line for line in tree["left_out"]), "the open data is not here"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--data", "absent.jsonl"), "There is no file absent.jsonl."),
        (("--data", "rows.jsonl", "--spans", "absent.jsonl"), "There is no file absent.jsonl."),
    ],
)
def test_a_file_that_is_named_must_be_there(
    shortstop: Shortstop, data: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = shortstop("bench", "privacy", *arguments)
    assert result.code == 2
    assert says in result.err


def test_a_row_without_its_columns_is_named(shortstop: Shortstop, data: Path) -> None:
    data.write_text(json.dumps(ROWS[0]) + "\n" + json.dumps({"id": "x", "text": "y"}))
    result = shortstop("bench", "privacy", "--data", str(data))
    assert result.code == 2
    assert "line 2, has no sensitive, tier." in result.err


def test_a_line_that_is_no_json_is_no_row(shortstop: Shortstop, data: Path) -> None:
    data.write_text(json.dumps(ROWS[0]) + "\nno json")
    result = shortstop("bench", "privacy", "--data", str(data))
    assert result.code == 2
    assert f"{data}, line 2, is not JSON" in result.err


SPAN = {"start": 0, "end": 1, "label": "EMAIL"}
MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"\n\n", "has no rows"),
    "a list": (b"[1]", "line 3, is not JSON"),
    "not UTF-8": (b'{"text":"M\xfcller","sensitive":1,"tier":"PII"}', "line 3, is not JSON"),
    "deep": (b'{"x":' * 5000 + b"1" + b"}" * 5000, "line 3, is not JSON"),
    "binary": (b"PK\x03\x04\0\0", "line 3, is not JSON"),
    "no text": (b'{"text":null,"sensitive":1,"tier":"PII"}', "line 3, has no text in text"),
    **{name: (json.dumps({**ROWS[0], **change}).encode(), f"line 3, {says}")
       for name, change, says in (
        ("number as text", {"text": 7}, "has no text in text"),
        ("text as verdict", {"sensitive": "yes"}, "has no true or false in sensitive"),
        ("no class", {"tier": None}, "has no text in tier"),
        ("span without end", {"spans": [SPAN, {"start": 1}]}, "span 2, has no numbers"),
        ("span of nothing", {"spans": [{**SPAN, "end": 0}]}, "span 1, is not within the text"),
        ("span beyond", {"spans": [{**SPAN, "end": 999}]}, "span 1, is not within the text"),
        ("span without label", {"spans": [{"start": 0, "end": 1}]}, "span 1, has no text as label"),
        ("spans of text", {"spans": "none"}, "has no list in spans"),
    )},
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_named_by_its_line(
    shortstop: Shortstop, data: Path, name: str
) -> None:
    line, says = MALFORMED[name]
    first = json.dumps(ROWS[0]).encode() + b"\n\n"
    data.write_bytes(line if name == "empty" else first + line + b"\n" + first)
    result = shortstop("bench", "privacy", "--data", str(data))
    assert result.code == 2
    assert says in result.err
    assert str(data) in result.err
    assert "Traceback" not in result.err


def test_a_folder_is_no_file(shortstop: Shortstop, home: Path) -> None:
    result = shortstop("bench", "privacy", "--data", str(home))
    assert (result.code, "is a folder" in result.err) == (2, True)


def test_a_mark_at_the_beginning_is_no_fault(shortstop: Shortstop, data: Path) -> None:
    data.write_bytes(b"\xef\xbb\xbf" + data.read_bytes())
    assert shortstop("bench", "privacy", "--data", str(data), "--json").code == 0


PASSWORD = "correct-horse-battery"
WRONG: list[dict[str, object]] = [
    {"id": "M1", "tier": "SECRET", "sensitive": 1, "text": f"open sesame is what I say: {PASSWORD}",
     "spans": [{"start": 27, "end": 27 + len(PASSWORD), "label": "SECRET"}]},
    {"id": "M2", "tier": "PHI", "sensitive": True, "text": "Osprey sings at Waldheim on Tuesday"},
    {"id": "F1", "tier": "PUBLIC", "sensitive": 0, "text": MAIL},
]  # fmt: skip


def test_what_was_missed_and_wrongly_pinned_is_listed_masked(
    shortstop: Shortstop, data: Path
) -> None:
    data.write_text("\n\n".join(map(json.dumps, [*ROWS, *WRONG])))
    out = data.with_name("misses.jsonl")
    result = shortstop("bench", "privacy", "--data", str(data), "--misses", str(out), "--json")
    assert result.code == 0, result.err
    assert set(json.loads(result.out)) == {"reports", "tricks", "left_out"}
    assert f"{out}: 2 missed, 1 wrongly pinned of 5 rows." in result.err
    for step in ("rows.jsonl ...", "misses ...", "thirty tricks ..."):
        assert step in result.err, "progress, with --json too"
    secret, story, mail = [json.loads(line) for line in out.read_text().splitlines()]
    assert (secret["line"], secret["id"], secret["what"]) == (5, "M1", "missed")
    assert secret["text"] == f"open sesame is what I say: {'*' * len(PASSWORD)}"
    assert (story["kind"], story["text"]) == ("PHI", "O***** s**** a* W******* o* T******")
    assert (mail["line"], mail["what"], mail["kind"]) == (9, "wrongly pinned", "PUBLIC")
    assert [(one["label"], one["tier"]) for one in mail["found"]] == [("EMAIL", "S2")]
    assert mail["found"][0]["rule"]
    assert mail["text"].startswith("Write a reply to **********************, who says")
    assert out.stat().st_mode & 0o777 == 0o600
    for value in (PASSWORD, "Waldheim", "jane.doe", "acme-corp"):
        assert value not in out.read_text()


@pytest.mark.parametrize("row", [{"id": "1", "text": "x"}, {"text": "x", "spans": []}])
def test_rows_of_spans_without_their_columns_are_refused(
    shortstop: Shortstop, data: Path, row: dict[str, object]
) -> None:
    own = data.with_name("own.jsonl")
    own.write_text(json.dumps(row))
    result = shortstop("bench", "privacy", "--data", str(data), "--spans", str(own))
    assert result.code == 2
    assert f"own.jsonl, line 1, has no {'spans' if 'id' in row else 'id'}." in result.err


def test_what_got_through_and_what_was_left_out_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tricks = [Trick(1, True), Trick(2, False, ("base64",))]
    results = Results([PrivacyReport("part", ())], tricks, ["spans: there is no file"])
    show(results, Terminal(width=120))
    out = capsys.readouterr().out
    assert "tricks: 1 of 2 passed" in out
    assert "2: got through: base64" in out
    assert "left out: spans: there is no file" in out
