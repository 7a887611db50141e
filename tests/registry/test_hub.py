"""The Hub client against a stand-in that misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shortstop import registry
from shortstop.errors import ModelFileError
from shortstop.registry import pull
from shortstop.registry.hub import HubFile, fetch
from tests.registry.samples import DATA, gguf, quiet

CONTENT = gguf(data=DATA + bytes(range(256)) * 64)
SHA = sha256(CONTENT).hexdigest()
WANTED = HubFile("org/repo", "model.gguf")
COMMIT = "c0ffee" * 6 + "1234"


class Hub:
    """What the stand-in does, and what it saw."""

    def __init__(self) -> None:
        self.url = ""
        self.drop_after: list[int] = []
        self.ignore_range = False
        self.shift_range = 0
        self.content = CONTENT
        self.said_size: int | None = len(CONTENT)
        self.etag = f'"{SHA}"'
        self.extra = b""
        self.status = 200
        self.fail: list[tuple[int, str | None]] = []
        self.moved = False
        self.redirect_to: str | None = None
        self.commit: str | None = COMMIT
        self.paths: list[str] = []
        self.ranges: list[str | None] = []
        self.tokens: list[str | None] = []
        self.head_tokens: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def empty(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, said in {**headers, "Content-Length": "0"}.items():
            self.send_header(name.replace("_", "-"), said)
        self.end_headers()

    def do_HEAD(self) -> None:
        self.hub.head_tokens.append(self.headers.get("Authorization"))
        if self.hub.moved and self.path.startswith("/org/"):
            return self.empty(307, Location=self.path.replace("/org/", "/new/"))
        said = {"X_Linked_Etag": self.hub.etag}
        if self.hub.said_size is not None:
            said["X_Linked_Size"] = str(self.hub.said_size)
        if self.hub.commit:
            said["X_Repo_Commit"] = self.hub.commit
        if self.hub.status == 200 and self.hub.redirect_to:
            return self.empty(302, Location=self.hub.redirect_to, **said)
        return self.empty(self.hub.status, **said)

    def do_GET(self) -> None:
        self.hub.tokens.append(self.headers.get("Authorization"))
        self.hub.paths.append(self.path)
        if self.hub.redirect_to is not None and not self.path.startswith("/cdn/"):
            return self.empty(302, Location=self.hub.redirect_to)
        if self.hub.fail:
            status, wait = self.hub.fail.pop(0)
            return self.empty(status, **({"Retry_After": wait} if wait else {}))
        self.body()

    def body(self) -> None:
        asked = self.headers.get("Range")
        self.hub.ranges.append(asked)
        start = int(asked.split("=")[1].rstrip("-")) if asked and not self.hub.ignore_range else 0
        body = self.hub.content[start:] + self.hub.extra
        self.send_response(206 if start else 200)
        if start:
            begins, total = start + self.hub.shift_range, len(self.hub.content)
            self.send_header("Content-Range", f"bytes {begins}-{total - 1}/{total}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.hub.drop_after:
            body = body[: self.hub.drop_after.pop(0)]
        self.wfile.write(body)
        self.close_connection = True


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the plan."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    made = Hub()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": made}))
    made.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def get(
    folder: Path, pauses: list[float] | None = None, expected: str | None = None
) -> tuple[bytes, str]:
    waited = [] if pauses is None else pauses
    path, checksum = fetch(WANTED, folder, quiet, expected=expected, pause=waited.append)
    return path.read_bytes(), checksum


def interrupted(hub: Hub, folder: Path, at: int) -> None:
    """Leave what a killed pull leaves: a part and the note of what it belongs to."""
    hub.drop_after = [at, *[0] * 9]
    with pytest.raises(ModelFileError, match="broke off"):
        get(folder)
    hub.drop_after, hub.ranges = [], []
    assert (folder / "model.part").stat().st_size == at


# ---------------------------------------------------------------- good days


def test_a_file_is_fetched_and_checked(hub: Hub, tmp_path: Path) -> None:
    assert get(tmp_path) == (CONTENT, SHA)


def test_the_commit_seen_first_is_the_one_downloaded(hub: Hub, tmp_path: Path) -> None:
    get(tmp_path)
    assert hub.paths == [f"/org/repo/resolve/{COMMIT}/model.gguf"]


def test_a_small_file_without_a_checksum_is_taken_at_its_size(hub: Hub, tmp_path: Path) -> None:
    hub.etag = '"0123456789abcdef"'
    assert get(tmp_path) == (CONTENT, SHA)


def test_a_file_of_unknown_size_is_read_to_its_end(hub: Hub, tmp_path: Path) -> None:
    hub.said_size = None
    assert get(tmp_path) == (CONTENT, SHA)


def test_a_renamed_repository_is_followed(hub: Hub, tmp_path: Path) -> None:
    hub.moved, hub.commit = True, None
    assert get(tmp_path)[0] == CONTENT
    assert hub.paths == ["/new/repo/resolve/main/model.gguf"]


def test_progress_is_told(hub: Hub, tmp_path: Path) -> None:
    said: list[tuple[int, int]] = []
    fetch(WANTED, tmp_path, lambda done, of: said.append((done, of)))
    assert said[-1] == (len(CONTENT), len(CONTENT))


def test_a_model_of_the_hub_is_installed_once(hub: Hub, tmp_path: Path) -> None:
    models = registry.open(tmp_path)
    record, fetched = pull(models, "hf:org/repo/model.gguf", None, quiet)
    assert (fetched, record.sha256, record.source) == (True, SHA, "hf:org/repo/model.gguf@main")
    assert pull(models, "hf:org/repo/model.gguf", None, quiet) == (record, False)
    assert models.find("hf:org/repo/model.gguf") == models.find("model") == record
    assert len(hub.paths) == 1
    with pytest.raises(ModelFileError, match="taken by another"):
        pull(models, "hf:other/repo/model.gguf", None, quiet)


# ---------------------------------------------------------------- bad connections


def test_a_broken_connection_is_resumed(hub: Hub, tmp_path: Path) -> None:
    hub.drop_after = [1000, 2000]
    assert get(tmp_path)[0] == CONTENT
    assert hub.ranges == [None, "bytes=1000-", "bytes=3000-"]


def test_an_interrupted_pull_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    interrupted(hub, tmp_path, 500)
    assert get(tmp_path)[0] == CONTENT
    assert hub.ranges == ["bytes=500-"]


def test_a_part_of_another_file_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    interrupted(hub, tmp_path, 500)
    hub.content = gguf(keys={"general.name": "New"}, data=DATA * 8)
    hub.said_size, hub.etag = len(hub.content), f'"{sha256(hub.content).hexdigest()}"'
    assert get(tmp_path)[0] == hub.content
    assert hub.ranges == [None]


def test_a_part_of_unknown_origin_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.part").write_bytes(b"from nowhere")
    assert get(tmp_path)[0] == CONTENT
    assert hub.ranges == [None]


def test_a_hub_that_ignores_ranges_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    interrupted(hub, tmp_path, 500)
    hub.ignore_range = True
    assert get(tmp_path)[0] == CONTENT


def test_another_range_than_asked_for_is_not_appended(hub: Hub, tmp_path: Path) -> None:
    interrupted(hub, tmp_path, 500)
    hub.shift_range = 7
    with pytest.raises(ModelFileError, match="another range"):
        get(tmp_path)
    hub.shift_range = 0
    assert get(tmp_path)[0] == CONTENT


def test_a_part_that_the_hub_cannot_continue_is_begun_anew(hub: Hub, tmp_path: Path) -> None:
    interrupted(hub, tmp_path, 500)
    hub.fail = [(416, None)]
    assert get(tmp_path)[0] == CONTENT
    assert hub.ranges == [None]


def test_a_busy_hub_is_asked_again_when_it_says(hub: Hub, tmp_path: Path) -> None:
    pauses: list[float] = []
    hub.fail = [(503, None), (429, "7"), (500, "9999")]
    assert get(tmp_path, pauses)[0] == CONTENT
    assert len(pauses) == 3
    assert pauses[1:] == [7.0, 60.0]


def test_patience_lasts_while_bytes_arrive(hub: Hub, tmp_path: Path) -> None:
    hub.drop_after = [100] * 20
    assert get(tmp_path)[0] == CONTENT


def test_a_connection_that_brings_nothing_is_given_up_with_advice(hub: Hub, tmp_path: Path) -> None:
    pauses: list[float] = []
    hub.drop_after = [10, *[0] * 10]
    with pytest.raises(ModelFileError, match="Run the same command again"):
        get(tmp_path, pauses)
    assert (tmp_path / "model.part").stat().st_size == 10
    assert pauses[1:] == sorted(pauses[1:]), "it waits longer and longer"


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFileError, match="broke off") as caught:
        get(tmp_path)
    assert "HF_ENDPOINT" in caught.value.hint


# ---------------------------------------------------------------- lies


def test_wrong_bytes_are_refused_and_removed(hub: Hub, tmp_path: Path) -> None:
    hub.content = CONTENT[:-1] + b"!"
    with pytest.raises(ModelFileError, match="is wrong"):
        get(tmp_path)
    assert not (tmp_path / "model.part").exists()


def test_more_bytes_than_announced_are_refused(hub: Hub, tmp_path: Path) -> None:
    hub.extra = b"x" * 5_000_000
    with pytest.raises(ModelFileError, match="is wrong"):
        get(tmp_path)
    assert not (tmp_path / "model.part").exists()


def test_a_file_exchanged_since_it_was_pinned_is_not_even_downloaded(
    hub: Hub, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match="was replaced since"):
        get(tmp_path, expected="0" * 64)
    assert hub.paths == []


def test_a_file_too_large_for_the_disk_is_not_begun(hub: Hub, tmp_path: Path) -> None:
    hub.said_size = 10**18
    with pytest.raises(ModelFileError, match="GB free"):
        get(tmp_path)
    assert hub.paths == []


# ---------------------------------------------------------------- access


@pytest.mark.parametrize(("status", "says"), [(401, "HF_TOKEN"), (403, "terms"), (404, "Check")])
def test_a_refusal_says_what_to_do(hub: Hub, tmp_path: Path, status: int, says: str) -> None:
    pauses: list[float] = []
    hub.status = status
    with pytest.raises(ModelFileError, match=says):
        get(tmp_path, pauses)
    assert pauses == [], "no retry would help"


def test_the_token_does_not_follow_to_another_host(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.redirect_to = hub.url.replace("127.0.0.1", "localhost") + "/cdn/model.gguf"
    assert get(tmp_path)[0] == CONTENT
    assert hub.head_tokens == ["Bearer hf_secret"]
    assert hub.tokens == ["Bearer hf_secret", None]


def test_the_token_goes_along_on_the_same_host(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.redirect_to = "/cdn/model.gguf"
    assert get(tmp_path)[0] == CONTENT
    assert hub.tokens == ["Bearer hf_secret", "Bearer hf_secret"]


def test_the_endpoint_must_be_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    with pytest.raises(ModelFileError, match="http"):
        get(tmp_path)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("hf:org/repo/m.gguf", HubFile("org/repo", "m.gguf")),
        ("hf:org/repo/sub/m.gguf@v1", HubFile("org/repo", "sub/m.gguf", "v1")),
    ],
)
def test_a_spec_names_repository_file_and_revision(spec: str, wanted: HubFile) -> None:
    assert HubFile.parse(spec) == wanted
    assert HubFile.parse(str(wanted)) == wanted


@pytest.mark.parametrize(
    "spec", ["hf:m.gguf", "hf:org/repo", "hf:org/repo/m.bin", "hf:org/repo/../m.gguf"]
)
def test_a_wrong_spec_is_explained(spec: str) -> None:
    with pytest.raises(ModelFileError, match="ORG/REPO/FILE"):
        HubFile.parse(spec)
