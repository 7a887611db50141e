"""The document's operations of teams, of the keys in them, and of sessions."""

from __future__ import annotations

from shortstop.server.openapi.operation import (
    ADMIN,
    KEYED,
    OPEN,
    PUBLIC,
    WRITE,
    Operation,
    content,
    in_path,
    read,
)

_ADMINISTRATION, _TEAM = "Administration", "Teams"
_LOST = (404, 429, *ADMIN)


def _write(
    id: str, summary: str, body: str, answer: str, *path: str, lead: bool = False, status: int = 200
) -> Operation:
    """A change; `lead`: by a team's lead, whose requests are counted."""
    errors = WRITE if lead else (413, *ADMIN)
    return Operation(
        id=id,
        tag=_TEAM if lead else _ADMINISTRATION,
        summary=summary,
        body=body,
        answer=content(answer),
        errors={404, 409, *errors},
        parameters=in_path(*path),
        headers=KEYED if lead else OPEN,
        status=status,
    )


TEAMS: dict[tuple[str, str], Operation] = {
    ("get", "/admin/sessions"): Operation(
        id="getSignIn",
        tag=_ADMINISTRATION,
        summary="Get where `shortstop login` signs in at the identity provider",
        answer=content("DeviceOffer"),
        errors=(*PUBLIC, 404, 503),
        public=True,
    ),
    ("post", "/admin/sessions"): Operation(
        id="createSession",
        tag=_ADMINISTRATION,
        summary="Exchange the identity provider's ID token for a session's token",
        body="SessionRequest",
        answer=content("StartedSession"),
        errors=(*PUBLIC, 401, 404, 413, 503),
        status=201,
        public=True,
    ),
    ("delete", "/admin/sessions"): Operation(
        id="endSession",
        tag=_ADMINISTRATION,
        summary="End the session whose token is shown",
        answer=content("EndedSession"),
        errors=(*PUBLIC, 401, 503),
        public=True,
    ),
    ("delete", "/admin/sessions/{id}"): read(
        "endSessions",
        _ADMINISTRATION,
        "End all sessions that somebody has begun, by the subject at the identity provider",
        "EndedSession",
        (503, *ADMIN),
        "id",
    ),
    ("get", "/admin/teams"): read(
        "listTeams",
        _ADMINISTRATION,
        "List organisations and their teams, what each has spent and has left",
        "GroupList",
        (503, *ADMIN),
    ),
    ("post", "/admin/organisations"): _write(
        "createOrganisation",
        "Create an organisation",
        "OrganisationRequest",
        "GroupDetails",
        status=201,
    ),
    ("post", "/admin/teams"): _write(
        "createTeam", "Create a team", "TeamRequest", "GroupDetails", status=201
    ),
    ("get", "/admin/teams/{id}"): read(
        "getTeam",
        _ADMINISTRATION,
        "Get a team or an organisation, what it has spent and has left",
        "GroupDetails",
        (404, *ADMIN),
        "id",
    ),
    ("patch", "/admin/teams/{id}"): _write(
        "changeTeam",
        "Change a team or an organisation; what was spent in this period goes on counting",
        "GroupChange",
        "GroupDetails",
        "id",
    ),
    ("delete", "/admin/teams/{id}"): read(
        "closeTeam",
        _ADMINISTRATION,
        "Close a team or an organisation for good, and revoke the team's keys",
        "GroupDetails",
        (404, 409, *ADMIN),
        "id",
    ),
    ("patch", "/admin/keys/{id}"): _write(
        "moveKey", "Put a key into a team, or take it out", "KeyMove", "KeyDetails", "id"
    ),
    ("post", "/admin/keys/{id}/rotate"): _write(
        "rotateKey",
        "Give a key a new secret, which is shown only once",
        "KeyRotation",
        "CreatedKey",
        "id",
    ),
    ("get", "/admin/team"): read(
        "getOwnTeam",
        _TEAM,
        "Get the own team, what it has spent and has left",
        "GroupDetails",
        _LOST,
    ),
    ("get", "/admin/team/keys"): read(
        "listTeamKeys", _TEAM, "List the own team's keys", "KeyList", _LOST
    ),
    ("post", "/admin/team/keys"): _write(
        "createTeamKey",
        "Create a key in the own team; its secret is shown only once",
        "TeamKeyRequest",
        "CreatedKey",
        lead=True,
        status=201,
    ),
    ("get", "/admin/team/keys/{id}"): read(
        "getTeamKey", _TEAM, "Get a key of the own team", "KeyBalance", _LOST, "id"
    ),
    ("delete", "/admin/team/keys/{id}"): read(
        "revokeTeamKey", _TEAM, "Revoke a key of the own team", "KeyDetails", _LOST, "id"
    ),
    ("post", "/admin/team/keys/{id}/rotate"): _write(
        "rotateTeamKey",
        "Give a key of the own team a new secret, which is shown only once",
        "KeyRotation",
        "CreatedKey",
        "id",
        lead=True,
    ),
}
