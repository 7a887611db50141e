"""The handlers that change something: each is written down first, and only then done."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal, InvalidOperation

import msgspec
from starlette.responses import Response

from shortstop.accounts import Grant
from shortstop.errors import InvalidRequest, NotFound, ShortstopError
from shortstop.server.console.pages import Pages
from shortstop.server.console.visit import Visit
from shortstop.server.gateway import Gateway

_WHOLE = re.compile(r"[1-9][0-9]{0,8}")


class Changes:
    """For administrators, a task's route for operators too. The page that follows says what was
    done."""

    def __init__(self, gateway: Gateway, pages: Pages) -> None:
        self._gateway = gateway
        self._pages = pages

    async def specialist(self, visit: Visit) -> Response:
        name, to = visit.form.get("name", ""), visit.form.get("to", "")
        await self._note(visit, f"specialist {name} to {to}")
        done = await asyncio.to_thread(self._gateway.desk.move, name, to)
        return await self._pages.specialists(visit, done)

    async def route(self, visit: Visit) -> Response:
        """Set a task's route and reload; where the reload is refused the route is as before."""
        task, to, tenant = visit.form.get("task", ""), visit.form.get("route", ""), visit.tenant
        whose = f"the tenant {tenant}" if tenant else "all tenants"
        await self._note(visit, f"route of {task} for {whose} to {to}")
        desk = self._gateway.desk
        before = await asyncio.to_thread(desk.override, task, tenant, to)
        try:
            done = await self._gateway.reload()
        except ShortstopError:
            await asyncio.to_thread(desk.override, task, tenant, before)
            raise
        return await self._pages.tasks(visit, f"{task}, for {whose}: {to}. Read again: {done}.")

    async def make_key(self, visit: Visit) -> Response:
        grant = _grant(visit)
        whose = f" in the team {grant.team}" if grant.team else ""
        await self._note(visit, f"make key {grant.name}{whose}")
        secret, key = await asyncio.to_thread(self._gateway.accounts.create, grant)
        return await self._pages.settings(visit, f"Key {key.id} for {key.name} is made.", secret)

    async def revoke_key(self, visit: Visit) -> Response:
        id = visit.form.get("id", "")
        if self._gateway.accounts.keys.get(id) is None:
            raise NotFound("There is no such key.")
        await self._note(visit, f"revoke key {id}")
        key = await asyncio.to_thread(self._gateway.accounts.keys.revoke, id)
        return await self._pages.settings(visit, f"Key {key.id} of {key.name} is revoked.")

    async def reload(self, visit: Visit) -> Response:
        await self._note(visit, "reload")
        return await self._pages.settings(visit, f"Read again: {await self._gateway.reload()}.")

    async def _note(self, visit: Visit, what: str) -> None:
        tenant = visit.session.tenant or ""
        await asyncio.to_thread(self._gateway.desk.note, visit.session.name, tenant, what)


def _grant(visit: Visit) -> Grant:
    """Raises InvalidRequest."""
    form = visit.form
    try:
        budget = Decimal(form["budget"]) if form.get("budget", "").strip() else None
    except InvalidOperation as error:
        raise InvalidRequest(
            "The budget is no amount of US dollars, such as 25 or 0.50."
        ) from error
    rpm = form.get("rpm", "").strip()
    if rpm and not _WHOLE.fullmatch(rpm):
        raise InvalidRequest("Requests a minute are a whole number above 0.")
    fields = {
        "name": form.get("name", "").strip(),
        "tenant": form.get("tenant", "").strip() or "default",
        "team": form.get("team", "").strip() or None,
        "role": form.get("role", "user"),
        "console": form.get("console") or None,
        "budget_usd": budget,
        "period": form.get("period", "month"),
        "rpm": int(rpm) if rpm else None,
    }
    try:
        return msgspec.convert(fields, Grant)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"No key can be made of this: {error}.") from error
