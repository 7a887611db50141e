"""`shortstop keys`: made once, listed without the secret, revoked for good."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Shortstop


def created(shortstop: Shortstop, *arguments: str) -> dict[str, object]:
    """The key that `keys create ARGUMENTS --json` makes."""
    result = shortstop("keys", "create", *arguments, "--json")
    assert (result.code, result.err) == (0, "")
    tree: dict[str, object] = json.loads(result.out)
    return tree


def test_the_secret_alone_goes_to_standard_output(shortstop: Shortstop) -> None:
    result = shortstop("keys", "create", "alice")
    assert result.code == 0
    assert result.out.startswith("sk-ss-")
    assert len(result.out.splitlines()) == 1
    assert "only time that the secret is shown" in result.err
    assert result.out.strip() not in shortstop("keys", "list", "--json").out


def test_a_key_has_the_limits_that_were_given(shortstop: Shortstop) -> None:
    before = time.time()
    key = created(
        shortstop, "ci", "--tenant", "acme", "--target", "small", "--target", "big", "--rpm", "10",
        "--tpm", "9000", "--budget", "$0.50", "--period", "day", "--expires", "12h",
    )  # fmt: skip
    assert (key["name"], key["tenant"]) == ("ci", "acme")
    assert key["targets"] == ["small", "big"]
    assert (key["rpm"], key["tpm"], key["budget_usd"], key["period"]) == (10, 9000, "0.50", "day")
    assert isinstance(key["expires"], float)
    assert 0 <= key["expires"] - before - 12 * 3600 < 60


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("1.5d", 129_600), ("8w", 4_838_400)])
def test_every_unit_expires(shortstop: Shortstop, text: str, seconds: float) -> None:
    before = time.time()
    expires = created(shortstop, "x", "--expires", text)["expires"]
    assert isinstance(expires, float)
    assert 0 <= expires - before - seconds < 60


def test_the_list_shows_what_a_key_may_do(shortstop: Shortstop) -> None:
    created(shortstop, "ci", "--rpm", "10", "--budget", "25", "--expires", "30d")
    created(shortstop, "free")
    out = shortstop("keys", "list").out
    assert "10 requests/min" in out
    assert "$25 a month" in out
    assert "until" in out
    assert "active" in out
    assert "none" in out
    rows = json.loads(shortstop("keys", "list", "--json").out)
    assert [row["name"] for row in rows] == ["ci", "free"]
    assert {"id", "tail", "created", "spent_usd"} <= set(rows[0])


def test_no_keys_is_said(shortstop: Shortstop) -> None:
    said = shortstop("keys", "list").out
    assert "There are no keys" in said
    assert "shortstop keys create" in said
    assert json.loads(shortstop("keys", "list", "--json").out) == []


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_revoked_key_stays_revoked(shortstop: Shortstop, by: str) -> None:
    key = created(shortstop, "ci")
    assert shortstop("keys", "revoke", str(key[by])).out == f"Revoked {key['id']}.\n"
    assert "revoked" in shortstop("keys", "list").out
    again = shortstop("keys", "revoke", str(key[by]))
    assert again.code == 2
    assert "No active key is called" in again.err


def test_revoking_as_json(shortstop: Shortstop) -> None:
    created(shortstop, "ci")
    assert json.loads(shortstop("keys", "revoke", "ci", "--json").out)["revoked"]


def test_what_a_key_is_called_hides_no_other_ones_id(shortstop: Shortstop) -> None:
    lead = json.loads(shortstop("keys", "create", "lead", "--json").out)
    shortstop("keys", "create", lead["id"])
    assert shortstop("keys", "revoke", lead["id"]).out == f"Revoked {lead['id']}.\n"
    assert "Revoked key_" in shortstop("keys", "revoke", lead["id"]).out, "then it is the name"


def test_keys_of_an_earlier_version_are_listed_whatever_they_hold(
    shortstop: Shortstop, home: Path
) -> None:
    made = json.loads(shortstop("keys", "create", "anna", "--expires", "3w", "--json").out)
    with closing(sqlite3.connect(home / "home" / "accounts.db")) as db, db:
        db.execute("UPDATE keys SET record = replace(record, ?, '1e18')", (str(made["expires"]),))
    assert "without a" in shortstop("keys", "list").out


def test_a_name_of_two_keys_revokes_neither(shortstop: Shortstop) -> None:
    created(shortstop, "ci")
    created(shortstop, "ci")
    result = shortstop("keys", "revoke", "ci")
    assert result.code == 2
    assert "2 keys are called 'ci'" in result.err
    assert "keys list" in result.err


@pytest.mark.parametrize("budget", ["-5", "0", "NaN", "Infinity", "1e400", "10,000", "1000000"])
def test_a_budget_is_a_plain_amount_of_money(shortstop: Shortstop, budget: str) -> None:
    result = shortstop("keys", "create", "x", "--budget", budget)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert json.loads(shortstop("keys", "list", "--json").out) == []


def test_keys_are_where_the_gateway_looks_for_them(shortstop: Shortstop, home: Path) -> None:
    (home / "shortstop.toml").write_text(f'data_dir = "{home / "data"}"')
    created(shortstop, "ci")
    assert list((home / "data").iterdir())
    assert not (home / "home").exists()


def test_the_first_key_and_the_end_of_the_last_change_who_gets_in(shortstop: Shortstop) -> None:
    assert "from now on the gateway asks everybody" in shortstop("keys", "create", "a").err
    assert "from now on" not in shortstop("keys", "create", "b").err
    assert shortstop("keys", "revoke", "a").err == ""
    assert "No key is valid now" in shortstop("keys", "revoke", "b").err
    assert "from now on" not in shortstop("keys", "create", "c").err
