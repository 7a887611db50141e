"""What the server needs from the gateway that it serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from msgspec import Struct

from shortstop.accounts import Accounts
from shortstop.batches import Batches, Files
from shortstop.config import ServerConfig
from shortstop.dialects.embeddings import EmbeddingAnswer, EmbeddingRequest
from shortstop.ports import Identity
from shortstop.ports.forwarding import VendorBatches
from shortstop.server.desk import Desk
from shortstop.server.feedback import FeedbackRequest
from shortstop.traces.responses import StoredResponses
from shortstop.types import Admission, Answer, Caller, CallerRole, Explanation, Request, Target


class UnderWay(NamedTuple):
    """Requests to models that are being answered, and those that wait for their turn."""

    running: int
    waiting: int


class TracesReadiness(Struct, frozen=True):
    """How the trace store is; `pending` rows are not in the database yet."""

    state: str
    detail: str
    pending: int


class ReplicaReadiness(Struct, frozen=True):
    """Of several machines that share a store: whether this one leads (null from a worker that does
    not speak for its machine), and how many seconds ago it had last learned all that the others
    have published."""

    leads: bool | None
    behind_seconds: float


class Readiness(Struct, frozen=True):
    """Whether requests can be answered now, and the state of every part by its name; `why` not, in
    words, "" when ready. `replica` is null where no other machine shares the store. `config` is the
    same on all machines whose settings in force are."""

    ready: bool
    engines: dict[str, str]
    upstreams: dict[str, str]
    traces: TracesReadiness
    why: str = ""
    replica: ReplicaReadiness | None = None
    config: str = ""


class Erased(Struct, frozen=True):
    """What was erased of a conversation: whether it had surrogates, and how many traces, stored
    responses, answers kept for retries, and files and lines of batches."""

    surrogates: bool
    traces: int
    responses: int
    answers: int = 0
    files: int = 0


class AdminToken(Struct, frozen=True):
    """What administrators show. `everywhere`: the operator has set it, so it is good from any
    machine; else it was made for the programs on this one. `place` says where it is found."""

    secret: str
    everywhere: bool
    place: str


class Gateway(Identity, Protocol):
    """The running gateway. A reload may change every answer, so nothing here is cached."""

    @property
    def server(self) -> ServerConfig: ...

    @property
    def targets(self) -> Mapping[str, Target]:
        """Those that there are, and those that come to be when somebody names them."""

    @property
    def notices(self) -> Mapping[str, str]:
        """What to tell of a target, by its name: that its vendor does not list it any more."""

    @property
    def started(self) -> int:
        """Unix time at which this process began, in whole seconds."""

    @property
    def admin_token(self) -> AdminToken: ...

    @property
    def asks_for_keys(self) -> bool:
        """Whether nobody is served without a key."""

    @property
    def forwards(self) -> frozenset[bytes]:
        """The headers of clients that some upstream is told, in small letters."""

    @property
    def responses(self) -> StoredResponses: ...

    @property
    def accounts(self) -> Accounts: ...

    @property
    def files(self) -> Files: ...

    @property
    def batches(self) -> Batches: ...

    def knows(self, model: str, tenant: str) -> bool:
        """Whether a tenant's request may name such a model."""

    def vendor_batches(self, target: str) -> VendorBatches | None:
        """The vendor's batches in which lines for a model may go; None: they go there in none."""

    @property
    def desk(self) -> Desk:
        """What the console shows beside what clients may ask."""

    async def admit(self, request: Request, caller: Caller) -> Admission:
        """Count the request against its key's limits. The admission goes with the request.

        Raises RateLimited.
        """

    async def count(self, caller: Caller) -> Admission:
        """The same for a request that asks no model. Raises RateLimited."""

    async def answer(self, request: Request, caller: Caller, admission: Admission) -> Answer:
        """Raises ShortstopError."""

    async def explain(self, request: Request, caller: Caller) -> Explanation:
        """What would be decided now. Asks no model and keeps nothing. Raises ShortstopError."""

    async def embed(
        self, asked: EmbeddingRequest, id: str, caller: Caller, admission: Admission
    ) -> EmbeddingAnswer:
        """Raises ShortstopError."""

    async def count_tokens(self, request: Request, caller: Caller) -> int:
        """Tokens of the prompt, counted by the model where possible, else estimated.

        A key may count what it may ask: raises Forbidden or QuotaExceeded.
        """

    async def feedback(self, body: FeedbackRequest, role: CallerRole, tenant: str | None) -> bool:
        """Learn how good an answer to a request of `tenant` was; None: of any tenant.

        False: the request is unknown or too old, or this role has judged it already.
        """

    async def erase(self, tenant: str, conversation: str) -> Erased:
        """Erase what was kept of a conversation. Raises StoreError."""

    def readiness(self) -> Readiness: ...

    async def reload(self) -> str:
        """Read the configuration again. Returns what changed. Raises ConfigError: nothing did."""

    def metrics(self) -> bytes:
        """Prometheus text."""

    def follow(self, under_way: Callable[[], UnderWay]) -> None:
        """Where to read how much is under way, for the metrics."""

    def refused(self, status: int) -> None:
        """Count a request that was refused before it reached the pipeline."""
