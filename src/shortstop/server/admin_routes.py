"""The table of administration's routes, for paths without `/v1`."""

from __future__ import annotations

from starlette.routing import Route

from shortstop.server.access import Access, route
from shortstop.server.admin import AdminApi
from shortstop.server.capacity import Capacity
from shortstop.server.gateway import Gateway
from shortstop.server.sessions import SessionsApi
from shortstop.server.team_lead import TeamLeadApi
from shortstop.server.teams import TeamsApi
from shortstop.server.traces import TracesApi


def admin_routes(gateway: Gateway, capacity: Capacity, may: Access) -> list[Route]:
    admin, traces = AdminApi(gateway, capacity), TracesApi(gateway)
    sessions = SessionsApi(gateway, capacity)
    return [
        route(
            "/admin/sessions",
            GET=may.anybody(sessions.offer),
            POST=may.anybody(sessions.begin),
            DELETE=may.anybody(sessions.end),
        ),
        route("/admin/sessions/{id:path}", DELETE=may.admin(sessions.end_all)),
        route("/admin/reload", POST=may.admin(admin.reload)),
        route("/admin/conversations/{tenant}/{id:path}", DELETE=may.admin(admin.erase)),
        route("/admin/traces", GET=may.operator(traces.page)),
        route("/admin/traces/export", GET=may.operator(traces.export)),
        route("/admin/traces/{id}", GET=may.operator(traces.one)),
        route("/admin/keys", GET=may.admin(admin.keys), POST=may.admin(admin.create_key)),
        route(
            "/admin/keys/{id}",
            GET=may.admin(admin.key),
            PATCH=may.admin(admin.move_key),
            DELETE=may.admin(admin.revoke_key),
        ),
        route("/admin/keys/{id}/rotate", POST=may.admin(admin.rotate_key)),
        *_team_routes(gateway, capacity, may),
    ]


def _team_routes(gateway: Gateway, capacity: Capacity, may: Access) -> list[Route]:
    teams, lead = TeamsApi(gateway, capacity), TeamLeadApi(gateway, capacity)
    return [
        route("/admin/organisations", POST=may.admin(teams.create_organisation)),
        route("/admin/teams", GET=may.admin(teams.page), POST=may.admin(teams.create_team)),
        route(
            "/admin/teams/{id}",
            GET=may.admin(teams.one),
            PATCH=may.admin(teams.change),
            DELETE=may.admin(teams.close),
        ),
        route("/admin/team", GET=may.team_lead(lead.team)),
        route(
            "/admin/team/keys", GET=may.team_lead(lead.keys), POST=may.team_lead(lead.create_key)
        ),
        route(
            "/admin/team/keys/{id}",
            GET=may.team_lead(lead.key),
            DELETE=may.team_lead(lead.revoke_key),
        ),
        route("/admin/team/keys/{id}/rotate", POST=may.team_lead(lead.rotate_key)),
    ]
