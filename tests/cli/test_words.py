"""Whatever is wrong, every command says it in a sentence: no traceback, and exit code 2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Result, Shortstop
from tests.cli.test_main import ALL, LEAVES, Words

NEEDED: dict[Words, list[str]] = {
    ("backtest",): [os.devnull],
    ("backup",): ["copy"],
    ("batch", "show"): ["batch_1"],
    ("batch", "cancel"): ["batch_1"],
    ("breakeven",): ["1000"],
    ("keys", "create"): ["anna"],
    ("keys", "revoke"): ["key_1"],
    ("keys", "rotate"): ["key_1"],
    ("keys", "move"): ["key_1", "--out"],
    ("teams", "create-organisation"): ["acme", "--budget", "5"],
    ("teams", "create"): ["sales", "--organisation", "acme", "--budget", "5"],
    ("teams", "change"): ["sales", "--budget", "5"],
    ("teams", "show"): ["sales"],
    ("teams", "close"): ["sales"],
    ("privacy", "explain"): ["a text"],
    ("routing", "explain"): ["text"],
    ("routing", "override"): ["mail", "local"],
    ("pull",): ["builtin", "--from", "no-such.whl"],
    ("engine", "build"): ["--sdist", "no-such.tar.gz"],
    ("doctor",): ["--quick"],
    ("replay",): [os.devnull],
    ("traces", "import"): [os.devnull],
    ("traces", "show"): ["req_1"],
    ("tasks", "rename"): ["t", "mail"],
    ("tasks", "merge"): ["a", "b"],
    ("tasks", "split"): ["t"],
    ("tasks", "pin"): ["t"],
    ("tasks", "unpin"): ["t"],
    ("specialists", "promote"): ["label-head-1"],
    ("specialists", "rollback"): ["label-head-1"],
    ("specialists", "retire"): ["label-head-1"],
    ("specialists", "export"): ["label-head-1", "out.zip"],
    ("specialists", "import"): ["no-such.zip"],
}
"""What a command cannot do without, or what keeps it off the network."""

URL = """
[models.small]
url = "http://127.0.0.1:9"
[upstreams.vendor]
base_url = "{}"
[upstreams.vendor.models.big]
"""
BAD_URLS = [
    "http://host:99999/v1",
    "http://host:0/v1",
    "http://host:/v1",
    "http://host:port/v1",
    "http://host:-1/v1",
    "http://[::1",
    "http://::1]/v1",
    "http://[::1]x:80/v1",
    "http://[host]/v1",
    "http://b\u00fccher.example/v1",
    "http://\u0430pi.example/v1",
    "http://ho st/v1",
    " http://host/v1",
    "http://host/v1 ",
    "http://host/v1\\n",
    "http://host/\\tv1",
    "http://host/\\u200bv1",
    "host/v1",
    "host:80/v1",
    "//host/v1",
    "http:/host/v1",
    "http:///v1",
    "http://",
    "",
    "ftp://host/v1",
    "file:///etc/passwd",
    "ws://host",
    "http://me:secret@host/v1",
    "http://secret@host/v1",
    "http://@host/v1",
    "http://host/v1#there",
    "http://-host/v1",
    "http://ho_st..example/v1",
    "http://" + "a" * 64 + ".example/v1",
    "http://" + "a." * 200 + "example/v1",
    "http://999.1.1.1/v1",
    "http://1.2.3/v1",
    "http://host%20/v1",
    "http://[fe80::1%25eth0/v1",
]
GOOD_URLS = [
    "http://127.0.0.1:9/v1",
    "https://api.vendor.example/v1/",
    "http://[::1]:8080",
    "https://xn--bcher-kva.example",
    "http://ollama_1:11434/v1",
    "http://localhost",
    "http://host./v1",
]
BAD_FILES: dict[str, bytes] = {
    "latin-1": 'data_dir = "b\u00fccher"'.encode("latin-1"),
    "utf-16": 'data_dir = "x"'.encode("utf-16"),
    "binary": bytes(range(256)),
    "no toml": b"port: 80\n",
    "deep": b"x = " + b"[" * 5_000 + b"]" * 5_000,
    "a number of 5000 digits": b"[server]\nport = " + b"9" * 5_000,
    "a number of 400 digits": b"[server]\nmax_body_mb = " + b"9" * 400,
    "infinite": b"[server]\ndrain_seconds = inf\n",
    "not a number": b"[routing]\nexploration = nan\n",
    "NUL": b'data_dir = "a\\u0000b"\n',
    "unknown key": b"[server]\nprot = 80\n",
    "wrong type": b'[server]\nport = "80"\n',
    "wrong section": b"server = 5\n",
}


def takes_config(words: Words) -> bool:
    return any(p.name in ("config", "file") for p in ALL[words].params)


def configured(words: Words, file: Path) -> list[str]:
    """The command with a configuration file."""
    where = [str(file)] if words == ("config", "check") else ["--config", str(file)]
    return [*words, *NEEDED.get(words, []), *where]


CONFIGURED = [words for words in LEAVES if takes_config(words) and words != ("privacy", "lint")]


def said_in_words(result: Result) -> str:
    assert result.code == 2, result
    assert "Traceback" not in result.out + result.err
    lines = result.err.strip().splitlines()
    assert 1 <= len(lines) <= 2, result.err
    assert lines[0].startswith("shortstop: ")
    assert lines[0].endswith((".", "!", "?"))
    return result.err


@pytest.mark.parametrize("words", CONFIGURED, ids=" ".join)
def test_a_file_that_cannot_be_used_is_told_by_every_command(
    shortstop: Shortstop, home: Path, words: Words
) -> None:
    file = home / "other.toml"
    said_in_words(shortstop(*configured(words, home / "missing.toml")))
    said_in_words(shortstop(*configured(words, home)))
    said_in_words(shortstop(*configured(words, home / "other.toml" / "below")))
    for content in BAD_FILES.values():
        file.write_bytes(content)
        assert "other.toml" in said_in_words(shortstop(*configured(words, file)))
    for url in BAD_URLS[:12]:
        file.write_text(URL.format(url), encoding="utf-8")
        assert "base_url" in said_in_words(shortstop(*configured(words, file)))


@pytest.mark.parametrize("url", BAD_URLS)
@pytest.mark.parametrize("place", ["base_url", "url"])
def test_a_bad_address_is_told_with_its_key(
    shortstop: Shortstop, home: Path, url: str, place: str
) -> None:
    file = home / "other.toml"
    text = (
        URL.format(url)
        if place == "base_url"
        else URL.format("http://host").replace("http://127.0.0.1:9", url)
    )
    file.write_text(text, encoding="utf-8")
    told = said_in_words(shortstop("config", "check", str(file)))
    assert place in told
    assert "secret" not in told


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_good_address_is_taken(shortstop: Shortstop, home: Path, url: str) -> None:
    file = home / "other.toml"
    file.write_text(URL.format(url))
    assert shortstop("config", "check", str(file)).code == 0


def test_a_mark_at_the_files_beginning_is_no_matter(shortstop: Shortstop, home: Path) -> None:
    (home / "other.toml").write_bytes(b"\xef\xbb\xbf[server]\r\nport = 8080\r\n")
    assert ":8080" in shortstop("config", "check", str(home / "other.toml")).out


@pytest.mark.parametrize("words", CONFIGURED, ids=" ".join)
@pytest.mark.parametrize("kind", ["a file", "below a file"])
def test_a_data_folder_that_cannot_be_is_told(
    shortstop: Shortstop, home: Path, words: Words, kind: str
) -> None:
    """In the file, which every command obeys, or by the commands that need none, not at all."""
    (home / "taken").write_text("")
    folder = home / "taken" / "below" if kind == "below a file" else home / "taken"
    file = home / "other.toml"
    file.write_text(f'data_dir = "{folder}"\n')
    if words in WITHOUT_DATA:
        assert shortstop(*configured(words, file)).code in (0, 1, 2)
        return
    told = said_in_words(shortstop(*configured(words, file)))
    assert "data folder" in told
    assert not (home / "home").exists(), "no other folder was taken instead"


WITHOUT_DATA = {
    ("config", "check"), ("privacy", "explain"), ("audit", "verify"), ("audit", "export"),
    ("bench", "routing"), ("bench", "privacy"), ("replay",), ("backtest",), ("breakeven",),
    ("alerts", "test"),
}  # fmt: skip

KEYS = {
    "newline": "sk-one\nsk-two",
    "space": "sk one",
    "quotes": '"sk-one"',
    "a single quote": "'sk-one",
    "curly quotes": "\u201csk-one\u201d",
    "not ASCII": "sk-\u00fc",
    "control": "sk-\x1b[31m",
    "not UTF-8": "sk-\udcff",
    "empty": "",
    "blank": " \n",
}


@pytest.mark.parametrize("name", KEYS)
def test_a_broken_key_is_told_and_never_shown(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("VENDOR_KEY", KEYS[name])
    file = home / "other.toml"
    text = URL.format("http://127.0.0.1:9").replace("[upstreams.vendor]\n", "[upstreams.vendor]\n"
        'api_key_env = "VENDOR_KEY"\n')  # fmt: skip
    file.write_text(f"[server]\nport = 0\n{text}")
    told = said_in_words(shortstop("serve", "--config", str(file)))
    assert "VENDOR_KEY" in told
    assert "sk-one" not in told
    checked = shortstop("config", "check", str(file))
    assert checked.code == 0
    assert "UNUSABLE" in checked.out or "NOT SET" in checked.out
    assert "sk-one" not in checked.out


# ------------------------------------------------------------ real processes


def process(
    arguments: list[str], folder: Path, *prefix: str, **env: str
) -> subprocess.CompletedProcess[bytes]:
    """`shortstop` with nothing but this environment."""
    command = [*prefix, sys.executable, "-m", "shortstop", *arguments]
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **env}
    return subprocess.run(
        command, cwd=folder, env=given, capture_output=True, check=False, timeout=120
    )


READING = {
    ("batch", "list"),
    ("models",),
    ("doctor",),
    ("contract",),
    ("specialists", "list"),
    ("routing", "explain"),
    ("logout",),
}
"""What looks into a data folder and writes nothing."""
WITH_DATA = [words for words in CONFIGURED if words not in WITHOUT_DATA]
HOMELESS: list[dict[str, str]] = [
    {}, {"HOME": ""}, {"HOME": "/nonexistent"}, {"SHORTSTOP_HOME": "~/x"},
]  # fmt: skip
"""Each command meets one of them, `serve` all."""
STRANGER = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups")


def can_be_a_stranger() -> bool:
    if shutil.which("setpriv") is None or os.getuid() != 0:
        return False
    look = [*STRANGER, sys.executable, "-c", "import shortstop"]
    return subprocess.run(look, capture_output=True, check=False).returncode == 0


needs_a_stranger = pytest.mark.skipif(
    not can_be_a_stranger(), reason="needs root, `setpriv`, a readable checkout"
)


def each(
    folder: Path,
    commands: Sequence[Words],
    homes: Sequence[dict[str, str]],
    *prefix: str,
    **env: str,
) -> list[tuple[str, Result]]:
    """How each command ends with its home in `folder`, started by `prefix` in a bare
    environment."""
    asked = [
        {"arguments": [*words, *NEEDED.get(words, [])], "env": home}
        for words, home in zip(commands, homes, strict=True)
    ]
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "tests.cli.forked"],
        input=json.dumps(asked), cwd=folder, capture_output=True, check=False, timeout=300,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(PATHS), **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = [Result(**one) for one in json.loads(done.stdout)]
    return [(" ".join(words), one) for words, one in zip(commands, results, strict=True)]


PATHS = [str(Path(__file__).parents[2]), *sys.path]


@needs_a_stranger
def test_a_user_without_home_name_and_letters_is_told_what_to_do() -> None:
    """As in a container that runs under any number: no passwd entry, no HOME, an ASCII terminal."""
    ascii_only = {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    commands = [*WITH_DATA, *[("serve",)] * len(HOMELESS)]
    homes = [HOMELESS[n % len(HOMELESS)] for n in range(len(commands))]
    for command, told in each(Path("/"), commands, homes, *STRANGER, **ascii_only):
        assert told.code == 2, command
        assert told.err.isascii(), command
        assert "Traceback" not in told.err, command
        assert told.err.startswith("shortstop: "), command
        assert "SHORTSTOP_HOME" in told.err, command


def in_words(told: Result) -> bool:
    """Whether it ended well, or said in a sentence why not."""
    if "Traceback" in told.err or told.code not in (0, 1, 2):
        return False
    return told.code != 2 or "\nshortstop: " in f"\n{told.err}"


@needs_a_stranger
def test_a_data_folder_that_may_only_be_read_is_told(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(0o755)
    homes = [tmp_path / f"home-{n}" for n, _ in enumerate(WITH_DATA)]
    for home in homes:
        home.mkdir(mode=0o755)
    chosen = [{"SHORTSTOP_HOME": str(home)} for home in homes]
    for (command, told), words in zip(
        each(Path("/"), WITH_DATA, chosen, *STRANGER), WITH_DATA, strict=True
    ):
        assert in_words(told), (command, told)
        assert told.code == 2 or words in READING, command
    assert [home for home in homes if list(home.iterdir())] == []


def test_a_disk_that_takes_nothing_more_is_told(tmp_path: Path) -> None:
    """No file may grow, which fails as a full disk does, with another number."""
    full = ("bash", "-c", 'ulimit -f 0; exec "$@"', "full")
    homes = [{"SHORTSTOP_HOME": str(tmp_path / f"home-{n}")} for n, _ in enumerate(WITH_DATA)]
    for command, told in each(tmp_path, WITH_DATA, homes, *full):
        assert in_words(told), (command, told)


PRINTING = [
    ["models"], ["doctor", "--quick"], ["config", "check"], ["keys", "list"], ["--help"],
    ["privacy", "explain", "J\u00f6rg \u2603, 4111 1111 1111 1111"], ["models", "--json"],
    ["privacy", "explain", "--json", "J\u00f6rg \u2603"], ["serve", "--help"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_terminal_that_knows_only_ascii_gets_ascii(arguments: list[str], tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PYTHONIOENCODING": "ascii", "COLUMNS": "60", "TERM": "dumb"}
    done = process(arguments, tmp_path, **env)
    assert done.returncode in (0, 1), done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout.decode("ascii")


@pytest.mark.parametrize("arguments", PRINTING[:4], ids=" ".join)
def test_a_reader_that_leaves_is_no_error(arguments: list[str], tmp_path: Path) -> None:
    """`shortstop ... | head -0`, and standard output that was never there."""
    for redirect in ("| true", ">&-", "2>&- >/dev/full"):
        line = f'"{sys.executable}" -m shortstop "$@" {redirect}'
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        done = subprocess.run(
            ["bash", "-c", line, "shortstop", *arguments],
            cwd=tmp_path, env=env, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr, redirect
        assert b"Exception ignored" not in done.stderr, redirect
