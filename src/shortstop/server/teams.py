"""Teams and organisations over HTTP, for administrators. Each change is written down first.

`who` is as whom.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from shortstop.accounts.teams import Group, GroupChange, OrganisationRequest, TeamRequest
from shortstop.errors import NotFound
from shortstop.server.answers import as_json
from shortstop.server.aside import Aside
from shortstop.server.capacity import Capacity
from shortstop.server.gateway import Gateway
from shortstop.server.sent import Sent
from shortstop.server.team_answers import GroupDetails, GroupList, group_details

THREADS, MOST_WAITING = 1, 16
T = TypeVar("T")


class TeamsApi:
    """The handlers, for whoever `Access.admin` has let in."""

    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._sent = Sent(gateway, capacity)
        self._aside = Aside(gateway, "teams", THREADS, MOST_WAITING)

    async def page(self, request: HttpRequest, who: str) -> Response:
        """GET /admin/teams: organisations, each with its teams behind it, and their budgets."""

        def made() -> GroupList:
            teams = self._gateway.accounts.teams
            groups: list[Group] = []
            for organisation in teams.organisations():
                groups += [organisation, *teams.teams(organisation.id)]
            return GroupList([self._details(group) for group in groups])

        return as_json(await self._loaded(made))

    async def create_organisation(self, request: HttpRequest, who: str) -> Response:
        """POST /admin/organisations."""
        wanted = await self._sent.body(request, OrganisationRequest)

        def made() -> GroupDetails:
            self._note(who, f"make organisation {wanted.name}")
            return self._details(self._gateway.accounts.teams.add_organisation(wanted))

        return as_json(await self._loaded(made), 201)

    async def create_team(self, request: HttpRequest, who: str) -> Response:
        """POST /admin/teams."""
        wanted = await self._sent.body(request, TeamRequest)

        def made() -> GroupDetails:
            teams = self._gateway.accounts.teams
            self._note(
                who, f"make team {wanted.name} in {teams.organisation(wanted.organisation).id}"
            )
            return self._details(teams.add_team(wanted))

        return as_json(await self._loaded(made), 201)

    async def one(self, request: HttpRequest, who: str) -> Response:
        """GET /admin/teams/{id}: a team or an organisation, what it has spent and has left."""
        id = request.path_params["id"]
        return as_json(await self._loaded(lambda: self._details(self._known(id))))

    async def change(self, request: HttpRequest, who: str) -> Response:
        """PATCH /admin/teams/{id}: what was spent in the period under way goes on counting."""
        id, wanted = request.path_params["id"], await self._sent.body(request, GroupChange)

        def made() -> GroupDetails:
            group = self._known(id)
            self._note(who, f"change {group.id}: {wanted.words()}")
            return self._details(self._gateway.accounts.teams.change(group.id, wanted))

        return as_json(await self._loaded(made))

    async def close(self, request: HttpRequest, who: str) -> Response:
        """DELETE /admin/teams/{id}: closes it for good and revokes the team's keys; its rows and
        books stay."""
        id = request.path_params["id"]

        def made() -> GroupDetails:
            group = self._known(id)
            self._note(who, f"close {group.id} and revoke its keys")
            return self._details(self._gateway.accounts.close_group(group.id)[0])

        return as_json(await self._loaded(made))

    async def _loaded(self, made: Callable[[], T]) -> T:
        """In a thread, with what other processes have changed."""

        def loaded() -> T:
            self._gateway.accounts.teams.load()
            return made()

        return await self._aside.run(loaded)

    def _known(self, id: str) -> Group:
        group = self._gateway.accounts.teams.get(id)
        if group is None:
            raise NotFound(f"There is no team and no organisation {id!r}.")
        return group

    def _details(self, group: Group) -> GroupDetails:
        return group_details(self._gateway.accounts, group)

    def _note(self, who: str, what: str) -> None:
        self._gateway.desk.note(who, "", what)
