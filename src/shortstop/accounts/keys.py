"""API keys. The secret is shown once; what is kept is its SHA-256.

A plain hash is enough here: the secret is 256 random bits, so there is nothing to guess slowly
(OWASP's slow hashes are for passwords that people choose).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict

from shortstop.errors import InvalidRequest
from shortstop.types import CallerRole, RunLimits
from shortstop.types.console import ConsoleRole

Period = Literal["day", "month", "total"]
KeyRole = CallerRole | Literal["team-lead"]
"""What a key's holder is: a user, a reviewer or a judge by feedback, or a user who leads a team."""
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Limit = Annotated[int, Meta(ge=1)]

PREFIX = "sk-ss-"
LATEST_EXPIRY = 253_402_300_800.0
"""The end of the year 9999, Unix time in seconds: what is later has no date."""
LONGEST_HOLD = 3600.0
"""Seconds after which no request can still be running."""
LINE_HOLD = 86_400.0
"""Seconds for which a line of a batch may wait beyond that: its vendor takes a day."""
BUDGET_LIMIT = 1_000_000
"""US dollars, exclusive. Capped so that balances in pico-dollars fit a 64-bit integer."""
BUDGET_TEXT = r"^0?([1-9][0-9]{0,5}(\.[0-9]{0,12})?|\.0{0,11}[1-9][0-9]{0,11})$"
"""Decimal notation of an amount above 0 and below `BUDGET_LIMIT`."""
Budget = (
    Annotated[str, Meta(extra_json_schema={"pattern": BUDGET_TEXT, "examples": ["0.50"]})]
    | Annotated[float, Meta(gt=0, lt=BUDGET_LIMIT)]
)
"""US dollars in a request: a number, or text that no client rounds."""


class _Terms(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a key may do, except for its budget."""

    name: Annotated[Name, Meta(description="What people call the key: a person, team or program.")]
    tenant: Annotated[
        Name, Meta(description="The tenant whose policy and books its requests belong to.")
    ] = "default"
    team: Annotated[
        str | None, Meta(description="The id of the team whose budget it uses, too.")
    ] = None
    service: Annotated[
        bool, Meta(description="Whether a program has it that belongs to its team, and no person.")
    ] = False
    role: Annotated[
        KeyRole,
        Meta(description="As whom its feedback counts; a team's lead also administers its keys."),
    ] = "user"
    console: Annotated[
        ConsoleRole | None,
        Meta(description="What its holder may do in the console; None: not enter it."),
    ] = None
    targets: Annotated[
        tuple[str, ...], Meta(description="The models that it may use; empty means all.")
    ] = ()
    rpm: Annotated[Limit | None, Meta(description="Requests a minute.")] = None
    tpm: Annotated[Limit | None, Meta(description="Tokens a minute, prompt and answer.")] = None
    period: Annotated[
        Period,
        Meta(description="What the budget is for: a UTC day or month, or the key's whole life."),
    ] = "month"
    run_usd: Annotated[
        Annotated[float, Meta(gt=0, lt=BUDGET_LIMIT)] | None,
        Meta(description="US dollars that one run of an agent may take; else as configured."),
    ] = None
    run_steps: Annotated[
        Limit | None, Meta(description="Steps that one run may take; else as configured.")
    ] = None
    run_seconds: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Seconds that one run may take; else as configured."),
    ] = None
    expires: Annotated[
        float | None, Meta(description="Unix time in seconds from which it is refused.")
    ] = None


class Grant(_Terms, frozen=True, kw_only=True):
    """What a key may do; `budget_usd` is in US dollars a `period`."""

    budget_usd: Decimal | None = None


class GrantRequest(_Terms, frozen=True, kw_only=True):
    """A key to create.

    The budget may be a number, or text that no client rounds.
    """

    budget_usd: Annotated[
        Budget | None, Meta(description="US dollars a period, as decimal text or a number.")
    ] = None

    def __post_init__(self) -> None:
        """Raises ValueError when the text is not such an amount."""
        require_amount(self.budget_usd)

    def grant(self) -> Grant:
        budget = None if self.budget_usd is None else Decimal(str(self.budget_usd))
        return Grant(**{**asdict(self), "budget_usd": budget})


class Key(Grant, frozen=True, kw_only=True):
    """A grant with its key's name; `tail` is the end of the secret, to recognise it."""

    id: str
    created: float
    tail: str
    revoked: float | None = None
    moved: float | None = None
    """When it was put into a team or taken out of one; None: never."""

    @property
    def run_limits(self) -> RunLimits:
        """What one run may take, where the key has limits of its own."""
        return RunLimits(self.run_usd, self.run_steps, self.run_seconds)

    @property
    def metered(self) -> bool:
        return self.rpm is not None or self.tpm is not None

    @property
    def budgeted(self) -> bool:
        """Whether it has a budget, of its own or a team's."""
        return self.budget_usd is not None or self.team is not None

    @property
    def shares(self) -> bool:
        """Whether it is in a team, or ever was in one."""
        return self.team is not None or self.moved is not None

    def owes(self, now: float) -> bool:
        """Whether money may be set aside for one of its requests: also where it was in a team when
        one began that may still go on."""
        return self.budgeted or (self.moved is not None and now - self.moved < LONGEST_HOLD)

    def active(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


class ReplacedSecret(Struct, frozen=True):
    """An old secret of a key that is still good: its end, and until when (Unix time in seconds)."""

    tail: str
    until: float


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def new_id() -> str:
    return "key_" + secrets.token_hex(6)


def fingerprint(secret: str) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def require_expiry(expires: float | None, now: float) -> None:
    """Raises InvalidRequest for a time that is past, or has no date."""
    if expires is not None and not now < expires < LATEST_EXPIRY:
        raise InvalidRequest(
            "A key expires at a time that is to come, before the year 10000.",
            hint="Give Unix time in seconds.",
            param="expires",
        )


def require_amount(budget: str | float | None) -> None:
    """Raises ValueError when a text is no amount above 0 and below `BUDGET_LIMIT`."""
    if isinstance(budget, str) and not re.fullmatch(BUDGET_TEXT, budget):
        raise ValueError(
            f"budget_usd must be US dollars above 0 and below {BUDGET_LIMIT:,}, such as 0.50"
        )
