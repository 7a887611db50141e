"""The Hub client against a stand-in that misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shortstop.errors import ModelFileError
from shortstop.registry.hub import HubFile, fetch
from tests.registry.test_registry import gguf

CONTENT = gguf() + bytes(range(256)) * 64
WANTED = HubFile("org/repo", "model.gguf")


class Hub:
    """What the stand-in does, and what it saw."""

    def __init__(self) -> None:
        self.url = ""
        self.drop_after: list[int] = []
        self.ignore_range = False
        self.content = CONTENT
        self.status = 200
        self.redirect_to: str | None = None
        self.ranges: list[str | None] = []
        self.tokens: list[str | None] = []


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.send_response(hub.status)
            self.send_header("X-Linked-Size", str(len(CONTENT)))
            self.send_header("X-Linked-Etag", f'"{sha256(CONTENT).hexdigest()}"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            hub.tokens.append(self.headers.get("Authorization"))
            if hub.redirect_to is not None and self.path.startswith("/org/"):
                self.send_response(302)
                self.send_header("Location", hub.redirect_to)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            asked = self.headers.get("Range")
            hub.ranges.append(asked)
            start = int(asked.split("=")[1].rstrip("-")) if asked and not hub.ignore_range else 0
            body = hub.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if hub.drop_after:
                body = body[: hub.drop_after.pop(0)]
            self.wfile.write(body)
            self.close_connection = True

    return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    made = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    made.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def get(folder: Path) -> tuple[bytes, str]:
    path, checksum = fetch(WANTED, folder, lambda done, of: None, pause=lambda seconds: None)
    return path.read_bytes(), checksum


def test_a_file_is_fetched_and_checked(hub: Hub, tmp_path: Path) -> None:
    assert get(tmp_path) == (CONTENT, sha256(CONTENT).hexdigest())


def test_a_broken_connection_is_resumed(hub: Hub, tmp_path: Path) -> None:
    hub.drop_after = [1000, 2000]
    assert get(tmp_path)[0] == CONTENT
    assert hub.ranges == [None, "bytes=1000-", "bytes=3000-"]


def test_an_interrupted_pull_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.part").write_bytes(CONTENT[:500])
    assert get(tmp_path)[0] == CONTENT
    assert hub.ranges == ["bytes=500-"]


def test_a_hub_that_ignores_ranges_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    hub.ignore_range = True
    (tmp_path / "model.part").write_bytes(b"old and wrong")
    assert get(tmp_path)[0] == CONTENT


def test_wrong_bytes_are_refused_and_removed(hub: Hub, tmp_path: Path) -> None:
    hub.content = CONTENT[:-1] + b"!"
    with pytest.raises(ModelFileError, match="is wrong"):
        get(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_always_breaks_is_given_up_with_advice(hub: Hub, tmp_path: Path) -> None:
    hub.drop_after = [10] * 10
    with pytest.raises(ModelFileError, match="Run the same command again"):
        get(tmp_path)
    assert (tmp_path / "model.part").stat().st_size == 50


@pytest.mark.parametrize(("status", "says"), [(401, "HF_TOKEN"), (403, "terms"), (404, "Check")])
def test_a_refusal_says_what_to_do(hub: Hub, tmp_path: Path, status: int, says: str) -> None:
    hub.status = status
    with pytest.raises(ModelFileError, match=says):
        get(tmp_path)


def test_the_token_does_not_follow_to_another_host(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.redirect_to = hub.url.replace("127.0.0.1", "localhost") + "/cdn/model.gguf"
    assert get(tmp_path)[0] == CONTENT
    assert hub.tokens == ["Bearer hf_secret", None]


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFileError, match="cannot be reached"):
        get(tmp_path)


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("hf:org/repo/m.gguf", HubFile("org/repo", "m.gguf")),
        ("hf:org/repo/sub/m.gguf@v1", HubFile("org/repo", "sub/m.gguf", "v1")),
    ],
)
def test_a_spec_names_repository_file_and_revision(spec: str, wanted: HubFile) -> None:
    assert HubFile.parse(spec) == wanted


@pytest.mark.parametrize("spec", ["hf:m.gguf", "hf:org/repo", "hf:org/repo/m.bin"])
def test_a_wrong_spec_is_explained(spec: str) -> None:
    with pytest.raises(ModelFileError, match="ORG/REPO/FILE"):
        HubFile.parse(spec)
