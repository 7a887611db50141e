"""What groups make of somebody."""

from __future__ import annotations

from typing import Any

import pytest

from shortstop.config.sso import SsoConfig, SsoGroup
from shortstop.errors import Forbidden
from shortstop.sso.person import Person, groups_in, person_in, rights_of

GROUPS = {
    "sales-leads": SsoGroup("team-lead", "acme", "acme/sales"),
    "viewers": SsoGroup("viewer", "acme"),
    "beta-ops": SsoGroup("operator", "beta"),
    "acme-ops": SsoGroup("operator", "acme"),
    "admins": SsoGroup("admin"),
    "more-leads": SsoGroup("team-lead", "acme", "acme/more"),
}


def person(*groups: str, **claims: Any) -> Person:
    told = {"sub": "ada-1", "groups": list(groups), **claims}
    return person_in(told, SsoConfig(groups=GROUPS))


@pytest.mark.parametrize(
    ("groups", "console", "tenant", "team"),
    [
        (("viewers",), "viewer", "acme", None),
        (("viewers", "acme-ops"), "operator", "acme", None),
        (("acme-ops", "beta-ops"), "operator", "beta", None),
        (("viewers", "admins", "sales-leads"), "admin", "default", "acme/sales"),
        (("more-leads", "sales-leads"), None, "", "acme/sales"),
    ],
)
def test_the_highest_role_counts_and_of_equal_ones_the_first(
    groups: tuple[str, ...], console: str | None, tenant: str, team: str | None
) -> None:
    somebody = person(*groups, "others")
    assert set(somebody.groups) <= set(groups)
    rights = rights_of(somebody, GROUPS)
    assert rights is not None
    assert (rights.console, rights.tenant, rights.team) == (console, tenant, team)
    assert rights.role == (console or "team-lead")


def test_rights_follow_the_groups_as_they_are_configured_now() -> None:
    somebody = person("admins", "sales-leads")
    fewer = {"admins": SsoGroup("viewer", "acme")}
    rights = rights_of(somebody, fewer)
    assert rights is not None
    assert (rights.console, rights.team) == ("viewer", None)
    assert rights_of(somebody, {}) is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "ada@acme.example", "name": "Ada"}, "ada@acme.example"),
        ({"email": "anybody@acme.example", "email_verified": False, "upn": "ada"}, "ada"),
        ({"email": "anybody@acme.example", "email_verified": "false", "upn": "ada"}, "ada"),
        ({"preferred_username": "ada\n\x1b[31m\u202e"}, "ada??[31m?"),
        ({"email": 7, "name": " "}, "ada-1"),
        ({"name": "x" * 5000}, "x" * 100),
    ],
)
def test_people_are_called_by_what_the_provider_vouches_for(
    claims: dict[str, Any], name: str
) -> None:
    somebody = person("admins", **claims)
    assert somebody.name == name
    assert "ada-1" in somebody.told, "a name may change hands"


def test_a_group_stands_under_a_name_or_a_path() -> None:
    keycloak = {"realm_access": {"roles": ["a", 1, "b"]}, "https://acme.example/groups": "c"}
    assert groups_in(keycloak, "realm_access.roles") == ["a", "b"]
    assert groups_in(keycloak, "https://acme.example/groups") == ["c"]
    assert groups_in(keycloak, "groups") == groups_in(keycloak, "realm_access") == []
    client = {"resource_access": {"gateway": 1, "gateway.example": {"roles": ["a"]}}}
    assert groups_in(client, "resource_access.gateway.example.roles") == ["a"]
    assert groups_in(client, "resource_access.gateway.roles") == []


@pytest.mark.parametrize("verified", [True, "true"])
def test_rights_hang_on_an_address_only_if_it_is_verified(verified: object) -> None:
    config = SsoConfig(groups_claim="email", groups={"ada@acme.example": SsoGroup("admin")})
    claims: dict[str, Any] = {"sub": "ada-1", "email": "ada@acme.example"}
    known = person_in({**claims, "email_verified": verified}, config)
    assert known.groups == ("ada@acme.example",)
    for said in ({}, {"email_verified": False}, {"email_verified": "false"},
                 {"email_verified": None}):  # fmt: skip
        with pytest.raises(Forbidden, match="verified your address"):
            person_in({**claims, **said}, config)


def test_a_provider_that_leaves_groups_out_is_named() -> None:
    with pytest.raises(Forbidden, match="in too many groups"):
        person(_claim_names={"groups": "src1"})
    with pytest.raises(Forbidden, match=r"names none of your groups.*'viewers' is missing") as told:
        person()
    assert "admins" not in str(told.value)
