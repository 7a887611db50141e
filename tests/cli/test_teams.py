"""`shortstop teams`, and what `shortstop keys` does with them: all of it written down first."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shortstop.accounts import Accounts
from shortstop.config import TracesConfig
from shortstop.privacy import audit
from shortstop.stores.owners import Owner
from shortstop.stores.sqlite.accounts import SqliteAccounts
from shortstop.traces.seal import Seal
from tests.cli.conftest import Shortstop
from tests.conftest import FakeClock
from tests.stores.contract.world import AT
from tests.traces.example import open_store, remote

SECRET = "the operator's own key"


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """The key that the gateway seals with is known here; the log of changes."""
    monkeypatch.setenv("SHORTSTOP_TRACES_KEY", SECRET)
    return home / "home" / "changes.log"


def said(shortstop: Shortstop, *arguments: str) -> Any:
    """What the command prints as JSON."""
    result = shortstop(*arguments, "--json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def acme(shortstop: Shortstop) -> None:
    said(shortstop, "teams", "create-organisation", "acme", "--budget", "$100")
    said(
        shortstop, "teams", "create", "sales", "--org", "acme", "--budget", "50", "--period",
        "week", "--zone", "Europe/Berlin",
    )  # fmt: skip


def acts(log: Path) -> list[str]:
    """What was done, of a chain that is whole."""
    assert audit.verify(log, Seal(SECRET).digest(b"console changes", 32)) is None
    return [record.event.detail.partition(": ")[2] for record in audit.records(log)]


def test_teams_are_made_changed_and_shown(shortstop: Shortstop, sealed: Path) -> None:
    acme(shortstop)
    team = said(shortstop, "teams", "show", "acme/sales")
    assert (team["kind"], team["budget_usd"], team["period"], team["zone"]) == (
        "team", "50", "week", "Europe/Berlin",
    )  # fmt: skip
    assert (team["spent_usd"], team["held_usd"], team["left_usd"]) == ("0", "0", "50")
    assert 0 < team["resets"] - time.time() <= 7 * 86_400 + 3600
    changed = said(shortstop, "teams", "change", "sales", "--budget", "7.50", "--name", "Sales")
    assert (changed["name"], changed["left_usd"], changed["id"]) == ("Sales", "7.50", team["id"])
    assert [one["name"] for one in said(shortstop, "teams", "list")] == ["acme", "Sales"]
    shown = shortstop("teams", "list").out
    assert "acme/Sales" in shown
    assert "$7.50 a week" in shown
    organisation = said(shortstop, "teams", "show", "acme")["id"]
    assert acts(sealed) == [
        "make organisation acme",
        f"make team sales in {organisation}",
        f"change {team['id']}: name Sales, budget_usd 7.50",
    ]


def test_what_keys_have_spent_is_the_teams(shortstop: Shortstop, sealed: Path, home: Path) -> None:
    acme(shortstop)
    key = said(shortstop, "keys", "create", "anna", "--team", "sales")
    store = SqliteAccounts(home / "home" / "accounts.db", Owner(home / "home" / "owners"))
    with closing(Accounts(store, time)) as accounts:
        found = accounts.keys.get(key["id"])
        assert found is not None
        assert accounts.purse.hold("r1", found, Decimal("1.5"))
        accounts.purse.settle("r1", found, Decimal("1.25"))
        assert accounts.purse.hold("r2", found, Decimal("0.5"))
        sums = [
            (one["spent_usd"], one["held_usd"], one["left_usd"])
            for one in said(shortstop, "teams", "list")
        ]
        assert sums == [("1.25", "0.5", "98.25"), ("1.25", "0.5", "48.25")]


def test_what_requests_have_cost_is_summed_by_team(
    shortstop: Shortstop, sealed: Path, home: Path
) -> None:
    acme(shortstop)
    keys = [said(shortstop, "keys", "create", name)["id"] for name in ("anna", "bob", "carl")]
    for name in ("anna", "bob"):
        said(shortstop, "keys", "move", name, "--team", "sales")
    store = open_store(home / "home" / "traces.db", TracesConfig(), FakeClock())
    for n, key in enumerate((*keys, keys[0], None)):
        store.append(remote(f"r{n}", at=AT + n * 86_400, key=key))
    store.close()
    rows = said(shortstop, "teams", "report")
    assert [(one["team"], one["requests"]) for one in rows] == [("acme/sales", 3), (None, 2)]
    each = Decimal(rows[1]["effective"]) / 2
    assert each > 0
    assert Decimal(rows[0]["effective"]) == 3 * each
    day = datetime.fromtimestamp(AT + 86_400, UTC).strftime("%Y-%m-%d")
    assert said(shortstop, "teams", "report", "--until", day)[0]["requests"] == 1
    (team, others) = said(shortstop, "report", "--by", "team")["groups"]["team"]
    assert (team["key"], team["requests"], others["key"]) == ("acme/sales", 3, "(no team)")
    assert Decimal(team["cost"]) == Decimal(rows[0]["effective"])
    assert "acme/sales" in shortstop("report", "--by", "team").out
    told = shortstop("teams", "report").out
    assert "acme/sales" in told
    assert "(no team)" in told


def test_keys_are_put_into_teams_and_taken_out(shortstop: Shortstop, sealed: Path) -> None:
    acme(shortstop)
    anna = said(shortstop, "keys", "create", "anna")
    bot = said(shortstop, "keys", "create", "nightly", "--team", "acme/sales", "--service")
    lead = said(shortstop, "keys", "create", "lea", "--team", "sales", "--role", "team-lead")
    team = bot["team"]
    assert (anna["team"], bot["service"], lead["role"]) == (None, True, "team-lead")
    assert said(shortstop, "keys", "move", "anna", "--team", "sales")["team"] == team
    listed = shortstop("keys", "list").out
    assert "user, service" in listed
    assert listed.count("acme/sales") == 3
    assert said(shortstop, "keys", "move", "anna", "--out")["team"] is None
    names = [one["name"] for one in said(shortstop, "keys", "list", "--team", "sales")]
    assert names == ["nightly", "lea"]
    assert shortstop("keys", "move", "nightly", "--out").code == 2
    assert shortstop("keys", "move", "anna").code == 2
    assert shortstop("keys", "create", "x", "--service").code == 2
    assert shortstop("keys", "create", "x", "--team", "none").code == 2
    said(shortstop, "keys", "revoke", "nightly")
    assert acts(sealed)[2:] == [
        "make key anna",
        f"make key nightly in the team {team}",
        f"make key lea in the team {team}",
        f"move key {anna['id']} to the team {team}",
        f"move key {anna['id']} out",
        f"move key {bot['id']} out",
        "make key x",
        f"revoke key {bot['id']}",
    ]


def test_a_team_without_keys_is_no_open_gateway(shortstop: Shortstop, sealed: Path) -> None:
    shortstop("teams", "create-organisation", "acme", "--budget", "5")
    shortstop("teams", "create", "sales", "--organisation", "acme", "--budget", "5")
    shortstop("keys", "create", "ci")
    assert shortstop("keys", "list", "--team", "sales").out == "No key is in the team sales.\n"


def test_a_team_is_closed_with_its_keys_and_stays_in_the_books(
    shortstop: Shortstop, sealed: Path
) -> None:
    acme(shortstop)
    team = said(shortstop, "teams", "show", "sales")["id"]
    organisation = said(shortstop, "teams", "show", "acme")["id"]
    made = said(shortstop, "keys", "create", "anna", "--team", "sales")["id"]
    other = said(shortstop, "keys", "create", "bob")["id"]
    assert "are open, 'sales' among them" in shortstop("teams", "close", "acme").err
    closed = said(shortstop, "teams", "close", "sales")
    assert (closed["id"], closed["revoked"]) == (team, [made])
    in_use = [one["id"] for one in said(shortstop, "keys", "list") if one["revoked"] is None]
    assert in_use == [other]
    assert "acme/sales, closed" in shortstop("teams", "list").out
    for refused in (
        ("keys", "create", "carl", "--team", "sales"),
        ("keys", "move", "bob", "--team", "sales"),
        ("teams", "change", "sales", "--budget", "9"),
        ("teams", "create", "sales", "--org", "acme", "--budget", "9"),
    ):
        assert shortstop(*refused).code == 2
    said(shortstop, "teams", "change", "sales", "--name", "sales 2026")
    said(shortstop, "teams", "create", "sales", "--org", "acme", "--budget", "9")
    assert said(shortstop, "teams", "close", team)["revoked"] == [], "once more changes nothing"
    said(shortstop, "teams", "close", "acme/sales")
    assert said(shortstop, "teams", "close", "acme")["closed"] is not None
    assert shortstop("teams", "create", "x", "--org", "acme", "--budget", "9").code == 2
    assert f"close {team} and revoke its keys" in acts(sealed)
    assert f"close {organisation} and revoke its keys" in acts(sealed)


def test_a_secret_is_replaced_and_the_old_one_listed_as_long_as_it_is_good(
    shortstop: Shortstop, home: Path
) -> None:
    old = said(shortstop, "keys", "create", "anna", "--budget", "5")
    new = said(shortstop, "keys", "rotate", "anna", "--grace", "24h")
    assert new["id"] == old["id"]
    assert new["secret"] != old["secret"]
    (listed,) = said(shortstop, "keys", "list")
    (replaced,) = listed["replaced"]
    assert (replaced["tail"], listed["tail"]) == (old["tail"], new["tail"])
    assert 0 < replaced["until"] - time.time() <= 86_400
    assert f"…{old['tail']} until" in shortstop("keys", "list").out
    result = shortstop("keys", "rotate", "anna")
    assert "Its old secret is good no longer." in result.err
    assert len(said(shortstop, "keys", "list")[0]["replaced"]) == 1
    assert shortstop("keys", "rotate", "anna", "--grace", "soon").code == 2
    assert shortstop("keys", "rotate", "anna", "--grace", "52w").code == 2
    assert old["secret"] not in shortstop("keys", "list", "--json").out
    said(shortstop, "keys", "revoke", "anna")
    assert shortstop("keys", "rotate", "anna").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["create-organisation", "acme", "--budget", "1"],
        ["create-organisation", "b", "--budget", "none"],
        ["create-organisation", "b", "--budget", "NaN"],
        ["create-organisation", "b", "--budget", "1e400"],
        ["create-organisation", "b", "--budget", "1", "--zone", "Berlin"],
        ["create-organisation", "a/b", "--budget", "1"],
        ["create", "b", "--org", "none", "--budget", "1"],
        ["create", "sales", "--org", "acme", "--budget", "1"],
        ["create", "org_x", "--org", "acme", "--budget", "1"],
        ["change", "sales"],
        ["change", "none", "--budget", "1"],
        ["change", "sales", "--budget", "0"],
        ["show", "none"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_said_in_a_sentence(
    shortstop: Shortstop, sealed: Path, arguments: list[str]
) -> None:
    acme(shortstop)
    before = said(shortstop, "teams", "list")
    result = shortstop("teams", *arguments)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert said(shortstop, "teams", "list") == before


def test_without_teams_nothing_is_new(shortstop: Shortstop, home: Path) -> None:
    """No log that a gateway's key did not make, no column, no word on standard error."""
    assert "There are no teams" in shortstop("teams", "list").out
    said(shortstop, "keys", "create", "anna")
    said(shortstop, "keys", "revoke", "anna")
    assert "team" not in shortstop("keys", "list").out
    assert not (home / "home" / "changes.log").exists()
    assert not (home / "home" / "content.key").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_what_root_writes_down_is_the_gateways_users(
    shortstop: Shortstop, sealed: Path, home: Path
) -> None:
    (home / "home").mkdir()
    os.chown(home / "home", 54321, 54321)
    acme(shortstop)
    for path in (sealed, audit.head_of(sealed)):
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (54321, 0o600)


def test_what_cannot_be_written_down_is_not_done_to_teams(
    shortstop: Shortstop, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme(shortstop)
    said(shortstop, "keys", "create", "anna", "--team", "sales")
    monkeypatch.delenv("SHORTSTOP_TRACES_KEY")
    for arguments in (
        ["teams", "create-organisation", "b", "--budget", "1"],
        ["teams", "change", "sales", "--budget", "1"],
        ["keys", "create", "b", "--team", "sales"],
        ["keys", "move", "anna", "--out"],
        ["keys", "rotate", "anna"],
    ):
        result = shortstop(*arguments)
        assert result.code == 2, arguments
        assert "is written down" in result.err
    assert len(said(shortstop, "teams", "list")) == 2
    told = shortstop("keys", "create", "plain")
    assert told.code == 0
    assert "not in the log of changes" in told.err
    monkeypatch.setenv("SHORTSTOP_TRACES_KEY", "another")
    assert shortstop("teams", "change", "sales", "--budget", "1").code == 2
