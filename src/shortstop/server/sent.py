"""The JSON that administrators and leads of teams send, as the type that it is meant to be."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict
from starlette.requests import Request as HttpRequest

from shortstop.accounts import Grant, Key, Period
from shortstop.accounts.keys import Budget, Limit, Name, require_amount
from shortstop.errors import InvalidRequest
from shortstop.server.body import read_request
from shortstop.server.capacity import Capacity
from shortstop.server.gateway import Gateway

ADMINISTRATION = "administration"
"""Whose the bytes of administrators' requests are."""
T = TypeVar("T")


class KeyMove(Struct, frozen=True, forbid_unknown_fields=True):
    """Which team a key is put into."""

    team: Annotated[
        str | None, Meta(description="The team's id or name; null takes the key out of its team.")
    ]


class KeyRotation(Struct, frozen=True, forbid_unknown_fields=True):
    """How a key's secret is replaced."""

    grace_seconds: Annotated[
        Annotated[float, Meta(ge=0)], Meta(description="How long the old secret stays good.")
    ] = 0.0


class TeamKeyRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that a team's lead creates. Its tenant, and which models it may use at most, are the
    lead's own."""

    name: Name
    service: bool = False
    targets: tuple[str, ...] = ()
    rpm: Limit | None = None
    tpm: Limit | None = None
    budget_usd: Budget | None = None
    period: Period = "month"
    expires: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError when the budget is a text and no amount."""
        require_amount(self.budget_usd)

    def grant(self, lead: Key) -> Grant:
        budget = None if self.budget_usd is None else Decimal(str(self.budget_usd))
        rights = asdict(self) | {"budget_usd": budget, "targets": self.targets or lead.targets}
        return Grant(**rights, tenant=lead.tenant, team=lead.team)


class Sent:
    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._capacity = capacity

    async def body(self, request: HttpRequest, into: type[T], holder: str = ADMINISTRATION) -> T:
        """Raises InvalidRequest, and what reading a body raises."""
        with self._capacity.share(holder) as share:
            sent = await read_request(request, self._gateway.server, share)
            tree = await self._capacity.parse(sent)
        try:
            return msgspec.convert(tree, into)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"Invalid request: {error}.") from error
