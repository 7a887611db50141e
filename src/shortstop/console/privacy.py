"""What privacy found, what it would find, and whether the log of it is whole."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from shortstop.console.tasks import DAY, period_of
from shortstop.console.templates import render
from shortstop.console.view import View
from shortstop.ports.stores import Figures
from shortstop.types import Tier
from shortstop.types.console import Explained, PrivacyState, RowFilter, RuleCount, TierCount

TIERS = {
    Tier.S0: "nothing found",
    Tier.S1: "weak alone",
    Tier.S2: "identifies",
    Tier.S3: "never leaves",
}


class _Privacy(Struct, frozen=True):
    days: int
    tenant: str | None
    since: int
    until: int
    tiers: Sequence[TierCount]
    rules: Sequence[RuleCount]
    state: PrivacyState
    text: str
    explained: Markup
    verified: str


def page(
    view: View,
    figures: Figures,
    days: int,
    tenant: str | None,
    state: PrivacyState,
    said: tuple[str, str, str] = ("", "", ""),
) -> str:
    """`said` is a text, what was explained of it, and what became of verifying the log."""
    period = period_of(view.now, days)
    rows = RowFilter(tenant=tenant, since=period.first * DAY, until=period.end * DAY)
    text, explained_, verified = said
    return render(
        "privacy.html",
        view=view,
        tier_words=TIERS,
        it=_Privacy(
            days=days,
            tenant=tenant,
            since=period.first * DAY,
            until=period.end * DAY,
            tiers=figures.tiers(rows),
            rules=figures.rules(rows),
            state=state,
            text=text,
            explained=Markup(explained_),  # noqa: S704 - from `explained`
            verified=verified,
        ),
    )


def explained(verdict: Explained) -> str:
    """The part of the page about a text."""
    return render("explained.html", it=verdict)
