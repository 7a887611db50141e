"""`shortstop audit`: the log is proven or its first break named; the evidence is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shortstop.config import PrivacyConfig
from shortstop.privacy.audit import AuditEvent, AuditLog, files, head_of
from shortstop.privacy.keys import privacy_key
from tests.cli.conftest import Shortstop

CONFIG = """
[privacy]
audit = "audit.log"
tenants = { acme = "careful" }
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
SECRET = "a long random text"


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (home / "shortstop.toml").write_text(CONFIG)
    monkeypatch.setenv("SHORTSTOP_PRIVACY_KEY", SECRET)
    return home


def written(path: Path, count: int = 20) -> None:
    key = privacy_key(PrivacyConfig(), {"SHORTSTOP_PRIVACY_KEY": SECRET})
    log = AuditLog(path, key, largest=1000)
    for i in range(count):
        log.append(AuditEvent(1.0 + i, "clear", "acme", f"r{i}", tier=2, policy="careful-3"))
    log.close()


@pytest.fixture
def log(folder: Path) -> Path:
    """Twenty decisions, in several files."""
    written(folder / "audit.log")
    assert len(files(folder / "audit.log")) > 2
    return folder / "audit.log"


# ---------------------------------------------------------------- verify


def test_an_intact_log_is_said_to_be(shortstop: Shortstop, log: Path) -> None:
    result = shortstop("audit", "verify")
    assert (result.code, result.out) == (0, "audit.log: 20 records, intact\n")


def altered(log: Path) -> None:
    part = sorted(log.parent.glob("audit.log.0*"))[1]
    part.write_text(part.read_text().replace('"tier":2', '"tier":0', 1))


def cut(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (altered, "altered"),
        (cut, "record 19: cut short"),
        (lambda log: files(log)[1].unlink(), "dropped or reordered"),
        (lambda log: head_of(log).unlink(), "the signed head is missing or forged"),
        (lambda log: log.write_text("garbage\n"), "unreadable"),
    ],
)
def test_a_break_is_named_with_its_record(
    shortstop: Shortstop, log: Path, tamper: Any, found: str
) -> None:
    tamper(log)
    result = shortstop("audit", "verify")
    assert result.code == 1
    assert result.out.startswith("audit.log: record ")
    assert found in result.out


def test_verifying_changes_nothing(shortstop: Shortstop, log: Path) -> None:
    before = {p.name: p.read_bytes() for p in log.parent.iterdir() if p.is_file()}
    shortstop("audit", "verify")
    assert {p.name: p.read_bytes() for p in log.parent.iterdir() if p.is_file()} == before


def test_another_log_may_be_named(shortstop: Shortstop, folder: Path) -> None:
    written(folder / "other.log", 3)
    result = shortstop("audit", "verify", "--log", "other.log")
    assert (result.code, result.out) == (0, "other.log: 3 records, intact\n")


def test_the_log_of_changes_is_proven_where_there_is_no_other(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the gateway's own key, also a copy of it, and beside a log that was configured since."""
    (home / "shortstop.toml").write_text("")
    monkeypatch.setenv("SHORTSTOP_TRACES_KEY", "of the gateway")
    monkeypatch.delenv("SHORTSTOP_PRIVACY_KEY", raising=False)
    for name in ("acme", "shop"):
        made = shortstop("teams", "create-organisation", name, "--budget", "9")
        assert made.code == 0, made.err
    result = shortstop("audit", "verify")
    assert (result.code, "changes.log: 2 records, intact" in result.out) == (0, True)
    assert json.loads(shortstop("audit", "export").out)["records"] == 2
    [log] = home.rglob("changes.log")
    (home / "shortstop.toml").write_text(CONFIG)
    copy = home / "backup" / "changes.log"
    copy.parent.mkdir()
    for one in (log, head_of(log)):
        (copy.parent / one.name).write_bytes(one.read_bytes())
    assert "intact" in shortstop("audit", "verify", "--log", str(copy)).out
    copy.write_text(copy.read_text().replace("acme", "acne"))
    result = shortstop("audit", "verify", "--log", str(copy))
    assert (result.code, "record 0: altered" in result.out) == (1, True)


@pytest.mark.parametrize("command", ["verify", "export"])
def test_without_a_log_there_is_nothing_to_prove(
    shortstop: Shortstop, folder: Path, command: str
) -> None:
    result = shortstop("audit", command)
    assert result.code == 2
    assert "There is no audit log." in result.err
    (folder / "shortstop.toml").write_text("")
    assert "Set `audit` under [privacy]" in shortstop("audit", command).err


@pytest.mark.parametrize("command", ["verify", "export"])
def test_without_the_key_nothing_is_proven(
    shortstop: Shortstop, log: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("SHORTSTOP_PRIVACY_KEY")
    result = shortstop("audit", command)
    assert result.code == 2
    assert "$SHORTSTOP_PRIVACY_KEY" in result.err


def test_another_key_proves_nothing(
    shortstop: Shortstop, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTSTOP_PRIVACY_KEY", "another")
    result = shortstop("audit", "verify")
    assert (result.code, "record 0: altered" in result.out) == (1, True)


# ---------------------------------------------------------------- export


def test_export_is_the_whole_evidence(shortstop: Shortstop, log: Path) -> None:
    assert shortstop("audit", "export", "--out", "bundle.json").code == 0
    bundle: dict[str, Any] = json.loads((log.parent / "bundle.json").read_text())
    assert bundle["intact"] is True
    assert bundle["first_break"] is None
    assert len(bundle["decisions"]) == bundle["records"] == 20
    assert [r["n"] for r in bundle["decisions"]] == list(range(20))
    assert (bundle["first_at"], bundle["last_at"]) == (1.0, 20.0)
    assert bundle["policies"] == ["careful-3"]
    assert bundle["policy_texts"]["careful"]["version"] == "3"
    assert bundle["policy_of_tenants"] == {"acme": "careful"}
    assert bundle["providers"] == [{"name": "vendor", "region": "eu", "baa": True}]
    assert bundle["retention_days"] == 30
    assert bundle["airgap"] is False
    assert bundle["head"] == head_of(log).read_text()
    assert "six months" in bundle["warnings"][0]
    assert not set(bundle["made_by"]).isdisjoint("0123456789")


def test_without_a_file_it_goes_to_the_screen(shortstop: Shortstop, log: Path) -> None:
    result = shortstop("audit", "export")
    assert result.code == 0
    assert json.loads(result.out)["records"] == 20


def test_a_broken_log_is_exported_with_its_break(shortstop: Shortstop, log: Path) -> None:
    """Up to the first line that cannot be read."""
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:1], b"garbage\n", *lines[1:]]))
    result = shortstop("audit", "export")
    assert result.code == 0
    bundle = json.loads(result.out)
    assert bundle["intact"] is False
    assert bundle["first_break"]["what"] == "unreadable"
    assert bundle["records"] == bundle["first_break"]["n"] < 20


def test_the_bundle_holds_the_operators_policies_and_no_key(
    shortstop: Shortstop, log: Path
) -> None:
    text = shortstop("audit", "export").out
    assert SECRET not in text
    assert json.loads(text)["policy_texts"]["careful"]["rules"][1]["action"] == "block"


# ---------------------------------------------------------------- the gateway that writes it


def test_a_gateway_that_could_prove_nothing_does_not_start(home: Path) -> None:
    (home / "shortstop.toml").write_text(CONFIG)
    result = subprocess.run(
        [sys.executable, "-m", "shortstop", "serve"],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "SHORTSTOP_HOME": str(home)},
        timeout=60,
        check=False,
    )
    assert result.returncode != 0
    assert "SHORTSTOP_PRIVACY_KEY" in result.stderr
    assert "Traceback" not in result.stderr


def test_too_short_a_retention_is_said(shortstop: Shortstop, folder: Path) -> None:
    assert "six months" in shortstop("config", "check").out
