"""`shortstop tasks`: what there is, named alike in every list, and nothing personal shown."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from shortstop.cli.tasks import tasks_app
from shortstop.cli.traces import traces_app
from shortstop.errors import ConfigError
from shortstop.specialists.query import Query
from tests.app.recorded import TOML, config, dated, record, trace_of
from tests.flywheel.traffic import example, invoices, mails

SECRET = "My card 4111 1111 1111 1111 is lost, mail me at anna.muster@example.com"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTSTOP_HOME", str(tmp_path / "home"))
    (tmp_path / "shortstop.toml").write_text(TOML)
    return tmp_path / "home"


def recorded(home: Path) -> None:
    rows = [*mails(60), replace(example(60, SECRET, "card"), task="mail")]
    rows = [replace(e, task="t-0000000001") for e in rows]
    bills = [replace(e, id=f"i{e.id}", task="t-0000000002") for e in invoices(20)]
    dates = dated([*rows, *bills], time.time() - 5)
    prompts = {"t-0000000001": "Sort the customer mail.", "t-0000000002": "Extract receipt fields."}
    record(config(home), [trace_of(e, prompts[e.task]) for e in dates])


def run(app: typer.Typer, *arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def listed(*arguments: str) -> list[dict[str, Any]]:
    return json.loads(run(tasks_app, "--json", *arguments))["tasks"]


def test_tasks_have_names_that_stay(home: Path) -> None:
    recorded(home)
    first = listed()
    assert sorted(task["name"] for task in first) == [
        "extract-receipt-fields", "sort-customer-mail",
    ]  # fmt: skip
    assert listed() == first
    mail = next(task for task in first if task["name"] == "sort-customer-mail")
    assert (mail["requests"], mail["answers"]) == (61, "labels")


def test_samples_hold_nothing_personal(home: Path) -> None:
    recorded(home)
    shown = run(tasks_app, "--json") + run(tasks_app)
    assert "4111" not in shown
    assert "anna.muster" not in shown


def test_an_operators_name_merge_and_pin_last(home: Path) -> None:
    recorded(home)
    run(tasks_app, "rename", "sort-customer-mail", "post")
    run(tasks_app, "pin", "extract-receipt-fields")
    run(tasks_app, "merge", "post", "extract-receipt-fields")
    first, second = listed()
    assert (first["name"], first["pinned"]) == ("extract-receipt-fields", True)
    assert (second["name"], first["merged_into"]) == ("post", "acme/t-0000000001")
    run(tasks_app, "split", "extract-receipt-fields")
    run(tasks_app, "unpin", "extract-receipt-fields")
    assert not any(task["pinned"] or task["merged_into"] for task in listed())


LOG = [
    {
        "request": {"model": "big", "messages": [{"role": "user", "content": f"Say {n}"}]},
        "response": {
            "id": "x", "model": "big",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": str(n)},
                 "finish_reason": "stop"}
            ],
        },
    }
    for n in range(5)
]  # fmt: skip


def test_a_log_of_nothing_is_refused(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("nonsense\n")
    for app, arguments in ((traces_app, ["import", str(log)]), (tasks_app, ["--from", str(log)])):
        refused = CliRunner().invoke(app, arguments)
        assert isinstance(refused.exception, ConfigError)
        assert "holds no request" in str(refused.exception)
        assert "docs/backtest.md" in refused.exception.hint


def test_a_log_is_listed_and_kept_once(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, LOG)) + "\nnonsense\n")
    (task,) = listed("--from", str(log))
    assert (task["task"], task["requests"]) == ("open", 5)
    assert "5 rows, 1 line could not be read." in run(traces_app, "import", str(log))
    run(traces_app, "import", str(log))
    (task,) = listed()
    assert task["requests"] == 5
    out = tmp_path / "out.jsonl"
    run(traces_app, "export", "--out", str(out))
    (again,) = listed("--from", str(out))
    assert (again["task"], again["requests"]) == ("open", 5)


def test_queries_are_what_the_user_wrote_last() -> None:
    assert mails(1)[0].query == Query(mails(1)[0].query.text)
