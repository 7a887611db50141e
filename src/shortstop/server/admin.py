"""Administration over HTTP: keys, reload, erasure. `who`: as whom it is written down."""

from __future__ import annotations

import asyncio
import re

from msgspec.structs import asdict
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from shortstop.accounts import GrantRequest
from shortstop.errors import ConfigError, InvalidRequest, NotFound
from shortstop.server.answers import (
    CreatedKey,
    ErasedConversation,
    KeyList,
    Reloaded,
    as_json,
)
from shortstop.server.caller import conversation_id
from shortstop.server.capacity import Capacity
from shortstop.server.gateway import Erased, Gateway
from shortstop.server.sent import KeyMove, KeyRotation, Sent
from shortstop.server.team_answers import key_balance, key_details

_DIGEST = re.compile(r"[0-9a-f]{24}")
"""A conversation as traces show it: its name may be a person's."""


class AdminApi:
    """The handlers, for whoever `Access.admin` has let in."""

    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._sent = Sent(gateway, capacity)

    async def keys(self, request: HttpRequest, who: str) -> Response:
        """GET /admin/keys: every key, revoked ones included, never a secret."""
        accounts = self._gateway.accounts
        return as_json(KeyList([key_details(accounts, key) for key in accounts.keys.all()]))

    async def create_key(self, request: HttpRequest, who: str) -> Response:
        """POST /admin/keys: creates a key; only this answer holds its secret."""
        grant = (await self._sent.body(request, GrantRequest)).grant()
        whose = f" in the team {grant.team}" if grant.team else ""
        await self._note(who, f"make key {grant.name}{whose}")
        secret, key = await asyncio.to_thread(self._gateway.accounts.create, grant)
        return as_json(CreatedKey(**asdict(key), secret=secret), 201)

    async def key(self, request: HttpRequest, who: str) -> Response:
        """GET /admin/keys/{id}: a key and what it has spent in this period."""
        accounts, id = self._gateway.accounts, request.path_params["id"]
        key = accounts.keys.get(id)
        if key is None:
            raise NotFound(f"Key {id!r} not found.")
        return as_json(await asyncio.to_thread(key_balance, accounts, key))

    async def move_key(self, request: HttpRequest, who: str) -> Response:
        """PATCH /admin/keys/{id}: into a team, or out of its team."""
        wanted, accounts = await self._sent.body(request, KeyMove), self._gateway.accounts
        id = await self._known(request)
        where = f"to the team {wanted.team}" if wanted.team else "out"
        await self._note(who, f"move key {id} {where}")
        moved = await asyncio.to_thread(accounts.move, id, wanted.team)
        return as_json(key_details(accounts, moved))

    async def rotate_key(self, request: HttpRequest, who: str) -> Response:
        """POST /admin/keys/{id}/rotate: another secret; only this answer holds it."""
        wanted, accounts = await self._sent.body(request, KeyRotation), self._gateway.accounts
        id = await self._known(request)
        await self._note(who, f"rotate key {id}, the old secret good for {wanted.grace_seconds} s")
        secret, key = await asyncio.to_thread(accounts.rotate, id, wanted.grace_seconds)
        replaced = accounts.keys.replaced(id)
        return as_json(CreatedKey(**asdict(key), replaced=replaced, secret=secret))

    async def revoke_key(self, request: HttpRequest, who: str) -> Response:
        """DELETE /admin/keys/{id}: every worker refuses it within a second."""
        id, accounts = await self._known(request), self._gateway.accounts
        await self._note(who, f"revoke key {id}")
        revoked = await asyncio.to_thread(accounts.keys.revoke, id)
        return as_json(key_details(accounts, revoked))

    async def reload(self, request: HttpRequest, who: str) -> Response:
        """POST /admin/reload: reads the configuration again; an invalid file changes nothing."""
        await self._note(who, "reload")
        try:
            return as_json(Reloaded(await self._gateway.reload()))
        except ConfigError as error:
            raise InvalidRequest(str(error), code="invalid_config") from error

    async def erase(self, request: HttpRequest, who: str) -> Response:
        """DELETE /admin/conversations/{tenant}/{id}: erases a conversation's surrogates, the
        content of its traces, its stored responses, the answers kept for retries, and its files and
        lines of batches. `id` is the client's name for it, or the one that traces show."""
        tenant, id = request.path_params["tenant"], request.path_params["id"]
        shown = id if _DIGEST.fullmatch(id) else conversation_id(id)
        await self._note(who, f"erase the conversation {shown} of {tenant}")
        named = await self._gateway.erase(tenant, conversation_id(id))
        traced = await self._gateway.erase(tenant, id)
        erased = Erased(
            surrogates=named.surrogates or traced.surrogates,
            traces=named.traces + traced.traces,
            responses=named.responses + traced.responses,
            answers=named.answers + traced.answers,
            files=named.files + traced.files,
        )
        return as_json(ErasedConversation(erased))

    async def _known(self, request: HttpRequest) -> str:
        """The id of the path's key. Raises NotFound."""
        keys = self._gateway.accounts.keys
        return (await asyncio.to_thread(keys.current, request.path_params["id"])).id

    async def _note(self, who: str, what: str) -> None:
        await asyncio.to_thread(self._gateway.desk.note, who, "", what)
