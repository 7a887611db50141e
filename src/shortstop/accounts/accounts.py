"""API keys, rate limits and budgets, as the server and the pipeline use them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from shortstop.accounts.idempotency import AnswerStore
from shortstop.accounts.keybook import Check, KeyBook
from shortstop.accounts.keys import (
    BUDGET_LIMIT,
    LINE_HOLD,
    PREFIX,
    Grant,
    Key,
    new_id,
    new_secret,
    require_expiry,
)
from shortstop.accounts.leased_purse import LeasedPurse
from shortstop.accounts.leased_rates import LeasedRates
from shortstop.accounts.leases import LeaseKeeper
from shortstop.accounts.purse import Allowance, Balance, Purse
from shortstop.accounts.rates import RateLimits
from shortstop.accounts.teams import Group, GroupBalance, group_full, require_open
from shortstop.beside import ON_THE_LOOP, Calls
from shortstop.errors import (
    InvalidRequest,
    QuotaExceeded,
    StoreError,
    Unauthenticated,
)
from shortstop.faults import contained
from shortstop.ports import Clock, Locker
from shortstop.ports.stores import AccountStore
from shortstop.tokens import prompt_tokens
from shortstop.types import UNMETERED, Admission, Caller, Request, Trace

log = logging.getLogger(__name__)

TAIL = 4
DAY = 86_400.0
LONGEST_GRACE = 90 * DAY
"""Seconds that a secret may be good for after it was replaced."""

AtMost = Callable[[Request, tuple[str, ...]], Decimal | None]
"""The most that a request can cost on any target of a plan, US dollars; None: unknown price."""


class Accounts:
    """Keys, rate limits and budgets, by rules that hold for all workers at once. Raises StoreError
    when the store cannot be used."""

    def __init__(
        self,
        store: AccountStore,
        clock: Clock,
        seal: Locker | None = None,
        calls: Calls = ON_THE_LOOP,
    ) -> None:
        self._store = store
        self._clock = clock
        self.keys = KeyBook(store, clock)
        self.teams = self.keys.teams
        self.purse = Purse(store, clock, self.teams)
        self.purse.recover()
        self.rates = RateLimits(store, clock)
        self.answers = AnswerStore(store, clock, seal, calls)
        self.leases: LeaseKeeper | None = None

    def lease(self, *, threaded: bool = True) -> None:
        """From now on requests are not held up by a store that takes its time: budgets and limits
        are leased in slices, and changes of keys are read, by a thread of their own; without one
        whoever waits does it. Nothing changes where the store is as near as memory."""
        if self._store.leases is None or self.leases is not None:
            return
        leases = self.leases = LeaseKeeper(self._store, self._clock, self._follow)
        self.purse = LeasedPurse(self._store, self._clock, self.teams, leases)
        self.rates = LeasedRates(self._store, self._clock, leases)
        if threaded:
            leases.start()

    def look(self) -> None:
        """Another process may have changed keys just now: look, if a thread does that here."""
        if self.leases is not None:
            self.leases.look()

    def _follow(self) -> None:
        self.keys.follow()
        self.purse.expire()

    def close(self) -> None:
        if self.leases is not None:
            self.leases.close()
        self._store.close()

    @property
    def now(self) -> float:
        """Unix time in seconds."""
        return self._clock.time()

    # ------------------------------------------------------------ the keys

    def create(self, grant: Grant) -> tuple[str, Key]:
        """A new secret, shown this once, and its key. `grant.team` may be a team's id or its name.
        Raises InvalidRequest, and NotFound where there is no such team."""
        budget = grant.budget_usd
        if budget is not None and not (budget.is_finite() and 0 < budget < BUDGET_LIMIT):
            raise InvalidRequest(
                f"${budget} is not a valid budget.",
                hint=f"Give US dollars above 0 and below {BUDGET_LIMIT:,}.",
                param="budget_usd",
            )
        require_expiry(grant.expires, self.now)
        if grant.team is not None:
            self.teams.load()
            grant = replace(grant, team=require_open(self.teams.team(grant.team)).id)
        elif grant.service or grant.role == "team-lead":
            raise InvalidRequest(
                "Programs' keys and those of a team's lead belong to a team: name it.", param="team"
            )
        secret = new_secret()
        rights = msgspec.structs.asdict(grant)
        key = Key(**rights, id=new_id(), created=self._clock.time(), tail=secret[-TAIL:])
        self.keys.add(key, secret)
        return secret, key

    def move(self, id: str, team: str | None) -> Key:
        """Put a key into a team, by its id or name, or take it out of its team. What it has begun
        counts where it began. Raises NotFound or InvalidRequest."""
        self.teams.load()
        key = self.keys.get(id)
        if team is None and key is not None and (key.service or key.role == "team-lead"):
            raise InvalidRequest(
                f"The key {key.name!r} is a program's or a lead's: it belongs to a team.",
                hint="Revoke it, or move it to another team.",
                param="team",
            )
        return self.keys.move(id, None if team is None else require_open(self.teams.team(team)).id)

    def close_group(self, id: str) -> tuple[Group, list[Key]]:
        """Close a team or an organisation for good, and revoke the team's keys; which those were.
        What it has spent and its rows stay. To be repeated where it breaks off. Raises NotFound,
        Conflict or StoreError."""
        group = self.teams.close(id)
        left = [key for key in self.keys.all() if key.team == id and key.revoked is None]
        return group, [self.keys.revoke(key.id) for key in left]

    def rotate(
        self, id: str, grace: float = 0.0, check: Check = lambda key: None
    ) -> tuple[str, Key]:
        """A new secret for a key; the one it has is good for `grace` seconds more. Raises NotFound,
        Conflict for a key that is not in use, and InvalidRequest, and what `check` raises."""
        if not 0 <= grace <= LONGEST_GRACE:
            raise InvalidRequest(
                f"An old secret may stay good for at most {LONGEST_GRACE / DAY:.0f} days.",
                param="grace_seconds",
            )
        secret = new_secret()
        return secret, self.keys.rotate(id, secret, secret[-TAIL:], self.now + grace, check)

    def balance(self, key: Key) -> Balance:
        return self.purse.balance(key)

    def group_balance(self, group: Group) -> GroupBalance:
        """What all keys of a team or an organisation have spent and have left. Raises
        StoreError."""
        balance = self.purse.balance_of(self.teams.level(group))
        left = max(group.budget_usd - balance.spent - balance.held, Decimal(0))
        return GroupBalance(balance.spent, balance.held, left, self.teams.span(group).end)

    # ------------------------------------------------------------ the door

    def identify(self, secret: str | None) -> Caller:
        """Raises Unauthenticated, naming what is wrong but never the key."""
        if not secret:
            raise Unauthenticated("No API key was given.", hint=self._how_to_show_one())
        key = self.keys.find(secret)
        if key is None:
            hint = "" if secret.startswith(PREFIX) else f"Shortstop's keys begin with {PREFIX}."
            raise Unauthenticated("The API key is not known here.", hint=hint)
        if key.expires is not None and key.expires <= self.now and self.keys.is_replaced(key):
            raise Unauthenticated(
                f"This secret of the API key {key.name!r} was replaced, and its time is over.",
                hint="Use the new one.",
            )
        return self._admitted(key)

    def caller_with(self, id: str) -> Caller:
        """Who has the key with this id. Raises Unauthenticated where it is no longer good."""
        key = self.keys.get(id)
        if key is None:
            raise Unauthenticated("The API key is not known here any more.")
        return self._admitted(key)

    def _admitted(self, key: Key) -> Caller:
        if not key.active(self._clock.time()):
            why = "was revoked" if key.revoked is not None else "has expired"
            raise Unauthenticated(f"The API key {key.name!r} {why}.", hint="Ask for a new one.")
        team = self.teams.get(key.team) if key.team is not None else None
        if team is not None and team.closed is not None:
            raise Unauthenticated(f"The team {team.name!r} of this API key is closed.")
        return self.caller_of(key)

    def caller_of(self, key: Key) -> Caller:
        """Who asks with this key."""
        return Caller(
            tenant=key.tenant,
            key=key.id,
            targets=frozenset(key.targets),
            role="user" if key.role == "team-lead" else key.role,
            run_limits=key.run_limits,
        )

    def _how_to_show_one(self) -> str:
        now = self._clock.time()
        if any(key.active(now) for key in self.keys.all()):
            return "Send it as `Authorization: Bearer KEY` or as `x-api-key`."
        return (
            "No key is valid now. Make one with `shortstop keys create NAME`, or say"
            ' `auth = "off"` under [server] if nobody else reaches this gateway.'
        )

    async def admitted(self, caller: Caller, tokens: int, *, background: bool = False) -> Admission:
        """Count a request of about `tokens` tokens against its key's limits. In the `background`
        it must leave half of them to what clients wait for. Nobody else is held up where the store
        takes its time.

        Nothing is remembered here: what was counted is in the admission, which goes to `settle`.
        A request that never gets there has used its estimate. Raises RateLimited or StoreError.
        """
        key = self.keys.get(caller.key) if caller.key else None
        admission = UNMETERED
        if key is not None and key.metered:
            admission = await self.rates.admitted(key, tokens, background=background)
        return admission if caller.line is None else replace(admission, line=True)

    async def admitted_request(self, caller: Caller, request: Request) -> Admission:
        """The same by the tokens that the request may take, as far as they can be told."""
        tokens = request.sampling.max_tokens or 0
        with contained("the estimate of tokens"):
            tokens += prompt_tokens(request)
        return await self.admitted(caller, tokens, background=request.party.background)

    # ------------------------------------------------------------ the pipeline

    async def reserved(
        self, request: Request, plan: tuple[str, ...], caller: Caller, at_most: AtMost
    ) -> None:
        """Set aside what the request can cost at most. Nobody else is held up where the store takes
        its time. Raises QuotaExceeded."""
        key = self._with_budget(caller)
        if key is None:
            return
        amount = known(at_most(request, plan))
        full = await self.held(request, key, amount, caller)
        if full is not None:
            raise self._not_covered(key, amount, full)

    async def held(
        self, request: Request, payer: Allowance, amount: Decimal, caller: Caller
    ) -> str | None:
        """Set `amount` aside for a request of any payer's; the id of the first level that does not
        cover it. Raises StoreError."""
        lasts = 0.0 if caller.line is None else LINE_HOLD
        full = await self.purse.held(request.id, payer, amount, lasts)
        if full is not None and self.purse.recover():
            full = await self.purse.held(request.id, payer, amount, lasts)
        return full

    async def require(
        self, request: Request, plan: tuple[str, ...], caller: Caller, at_most: AtMost
    ) -> None:
        """For what costs nothing itself, such as counting: the budget must still cover the shortest
        answer to the request. Nothing is set aside. Raises QuotaExceeded."""
        key = self._with_budget(caller)
        if key is None:
            return
        short = replace(request, sampling=replace(request.sampling, max_tokens=1))
        amount = known(at_most(short, plan))
        full = await self.purse.lacks(key, amount)
        if full is not None:
            raise self._not_covered(key, amount, full)

    def _with_budget(self, caller: Caller) -> Key | None:
        """The caller's key, if it or its team has a budget."""
        key = self.keys.get(caller.key) if caller.key else None
        return key if key is not None and key.budgeted else None

    def _not_covered(self, key: Key, amount: Decimal, full: str) -> QuotaExceeded:
        """By the budget of the level `full`."""
        return self.shared_full(full, amount) or _not_covered(key, amount, self.purse.balance(key))

    def shared_full(self, id: str, amount: Decimal) -> QuotaExceeded | None:
        """That the team or organisation with this id does not cover it; None: it is none."""
        group = self.teams.get(id)
        return group_full(group, self.teams.span(group), amount) if group is not None else None

    def settle(self, trace: Trace, admission: Admission = UNMETERED) -> None:
        """The request is over: count what it really took. Never raises."""
        try:
            key = self.keys.get(trace.key) if trace.key else None
            if key is not None:
                self._settle(trace, key, admission.tokens)
        except StoreError as error:
            log.error("request %s stays set aside: %s", trace.id, error)

    def _settle(self, trace: Trace, key: Key, counted: int | None) -> None:
        if counted is not None and key.tpm is not None:
            self.rates.correct(key.id, key.tpm, _tokens(trace) - counted)
        if key.owes(self.now):
            self._charge(trace, key)

    def pay(self, trace: Trace, payer: Allowance) -> None:
        """Charge what was set aside for `trace` with its cost. Never raises."""
        try:
            self._charge(trace, payer)
        except StoreError as error:
            log.error("request %s stays set aside: %s", trace.id, error)

    def _charge(self, trace: Trace, payer: Allowance) -> None:
        self.purse.settle(trace.id, payer, trace.bill.cost if trace.bill else Decimal(0))


def known(amount: Decimal | None) -> Decimal:
    """Raises QuotaExceeded where the price is not known."""
    if amount is None:
        raise QuotaExceeded(
            "This key or its team has a budget, and the price of the model that would answer is"
            " unknown.",
            hint="Give its price in [prices], or use another model.",
            code="unknown_price",
        )
    return amount


def _not_covered(key: Key, amount: Decimal, balance: Balance) -> QuotaExceeded:
    left = max((key.budget_usd or Decimal(0)) - balance.spent, Decimal(0))
    return QuotaExceeded(
        f"The budget of this key, ${key.budget_usd} a {key.period}, does not cover this"
        f" request: it may cost ${amount:.6f}, and ${left:.6f} less what"
        " is set aside for requests under way is left.",
        hint="Lower max_tokens, wait for the next period, or raise the budget.",
    )


def _tokens(trace: Trace) -> int:
    return sum(a.usage.prompt + a.usage.completion for a in trace.attempts if a.usage)
