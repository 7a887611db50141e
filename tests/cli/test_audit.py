"""`shortstop audit` and `shortstop privacy`, as an operator meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MAIL, KEY = "jane.doe@acme-corp.com", "AKIAQ3EGRXQPZ7WJ2YHT"
CONFIG = """
[privacy]
audit = "audit.log"
tenants = { acme = "careful" }
terms = { acme = ["Project Osprey"] }
documents = { acme = ["plan.txt"] }
[privacy.policies.careful]
version = "3"
regions = ["eu"]
rules = [{ tier = "S2", action = "pseudonymise" }, { labels = ["SECRET"], action = "block" }]
[upstreams.vendor]
base_url = "https://api.example.com"
region = "eu"
baa = true
[upstreams.vendor.models.big]
[traces]
retention_days = 30
"""
PLAN = "the quick plan is to open twelve new shops in the north before winter"
WITH_KEY = {"SHORTSTOP_PRIVACY_KEY": "a long random text"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shortstop.toml").write_text(CONFIG)
    (tmp_path / "plan.txt").write_text(PLAN)
    return tmp_path


def shortstop(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shortstop", *command],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "SHORTSTOP_HOME": str(folder), "COLUMNS": "200", **env},
        timeout=60,
        check=False,
    )


WRITE = """
import os
from pathlib import Path
from shortstop.config import load
from shortstop.privacy.audit import AuditEvent, AuditLog
from shortstop.privacy.keys import privacy_key
key = privacy_key(load(None, os.environ).privacy, os.environ)
log = AuditLog(Path("audit.log"), key, largest=1000)
for i in range(20):
    log.append(AuditEvent(1.0 + i, "clear", "acme", f"r{i}", tier=2, policy="careful-3"))
"""


def written(folder: Path) -> None:
    env = {**os.environ, **WITH_KEY}
    subprocess.run([sys.executable, "-c", WRITE], cwd=folder, env=env, check=True)


def test_verify_says_intact_or_where_it_breaks(folder: Path) -> None:
    assert "no audit log" in shortstop(folder, "audit", "verify", **WITH_KEY).stderr
    written(folder)
    done = shortstop(folder, "audit", "verify", **WITH_KEY)
    assert (done.returncode, "20 records, intact" in done.stdout) == (0, True)
    part = sorted(folder.glob("audit.log.0*"))[1]
    part.write_text(part.read_text().replace('"tier":2', '"tier":0', 1))
    done = shortstop(folder, "audit", "verify", **WITH_KEY)
    assert (done.returncode, "altered" in done.stdout) == (1, True)
    assert shortstop(folder, "audit", "verify").returncode != 0, "without the key nothing is proven"


def test_export_is_the_whole_evidence(folder: Path) -> None:
    written(folder)
    done = shortstop(folder, "audit", "export", "--out", "bundle.json", **WITH_KEY)
    assert done.returncode == 0, done.stderr
    bundle: dict[str, Any] = json.loads((folder / "bundle.json").read_text())
    assert bundle["intact"] is True
    assert len(bundle["decisions"]) == bundle["records"] == 20
    assert bundle["policies"] == ["careful-3"]
    assert bundle["policy_texts"]["careful"]["version"] == "3"
    assert bundle["providers"] == [{"name": "vendor", "region": "eu", "baa": True}]
    assert bundle["retention_days"] == 30
    assert "six months" in bundle["warnings"][0]
    assert not set(bundle["made_by"]).isdisjoint("0123456789")


def test_a_gateway_that_could_prove_nothing_does_not_start(folder: Path) -> None:
    done = shortstop(folder, "serve")
    assert done.returncode != 0
    assert "SHORTSTOP_PRIVACY_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_too_short_a_retention_is_said(folder: Path) -> None:
    assert "six months" in shortstop(folder, "config", "check").stdout


def explained(folder: Path, what: str, *more: str) -> dict[str, Any]:
    done = shortstop(folder, "privacy", "explain", what, "--tenant", "acme", "--json", *more)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


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
    folder: Path, text: str, label: str, action: str
) -> None:
    told = explained(folder, text)
    assert told["policy"] == "careful-3"
    assert told["actions"][label] == action
    assert {f["label"] for f in told["findings"]} == {label}


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
def test_explain_reads_request_files_of_every_dialect(folder: Path, name: str) -> None:
    (folder / "r.json").write_text(json.dumps(BODIES[name]))
    assert explained(folder, "r.json")["actions"] == {"EMAIL": "pseudonymise"}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_explain_never_shows_a_value(folder: Path, form: tuple[str, ...]) -> None:
    """Not even one that stands as an object's key, in the place of its own finding."""
    body = {"messages": [{"role": "user", "content": f"{MAIL}, {KEY}"}], "x": {KEY: 1, MAIL: KEY}}
    (folder / "r.json").write_text(json.dumps(body))
    for what in ("r.json", f"{MAIL} {KEY}"):
        done = shortstop(folder, "privacy", "explain", what, *form)
        assert done.returncode == 0, done.stderr
        assert KEY not in done.stdout
        assert MAIL not in done.stdout


def test_lint_is_content_with_a_sound_policy_and_names_what_is_wrong(folder: Path) -> None:
    assert shortstop(folder, "privacy", "lint").returncode == 0
    bad = (
        '[privacy.policies.bad]\nrules = [{ action = "allow", tier = "S3" }, { action = "block" }]'
    )
    (folder / "shortstop.toml").write_text(CONFIG + bad)
    done = shortstop(folder, "privacy", "lint")
    assert done.returncode == 1
    assert "lets secrets" in done.stdout
    assert "never holds" in done.stdout


def test_a_document_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "plan.txt").unlink()
    done = shortstop(folder, "privacy", "explain", "hello", "--tenant", "acme")
    assert done.returncode != 0
    assert "plan.txt" in done.stderr
    assert "Traceback" not in done.stderr
