"""Who looks at a page, as far as the page must know."""

from __future__ import annotations

from msgspec import Struct

from shortstop.types.console import ConsoleRole

RANK: dict[ConsoleRole, int] = {"viewer": 0, "operator": 1, "admin": 2}


class View(Struct, frozen=True):
    """`tenant` is the only one that may be seen, None: all. `csrf` goes into every form.
    `here` is the page's path below the console with its query, `now` Unix time in seconds."""

    name: str
    role: ConsoleRole
    tenant: str | None
    csrf: str
    here: str
    now: float
    version: str

    def may(self, role: ConsoleRole) -> bool:
        return RANK[self.role] >= RANK[role]
