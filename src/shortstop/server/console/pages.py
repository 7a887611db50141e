"""The handlers of the pages: from a visit to figures, in a thread, to HTML."""

from __future__ import annotations

from starlette.responses import Response

from shortstop import dialects
from shortstop.console import (
    books,
    playground,
    privacy,
    settings,
    specialists,
    tasks,
    today,
    traces,
)
from shortstop.errors import NotFound, ShortstopError
from shortstop.ports.stores import Figures
from shortstop.server.aside import Aside
from shortstop.server.console.query import by_in, cursor_in, days_in, filter_in
from shortstop.server.console.visit import Visit, html
from shortstop.server.gateway import Gateway
from shortstop.types import Caller, Trace

READERS, MOST_WAITING = 2, 32


class Pages:
    """One method for each page."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._aside = Aside(gateway, "console", READERS, MOST_WAITING)

    async def today(self, visit: Visit) -> Response:
        days = days_in(visit.query, today.PERIODS)
        desk = self._gateway.desk

        def made(figures: Figures) -> str:
            budgets, promises = desk.budgets(visit.tenant), desk.promises(visit.tenant)
            return today.page(visit.view, figures, days, visit.tenant, budgets, promises)

        return html(await self._aside.figured(made))

    async def tail(self, visit: Visit) -> Response:
        made = await self._aside.figured(
            lambda figures: today.tail(visit.view, figures, visit.tenant)
        )
        return html(made)

    async def traces(self, visit: Visit) -> Response:
        chosen, before = (
            filter_in(visit.query, visit.tenant, visit.view.now),
            cursor_in(visit.query),
        )
        typed = (visit.query.get("since", ""), visit.query.get("until", ""))
        return html(
            await self._aside.figured(lambda f: traces.page(visit.view, f, chosen, before, typed))
        )

    async def trace(self, visit: Visit) -> Response:
        desk, id = self._gateway.desk, visit.request.path_params["id"]

        def made(figures: Figures) -> str:
            found = figures.document(id, visit.session.tenant)
            if found is None:
                raise _no_trace()
            document, grades = found
            trace = desk.trace(document, opened=False, masked=True)
            return traces.one(visit.view, trace, desk.grades(grades))

        return html(await self._aside.figured(made))

    async def content(self, visit: Visit) -> Response:
        """What was said, as far as it was kept; masked for all but administrators."""
        masked = not visit.session.may("admin")
        trace = await self._opened(visit, visit.request.path_params["id"], "read content of")
        address = _address(visit, trace.dialect)
        part = traces.content(trace, masked=masked, address=address, view=visit.view)
        if visit.request.headers.get("hx-request"):
            return html(part)
        return html(traces.content_page(visit.view, trace, part))

    async def again(self, visit: Visit) -> Response:
        """The playground with what a row asked, as far as its content may be read."""
        trace = await self._opened(visit, visit.form.get("id", ""), "try again")
        turns = _turns(trace)
        if turns is None:
            raise NotFound(
                "Nothing of it can be asked again: it was not kept, or holds no text.",
                hint="[traces] `content` says what is kept.",
            )
        return await self.playground(visit, turns)

    async def _opened(self, visit: Visit, id: str, what: str) -> Trace:
        """A row with its content, which is written down first; masked for all but
        administrators."""
        desk, masked = self._gateway.desk, not visit.session.may("admin")

        def made(figures: Figures) -> Trace:
            found = figures.document(id, visit.session.tenant)
            if found is None:
                raise _no_trace()
            trace = desk.trace(found[0], opened=False, masked=True)
            desk.note(visit.session.name, trace.tenant, f"{what} {trace.id}")
            return desk.trace(found[0], opened=True, masked=masked)

        return await self._aside.figured(made)

    async def tasks(self, visit: Visit, done: str = "") -> Response:
        days, desk = days_in(visit.query, tasks.PERIODS), self._gateway.desk

        def made(figures: Figures) -> str:
            routes = desk.routes(visit.tenant)
            steered = tasks.Steered(desk.promises(visit.tenant), routes, done)
            return tasks.page(visit.view, figures, days, visit.tenant, steered)

        return html(await self._aside.figured(made))

    async def task(self, visit: Visit) -> Response:
        days, desk = days_in(visit.query, tasks.PERIODS), self._gateway.desk
        name = visit.query.get("name", "")

        def made(figures: Figures) -> str:
            promises = desk.promises(visit.tenant)
            return tasks.one(visit.view, figures, name, days, visit.tenant, promises)

        return html(await self._aside.figured(made))

    async def specialists(self, visit: Visit, done: str = "") -> Response:
        def made() -> str:
            found = self._gateway.desk.specialists(visit.session.tenant)
            return specialists.page(visit.view, found, done)

        return html(await self._aside.run(made))

    async def books(self, visit: Visit) -> Response:
        days, by, desk = days_in(visit.query, tasks.PERIODS), by_in(visit.query), self._gateway.desk
        return html(
            await self._aside.figured(
                lambda f: books.page(
                    visit.view, f, days, by, visit.tenant, desk.hardware, desk.teams()
                )
            )
        )

    async def books_csv(self, visit: Visit) -> Response:
        days, by, now = days_in(visit.query, tasks.PERIODS), by_in(visit.query), visit.view.now
        teams = self._gateway.desk.teams
        text = await self._aside.figured(
            lambda f: books.as_csv(f, now, days, by, visit.tenant, teams())
        )
        named = {"content-disposition": f'attachment; filename="books-{by}.csv"'}
        return Response(text, headers=named, media_type="text/csv")

    async def privacy(self, visit: Visit, verified: str = "") -> Response:
        """GET: what was found. POST of a text: what would be found in it, and nothing is kept."""
        days, desk = days_in(visit.query, tasks.PERIODS), self._gateway.desk
        text = visit.form.get("text", "")
        tenant = visit.session.tenant or visit.query.get("tenant") or "default"

        def made(figures: Figures) -> str:
            told = privacy.explained(desk.explain(text, tenant)) if text else ""
            if visit.request.headers.get("hx-request"):
                return told
            said = (text, told, verified)
            return privacy.page(visit.view, figures, days, visit.tenant, desk.privacy(), said)

        return html(await self._aside.figured(made))

    async def verify(self, visit: Visit) -> Response:
        return await self.privacy(visit, await self._aside.run(self._gateway.desk.verify))

    async def playground(
        self, visit: Visit, turns: playground.AskedTurns | None = None
    ) -> Response:
        key, accounts = visit.session.key, self._gateway.accounts
        found = accounts.keys.get(key) if key else None
        known = accounts.caller_of(found) if found else Caller()
        targets = [one for one in self._gateway.targets.values() if known.may_use(one.name)]
        remote = next((one.name for one in targets if not one.local), None)
        names = ["auto", "local", *(one.name for one in targets)]
        asked = turns or playground.AskedTurns(prompt=visit.query.get("prompt", ""))
        return html(playground.page(visit.view, names, remote, asked))

    async def settings(self, visit: Visit, done: str = "", secret: str = "") -> Response:
        desk, tenant = self._gateway.desk, visit.session.tenant

        def made() -> str:
            file, lines = desk.settings() if visit.session.may("admin") else ("", [])
            keys = desk.keys(tenant)
            first = not self._gateway.accounts.keys.any
            shown = settings.Settings(keys, lines, file, first, done, secret)
            return settings.page(visit.view, shown)

        return html(await self._aside.run(made))


def _address(visit: Visit, dialect: str) -> str | None:
    """Where a request in `dialect` is sent; None for one that is known no longer."""
    paths = {one.description.name: one.description.route.path for one in dialects.every()}
    url = visit.request.url
    return f"{url.scheme}://{url.netloc}/v1{paths[dialect]}" if dialect in paths else None


def _turns(trace: Trace) -> playground.AskedTurns | None:
    """What a row asked, as the playground asks; None: nothing that is text."""
    try:
        found = {one.description.name: one for one in dialects.every()}.get(trace.dialect)
        if trace.request is None or found is None:
            return None
        return playground.turns_of(found.decode_request(trace.request, trace.id))
    except (ShortstopError, RecursionError):
        return None


def _no_trace() -> NotFound:
    return NotFound(
        "There is no such row that you may see.",
        hint="It may not be written yet, or its time may be over.",
    )
