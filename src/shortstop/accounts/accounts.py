"""API keys, rate limits and budgets, as the server and the pipeline use them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal

import msgspec

from shortstop.accounts import meter
from shortstop.accounts.idempotency import AnswerStore, Locker
from shortstop.accounts.keybook import KeyBook
from shortstop.accounts.keys import BUDGET_LIMIT, PREFIX, Grant, Key, new_id, new_secret
from shortstop.accounts.purse import Allowance, Balance, Purse
from shortstop.errors import (
    InvalidRequest,
    QuotaExceeded,
    RateLimited,
    StoreError,
    Unauthenticated,
)
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore, Meters
from shortstop.types import UNMETERED, Admission, Caller, Request, Trace

log = logging.getLogger(__name__)

TAIL = 4

AtMost = Callable[[Request, tuple[str, ...]], Decimal | None]
"""The most that a request can cost on any target of a plan, US dollars; None: unknown price."""


class Accounts:
    """Keys, rate limits and budgets, by rules that hold for all workers at once. Raises StoreError
    when the store cannot be used."""

    def __init__(self, store: AccountStore, clock: Clock, seal: Locker | None = None) -> None:
        self._store = store
        self._clock = clock
        self.keys = KeyBook(store, clock)
        self.purse = Purse(store, clock)
        self.purse.recover()
        self.answers = AnswerStore(store, clock, seal)

    def close(self) -> None:
        self._store.close()

    # ------------------------------------------------------------ the keys

    def create(self, grant: Grant) -> tuple[str, Key]:
        """A new secret, shown this once, and its key. Raises InvalidRequest."""
        budget = grant.budget_usd
        if budget is not None and not (budget.is_finite() and 0 < budget < BUDGET_LIMIT):
            raise InvalidRequest(
                f"${budget} is not a valid budget.",
                hint=f"Give US dollars above 0 and below {BUDGET_LIMIT:,}.",
                param="budget_usd",
            )
        secret = new_secret()
        rights = msgspec.structs.asdict(grant)
        key = Key(**rights, id=new_id(), created=self._clock.time(), tail=secret[-TAIL:])
        self.keys.add(key, secret)
        return secret, key

    def balance(self, key: Key) -> Balance:
        return self.purse.balance(key)

    # ------------------------------------------------------------ the door

    def identify(self, secret: str | None) -> Caller:
        """Raises Unauthenticated, naming what is wrong but never the key."""
        if not secret:
            raise Unauthenticated(
                "No API key was given.",
                hint="Send it as `Authorization: Bearer KEY` or as `x-api-key`.",
            )
        key = self.keys.find(secret)
        if key is None:
            hint = "" if secret.startswith(PREFIX) else f"Shortstop's keys begin with {PREFIX}."
            raise Unauthenticated("The API key is not known here.", hint=hint)
        if not key.active(self._clock.time()):
            why = "was revoked" if key.revoked is not None else "has expired"
            raise Unauthenticated(f"The API key {key.name!r} {why}.", hint="Ask for a new one.")
        return Caller(tenant=key.tenant, key=key.id, targets=frozenset(key.targets), role=key.role)

    def admit(self, caller: Caller, tokens: int) -> Admission:
        """Count a request of about `tokens` tokens against its key's limits.

        Nothing is remembered here: what was counted is in the admission, which goes to `settle`.
        A request that never gets there has used its estimate. Raises RateLimited or StoreError.
        """
        key = self.keys.get(caller.key) if caller.key else None
        if key is None or not key.metered:
            return UNMETERED
        now = self._clock.time()
        units = [("requests", key.rpm, 1), ("tokens", key.tpm, tokens)]
        limits = [(unit, limit, amount) for unit, limit, amount in units if limit is not None]
        headers: dict[str, str] = {}

        def count(meters: Meters) -> Meters:
            headers.clear()
            arrivals = {}
            for unit, limit, amount in limits:
                reading = meter.take(meters.get(unit, now), now, amount, limit)
                headers.update(_headers(unit, limit, reading))
                if not reading.admitted:
                    raise _limited(unit, limit, reading, headers)
                arrivals[unit] = reading.arrival
            return arrivals

        self._store.meter(key.id, count)
        return Admission(headers, tokens if key.tpm is not None else None)

    # ------------------------------------------------------------ the pipeline

    def reserve(
        self, request: Request, plan: tuple[str, ...], caller: Caller, at_most: AtMost
    ) -> None:
        """Set aside what the request can cost at most. Raises QuotaExceeded."""
        key = self.keys.get(caller.key) if caller.key else None
        if key is None or key.budget_usd is None:
            return
        amount = at_most(request, plan)
        if amount is None:
            raise QuotaExceeded(
                "This key has a budget, and the price of the model that would answer is unknown.",
                hint="Give its price in [prices], or use another model.",
                code="unknown_price",
            )
        if not self.purse.hold(request.id, key, amount):
            left = key.budget_usd - self.purse.balance(key).spent
            raise QuotaExceeded(
                f"The budget of this key, ${key.budget_usd} a {key.period}, does not cover this"
                f" request: it may cost ${amount:.6f}, and ${max(left, Decimal(0)):.6f} less what"
                " is set aside for requests under way is left.",
                hint="Lower max_tokens, wait for the next period, or raise the budget.",
            )

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
            self._correct(key.id, key.tpm, _tokens(trace) - counted)
        if key.budget_usd is not None:
            self._charge(trace, key)

    def pay(self, trace: Trace, payer: Allowance) -> None:
        """Charge what was set aside for `trace` with its cost. Never raises."""
        try:
            self._charge(trace, payer)
        except StoreError as error:
            log.error("request %s stays set aside: %s", trace.id, error)

    def _charge(self, trace: Trace, payer: Allowance) -> None:
        self.purse.settle(trace.id, payer, trace.bill.cost if trace.bill else Decimal(0))

    def _correct(self, key: str, limit: int, units: int) -> None:
        """`units` more tokens, or fewer where it is negative, were used than were counted."""
        now = self._clock.time()

        def correct(meters: Meters) -> Meters:
            arrival = meters.get("tokens")
            if arrival is None:
                return {}
            return {"tokens": meter.correct(arrival, now, units, limit)}

        self._store.meter(key, correct)


def _tokens(trace: Trace) -> int:
    return sum(a.usage.prompt + a.usage.completion for a in trace.attempts if a.usage)


def _headers(unit: str, limit: int, reading: meter.MeterReading) -> dict[str, str]:
    """OpenAI's names: https://platform.openai.com/docs/guides/rate-limits"""
    return {
        f"x-ratelimit-limit-{unit}": str(limit),
        f"x-ratelimit-remaining-{unit}": str(reading.remaining),
        f"x-ratelimit-reset-{unit}": f"{reading.reset:.3f}s",
    }


def _limited(
    unit: str, limit: int, reading: meter.MeterReading, headers: dict[str, str]
) -> RateLimited:
    if reading.too_large:
        return RateLimited(
            f"This request alone is larger than the key's limit of {limit} {unit} a minute.",
            hint="Send less, lower max_tokens, or ask for a higher limit.",
            headers=headers,
        )
    return RateLimited(
        f"The key's limit of {limit} {unit} a minute is used up.",
        hint=f"Try again in {reading.retry_after:.1f} s.",
        retry_after=reading.retry_after,
        headers=headers,
    )
