"""A team's lead over HTTP: the keys of the own team and its budget, and nothing of any other.

No route names a team: it is that of the key that was shown. A key of another team is answered as
one that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import asdict
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from shortstop.accounts import Grant, Key
from shortstop.errors import Conflict, Forbidden, InvalidRequest, NotFound
from shortstop.server.answers import CreatedKey, KeyDetails, KeyList, as_json
from shortstop.server.aside import Aside
from shortstop.server.auth import TeamLead
from shortstop.server.capacity import Capacity, holder_of
from shortstop.server.gateway import Gateway
from shortstop.server.sent import KeyRotation, Sent, TeamKeyRequest
from shortstop.server.team_answers import (
    group_details,
    key_balance,
    key_details,
)

THREADS, MOST_WAITING = 1, 16
MOST_KEYS = 1000
"""Keys of one team that are in use or were revoked in the last `REVOKED_SECONDS`."""
REVOKED_SECONDS = 30 * 86_400.0
T = TypeVar("T")


class TeamLeadApi:
    """The handlers, for whoever `Access.team_lead` has let in."""

    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._sent = Sent(gateway, capacity)
        self._aside = Aside(gateway, "team-lead", THREADS, MOST_WAITING)

    async def team(self, request: HttpRequest, lead: TeamLead) -> Response:
        """GET /admin/team: the own team, what it has spent and has left."""
        made = await self._aside.run(lambda: group_details(self._gateway.accounts, lead.team))
        return as_json(made)

    async def keys(self, request: HttpRequest, lead: TeamLead) -> Response:
        """GET /admin/team/keys: the team's keys, revoked ones included, never a secret."""
        accounts = self._gateway.accounts
        return as_json(KeyList([key_details(accounts, key) for key in self._keys(lead)]))

    async def create_key(self, request: HttpRequest, lead: TeamLead) -> Response:
        """POST /admin/team/keys: a key with no more rights than the lead's own."""
        wanted = await self._sent.body(request, TeamKeyRequest, _holder(request, lead))
        grant = wanted.grant(lead.key)

        def made() -> CreatedKey:
            self._require_may_grant(lead, grant)
            self._note(lead, f"make key {grant.name} in the team {lead.team.id}")
            secret, key = self._gateway.accounts.create(grant)
            return CreatedKey(**asdict(key), secret=secret)

        return as_json(await self._aside.run(made), 201)

    async def key(self, request: HttpRequest, lead: TeamLead) -> Response:
        """GET /admin/team/keys/{id}: a key and what it has spent in this period."""
        id = request.path_params["id"]

        def made() -> KeyDetails:
            return key_balance(self._gateway.accounts, self._known(id, lead))

        return as_json(await self._aside.run(made))

    async def rotate_key(self, request: HttpRequest, lead: TeamLead) -> Response:
        """POST /admin/team/keys/{id}/rotate: another secret; only this answer holds it."""
        wanted = await self._sent.body(request, KeyRotation, _holder(request, lead))
        id, grace = request.path_params["id"], wanted.grace_seconds

        def made() -> CreatedKey:
            _require_may_change(lead, self._known(id, lead))
            self._note(lead, f"rotate key {id}, the old secret good for {grace} s")
            accounts = self._gateway.accounts
            secret, rotated = accounts.rotate(id, grace, _checked_by(lead))
            replaced = accounts.keys.replaced(id)
            return CreatedKey(**asdict(rotated), replaced=replaced, secret=secret)

        return as_json(await self._aside.run(made))

    async def revoke_key(self, request: HttpRequest, lead: TeamLead) -> Response:
        """DELETE /admin/team/keys/{id}: every worker refuses it within a second."""
        id, accounts = request.path_params["id"], self._gateway.accounts

        def made() -> KeyDetails:
            _require_may_change(lead, self._known(id, lead))
            self._note(lead, f"revoke key {id}")
            return key_details(accounts, accounts.keys.revoke(id, _checked_by(lead)))

        return as_json(await self._aside.run(made))

    def _keys(self, lead: TeamLead) -> list[Key]:
        keys = self._gateway.accounts.keys.all()
        return [key for key in keys if key.team == lead.team.id]

    def _known(self, id: str, lead: TeamLead) -> Key:
        """The key with this id, if it is the team's. Raises NotFound, in the same words whether
        there is none or it is another team's."""
        try:
            key = self._gateway.accounts.keys.current(id)
        except NotFound:
            raise _no_key(id) from None
        return _of_team(key, lead)

    def _require_may_grant(self, lead: TeamLead, grant: Grant) -> None:
        """Raises Forbidden, InvalidRequest or Conflict."""
        if lead.key.targets and not set(grant.targets) <= set(lead.key.targets):
            raise Forbidden("A key may use no model that yours may not use.")
        comparable = lead.team.period in ("total", grant.period)
        if comparable and (grant.budget_usd or 0) > lead.team.budget_usd:
            raise InvalidRequest("This is more than the whole team's budget.", param="budget_usd")
        since = self._gateway.accounts.now - REVOKED_SECONDS
        if sum(k.revoked is None or k.revoked > since for k in self._keys(lead)) >= MOST_KEYS:
            raise Conflict(f"A team has at most {MOST_KEYS:,} keys.", hint="Revoke some.")

    def _note(self, lead: TeamLead, what: str) -> None:
        who = f"team lead {lead.key.id} ({lead.key.name})"
        self._gateway.desk.note(who, lead.key.tenant, what)


def _holder(request: HttpRequest, lead: TeamLead) -> str:
    return holder_of(lead.caller, request.scope)


def _of_team(key: Key, lead: TeamLead) -> Key:
    if key.team != lead.team.id:
        raise _no_key(key.id)
    return key


def _no_key(id: str) -> NotFound:
    return NotFound(f"Key {id!r} not found.")


def _require_may_change(lead: TeamLead, key: Key) -> None:
    """The own key, and those that the lead could have made: whoever gives a key another secret can
    do with it what it may do. Raises Forbidden."""
    own, models = key.id == lead.key.id, set(lead.key.targets)
    within = not models or (bool(key.targets) and set(key.targets) <= models)
    plain = key.role == "user" and key.console is None and key.tenant == lead.key.tenant
    if not own and not (within and plain):
        raise Forbidden(
            "This key may do more than you may grant: ask an administrator.",
        )


def _checked_by(lead: TeamLead) -> Callable[[Key], None]:
    """The same of the key as it is when it is changed."""

    def check(key: Key) -> None:
        _require_may_change(lead, _of_team(key, lead))

    return check
