"""What the door needs of the house behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shortstop.accounts import Accounts
from shortstop.config import ServerConfig
from shortstop.dialects.embeddings import EmbeddingReply, EmbeddingRequest
from shortstop.ports import Dialect
from shortstop.traces.responses import StoredResponses
from shortstop.types import Admission, Answer, Caller, DialectName, Json, Request, Target


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests can be answered now; `detail` is shown to the operator."""

    ready: bool
    detail: Json


class Gateway(Protocol):
    """The house, whole or freshly reloaded; the door asks it anew at each request."""

    @property
    def server(self) -> ServerConfig: ...

    @property
    def targets(self) -> Mapping[str, Target]: ...

    @property
    def started(self) -> int:
        """Unix time at which this process began, in whole seconds."""

    def dialect(self, name: DialectName) -> Dialect: ...

    def identify(self, secret: str | None) -> Caller:
        """Who holds this API key. Raises Unauthenticated where keys are asked for."""

    def admit(self, request: Request, caller: Caller) -> Admission:
        """Count the request against its key's limits. The admission goes with the request.

        Raises RateLimited.
        """

    async def answer(self, request: Request, caller: Caller, admission: Admission) -> Answer: ...

    async def embed(
        self, said: EmbeddingRequest, id: str, caller: Caller, admission: Admission
    ) -> EmbeddingReply:
        """Raises ShortstopError."""

    async def count_tokens(self, request: Request, caller: Caller) -> int:
        """Tokens of the prompt, by whoever may count them."""

    @property
    def responses(self) -> StoredResponses: ...

    @property
    def accounts(self) -> Accounts: ...

    def feedback(self, said: Json, caller: Caller) -> bool:
        """Learn what somebody says about an answer. False: no request of theirs is remembered.

        Raises InvalidRequest.
        """

    async def erase(self, tenant: str, conversation: str) -> Json:
        """Forget a conversation's values; says what there was. Raises StoreError."""

    def readiness(self) -> Readiness: ...

    async def reload(self) -> str:
        """Read the configuration again; says what changed. Raises ConfigError, changing nothing."""

    def metrics(self) -> bytes:
        """Prometheus text."""

    def refused(self, status: int) -> None:
        """Count a request that was turned away before it reached the pipeline."""

    @property
    def admin_token(self) -> str | None: ...
