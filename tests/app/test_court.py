"""A judge at night: over real HTTP, blind, in both orders, within its money, and nothing twice."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shortstop.app import night
from shortstop.app.court import NightCourt
from shortstop.app.night import spend_night
from shortstop.app.workshop import Workshop
from shortstop.registry.placements import Placements
from tests.app.recorded import NOW, TOML, config, dated, record, trace_of, workshop_of
from tests.flywheel.traffic import TOPICS, mails

pytest.importorskip("sklearn", reason="needs the extra [learn]")

JUDGE = """
[upstreams.other]
base_url = "{url}"
retries = 0
[upstreams.other.models.arbiter]
price = "gpt-6.1-sol"
[judge]
target = "arbiter"
"""


class Arbiter:
    """Knows which topic a message is about, and says so until it is `broken`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.broken = False

    def answer(self, body: dict[str, Any]) -> dict[str, Any] | None:
        material = json.loads(body["messages"][-1]["content"])
        self.asked.append(material)
        if self.broken:
            return None
        text = material["request"][-1]["text"]
        first, second = (
            9 if any(text.startswith(said) for said in TOPICS.get(material[side], ())) else 1
            for side in ("first_answer", "second_answer")
        )
        verdict = json.dumps({"first": first, "second": second})
        message = {"role": "assistant", "content": verdict}
        return {
            "id": "x", "object": "chat.completion", "created": 1, "model": "arbiter",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 10, "total_tokens": 210},
        }  # fmt: skip

    @property
    def pairs(self) -> Counter[tuple[str, str, str]]:
        """(request, one answer, the other) -> how often it was shown in this order."""
        return Counter(
            (m["request"][-1]["text"], m["first_answer"], m["second_answer"]) for m in self.asked
        )


@pytest.fixture
def arbiter() -> Iterator[tuple[Arbiter, str]]:
    judge = Arbiter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said = judge.answer(body)
            data = json.dumps(said or {"error": {"message": "down"}}).encode()
            self.send_response(200 if said else 500)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield judge, f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _still_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "step_aside", lambda: None)
    monkeypatch.setattr(night.time, "time", lambda: NOW + 1)


def workshop(home: Path, url: str | None, learning: str = "", rows: int = 1200) -> Workshop:
    """Traffic of a teacher that is wrong in one of fifteen answers."""
    learning += 'kinds = ["label-head"]\n'
    settings = config(home, learning + (JUDGE.format(url=url) if url else ""), TOML)
    if not (home / "traces.db").exists():
        record(settings, [trace_of(e) for e in dated(mails(rows, noise=0.1, seed=3))])
    return workshop_of(settings)


def states(home: Path) -> list[str]:
    return [one.state for one in Placements(home).all()]


class Killed(BaseException):
    """Ends the night as a kill does."""


def test_one_who_is_more_right_than_its_teacher_is_proven_by_a_judge_who_is_asked_nothing_twice(
    tmp_path: Path, arbiter: tuple[Arbiter, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, url = arbiter
    spend_night(workshop(tmp_path, None))
    assert states(tmp_path) == ["shadow"], "without a judge it is wrong in each of its errors"

    with monkeypatch.context() as patch:
        patch.setattr(NightCourt, "_ended", killed_after(judge, 16))
        with pytest.raises(Killed):
            spend_night(workshop(tmp_path, url))
    assert states(tmp_path) == ["shadow"]
    report = spend_night(workshop(tmp_path, url))
    (made,) = [kind for kind in report.tasks[0].kinds if kind.name]
    assert (made.state, states(tmp_path)) == ("canary", ["canary"])
    assert set(made.judged) == {"judge"}
    assert made.loss < 0
    assert report.judge is not None
    assert 0 < report.judge.verdicts < made.judged["judge"], "the killed night was told the rest"

    seen = judge.pairs
    assert set(seen.values()) == {1}
    assert {(text, two, one) for text, one, two in seen} == set(seen), "each in both orders"
    rows = list(workshop(tmp_path, url).recorded.reader().traces())
    calls = [row for row in rows if "-judge-" in row.id]
    assert len(calls) == len(judge.asked)
    booked = sum(float(row.bill.cost or 0) for row in calls if row.bill)
    assert booked == pytest.approx(report.judge.usd, abs=1e-6)
    again = spend_night(workshop(tmp_path, url))
    assert again.judge is not None
    assert (again.judge.verdicts, len(judge.asked)) == (0, len(calls))


def killed_after(judge: Arbiter, questions: int) -> Any:
    real = NightCourt._ended

    def ended(self: NightCourt, results: Any) -> int:
        if len(judge.asked) >= questions:
            raise Killed
        return real(self, results)

    return ended


def test_a_judge_that_is_down_or_out_of_money_ends_no_night_and_the_rest_waits(
    tmp_path: Path, arbiter: tuple[Arbiter, str]
) -> None:
    judge, url = arbiter
    judge.broken = True
    down = spend_night(workshop(tmp_path, url, rows=500))
    assert down.judge is not None
    assert "does not answer" in down.judge.why
    assert len(judge.asked) <= 16
    assert states(tmp_path) == ["shadow"]
    judge.broken = False
    report = spend_night(workshop(tmp_path, url, "usd = 0.008\n", rows=500))
    assert report.judge is not None
    assert "are spent" in report.judge.why
    assert 0 < report.judge.usd <= 0.008
    (made,) = [kind for kind in report.tasks[0].kinds if kind.name]
    assert made.waiting > 0
    assert "wait for the judge" in made.why
    assert "none" not in made.judged, "what waits is no evidence in either direction"


def test_without_money_or_a_name_there_is_no_judge(tmp_path: Path) -> None:
    assert workshop(tmp_path, "http://127.0.0.1:9", "usd = 0\n", rows=1).court(NOW) is None
    assert workshop(tmp_path, None, rows=1).court(NOW) is None
