"""`backtest --try-local` against a local model over HTTP: figures, Ctrl-C, and whom it refuses."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shortstop.app.backtest import Wishes, backtest
from shortstop.app.local_trial import LocalWish, local_model
from shortstop.app.trials import BacktestWatcher
from shortstop.backtest.result import Backtest
from shortstop.config import Config
from shortstop.config.load import parse
from shortstop.console import backtest as page
from shortstop.errors import ConfigError
from tests.backtest.logs import row, texts

CONFIG = """
[models.small]
url = "{url}"
slots = 1
[upstreams.far]
base_url = "http://127.0.0.1:1/v1"
[upstreams.far.models.big]
"""


def sort(text: str) -> str:
    """Right about cards and rates, wrong about the rest."""
    return next((label for label in ("card", "rate") if label in text), "card")


class LocalServer:
    """A model that sorts; on its `last` request it does `then` and answers no more."""

    def __init__(self) -> None:
        self.asked = 0
        self.last = -1
        self.then: Callable[[], None] = lambda: None
        self.over = threading.Event()

    def answer(self, text: str) -> str:
        self.asked += 1
        if self.asked == self.last:
            self.then()
            self.over.wait(30)
        return sort(text)


@pytest.fixture
def model() -> Iterator[tuple[LocalServer, str]]:
    one = LocalServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            message = {"role": "assistant", "content": one.answer(body["messages"][-1]["content"])}
            data = json.dumps(
                {"id": "x", "object": "chat.completion", "created": 1, "model": "small",
                 "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            ).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            with suppress(BrokenPipeError):
                self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield one, f"http://127.0.0.1:{server.server_port}/v1"
    one.over.set()
    server.shutdown()
    server.server_close()


def run(tmp_path: Path, url: str, requests: int) -> tuple[Backtest, list[int]]:
    log, told = tmp_path / "log.jsonl", list[int]()
    rows = [row(n, text, label) for n, (text, label) in enumerate(texts(80))]
    log.write_text("".join(json.dumps(one) + "\n" for one in rows))
    config = parse(CONFIG.format(url=url), {})
    wishes = Wishes(minutes=0.05, local=LocalWish(local_model(config, None), requests, 60))
    watcher = BacktestWatcher(asking=told.append, answered=lambda: told.append(1))
    env = {"SHORTSTOP_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    return backtest(config, env, [log], wishes, watcher), told


def test_the_model_is_asked_and_the_report_says_how_good_it_was(
    tmp_path: Path, model: tuple[LocalServer, str]
) -> None:
    server, url = model
    found, told = run(tmp_path, url, 60)
    assert server.asked == 60
    assert told == [60, *[1] * 60]
    (task,) = found.tasks
    assert task.alone is not None
    assert (task.alone.asked, task.alone.failed, task.alone.grader) == (60, 0, "exact")
    assert 0 < task.alone.alike < 60
    assert task.alone.low < task.alone.alike / 60 < task.alone.high
    assert found.local_asking is not None
    assert (found.local_asking.model, found.local_asking.ended) == ("small", "")
    html = page.render(found)
    assert "What the local model made of a sample" in html
    assert page.percent(task.alone.share) in html
    assert "no vendor was paid" in page.asking_line(found)


def test_ctrl_c_keeps_what_was_asked(tmp_path: Path, model: tuple[LocalServer, str]) -> None:
    server, url = model
    server.last, server.then = 6, lambda: os.kill(os.getpid(), signal.SIGINT)
    found, _ = run(tmp_path, url, 60)
    (task,) = found.tasks
    assert task.alone is not None
    assert task.alone.asked == 5
    assert found.local_asking is not None
    assert found.local_asking.ended == "it was interrupted"
    assert "not all of 60: it was interrupted" in page.asking_line(found)


def test_only_local_models_are_asked() -> None:
    config = parse(CONFIG.format(url="http://127.0.0.1:1/v1"), {})
    assert local_model(config, "small") == "small"
    with pytest.raises(ConfigError, match="'big' is no local model, so it is not asked"):
        local_model(config, "big")
    with pytest.raises(ConfigError, match="no local model to ask"):
        local_model(Config(), None)
