"""What models cost: dated price sheets, and the price of one model at one moment.

A sheet is a committed file, data/prices-YYYY-MM-DD.json, exported from genai-prices by
scripts/build_prices.py. Sheets are appended, never edited, so a bill can be recomputed later.
What was served otherwise than usual (priority, flex, fast, batch) has a tariff of its own in it,
and so have searches on the web; surcharges per image or page are not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from importlib import resources

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from shortstop.config import PriceConfig, best_match
from shortstop.types import Usage

MILLION = Decimal(1_000_000)
_THOUSAND = Decimal(1000)
_ZERO = Decimal(0)


class Clause(Struct, frozen=True, omit_defaults=True):
    """Which names a row of the sheet applies to: exactly one of the fields is set."""

    eq: str | None = None
    starts: str | None = None
    ends: str | None = None
    has: str | None = None
    regex: str | None = None
    any: tuple[Clause, ...] | None = None
    all: tuple[Clause, ...] | None = None

    def matches(self, name: str) -> bool:
        """Whether this clause applies to `name`, in lower case."""
        if self.eq is not None:
            return name == self.eq
        if self.starts is not None:
            return name.startswith(self.starts)
        if self.ends is not None:
            return name.endswith(self.ends)
        if self.has is not None:
            return self.has in name
        if self.regex is not None:
            return re.search(self.regex, name) is not None
        if self.any is not None:
            return any(clause.matches(name) for clause in self.any)
        return self.all is not None and all(clause.matches(name) for clause in self.all)


class Tiered(Struct, frozen=True):
    """A rate that jumps for all tokens once the prompt is longer than a tier's start."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...]

    def at(self, prompt: int) -> Decimal:
        """The rate for a prompt of so many tokens."""
        rate = self.base
        for start, tier in self.tiers:
            if prompt > start:
                rate = tier
        return rate


Rate = Decimal | Tiered


class Rates(Struct, frozen=True, omit_defaults=True):
    """US dollars per million tokens of each class; `request` and `search` per thousand.

    A class without a rate costs what the wider class costs, as vendors bill it.
    """

    input: Rate
    output: Rate
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    input_audio: Rate | None = None
    reasoning: Rate | None = None
    output_audio: Rate | None = None
    request: Decimal | None = None
    search: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal | None:
        """US dollars, exact; None where searches have no price."""
        if usage.searches and self.search is None:
            return None
        prompt = usage.prompt
        write = self.cache_write if self.cache_write is not None else self.input
        total = _ZERO
        for count, rate, wider in (
            (usage.input, self.input, self.input),
            (usage.cache_read, self.cache_read, self.input),
            (usage.cache_write, write, write),
            (usage.cache_write_1h, self.cache_write_1h, write),
            (usage.input_audio, self.input_audio, self.input),
            (usage.output, self.output, self.output),
            (usage.reasoning, self.reasoning, self.output),
            (usage.output_audio, self.output_audio, self.output),
        ):
            if count:
                chosen = wider if rate is None else rate
                total += count * (chosen.at(prompt) if isinstance(chosen, Tiered) else chosen)
        total /= MILLION
        calls = (self.request or _ZERO) + usage.searches * (self.search or _ZERO)
        return total + calls / _THOUSAND

    def times(self, factor: Decimal) -> Rates:
        """All tokens dearer by a factor."""
        rates = {name: getattr(self, name) for name in _TOKENS}
        return replace(self, **{n: _times(r, factor) for n, r in rates.items() if r is not None})


_TOKENS = tuple([n for n in Rates.__struct_fields__ if n not in ("request", "search")])


def _times(rate: Rate, factor: Decimal) -> Rate:
    if isinstance(rate, Tiered):
        tiers = tuple([(start, price * factor) for start, price in rate.tiers])
        return Tiered(rate.base * factor, tiers)
    return rate * factor


class Period(Struct, frozen=True, omit_defaults=True):
    """Rates and when they hold: from a day on, or between two times of every day (UTC)."""

    rates: Rates
    since: date | None = None
    daily: tuple[time, time] | None = None

    def holds(self, at: datetime) -> bool:
        """Whether these rates apply at that moment, in UTC."""
        if self.since is not None:
            return at.date() >= self.since
        if self.daily is None:
            return True
        begin, end = (t.replace(tzinfo=None) for t in self.daily)
        now = at.time()
        return begin <= now < end if begin <= end else now >= begin or now < end


class Price(Struct, frozen=True):
    """The rates of one model at one moment, and where they come from."""

    model: str
    rates: Rates
    source: str


class Variant(Struct, frozen=True, omit_defaults=True):
    """Rates that hold for what was served in this way, as far as they are given; the newest come
    first. `since` as of a `Period`."""

    served: str
    rates: dict[str, Rate]
    since: date | None = None


SURCHARGES = {("anthropic", "us"): Decimal("1.1")}
"""By vendor and how it was served: what all tokens cost more, beside any variant."""


class Entry(Struct, frozen=True):
    """One model of a sheet, resolved; its price may depend on the moment.

    `own`: the operator said what it costs, however it is served.
    """

    model: str
    periods: tuple[Period, ...]
    source: str
    variants: tuple[Variant, ...] = ()
    own: bool = False

    def cost(self, usage: Usage, moment: float) -> Decimal | None:
        """US dollars of an answer as it was served; None where that has no price."""
        rates: Rates | None = self._rates(moment)
        for served in usage.served if not self.own else ():
            rates = self._varied(rates, served, moment) if rates is not None else None
        return None if rates is None else rates.cost(usage)

    def serves(self, word: str) -> bool:
        """Whether there is a tariff for what is served in this way."""
        return self._surcharge(word) is not None or any(v.served == word for v in self.variants)

    def _varied(self, rates: Rates, served: str, moment: float) -> Rates | None:
        """Prices that are known from a day on hold before it, too, where none else are."""
        factor = self._surcharge(served)
        if factor is not None:
            return rates.times(factor)
        known = [v for v in self.variants if v.served == served]
        day = datetime.fromtimestamp(moment, UTC).date()
        held = [v for v in known if v.since is None or day >= v.since]
        found = held[0] if held else known[-1] if known else None
        return None if found is None else replace(rates, **found.rates)

    def _surcharge(self, served: str) -> Decimal | None:
        return SURCHARGES.get((self.model.partition("/")[0], served))

    def at(self, moment: float) -> Price:
        """The price at a moment, in Unix seconds."""
        return Price(self.model, self._rates(moment), self.source)

    def _rates(self, moment: float) -> Rates:
        """Those of the last period that applies, or of the first one when none does."""
        if len(self.periods) > 1:
            when = datetime.fromtimestamp(moment, UTC)
            for period in reversed(self.periods):
                if period.holds(when):
                    return period.rates
        return self.periods[0].rates


class ModelRow(Struct, frozen=True):
    """A row of the sheet. No `periods`: the model is known, its price for text is not."""

    id: str
    match: Clause
    periods: tuple[Period, ...]
    variants: tuple[Variant, ...] = ()


class Provider(Struct, frozen=True, omit_defaults=True):
    """A vendor. `models` stays undecoded until one of them is asked for."""

    id: str
    url: str
    models: Raw
    name: Clause | None = None
    model: Clause | None = None
    fallback: tuple[str, ...] = ()


class Sheet(Struct, frozen=True):
    """A committed price sheet as it is stored."""

    date: date
    source: str
    licence: str
    providers: tuple[Provider, ...]


_models = msgspec.json.Decoder(tuple[ModelRow, ...]).decode


class PriceSheet:
    """Finds prices; the operator's own table takes precedence over the sheet. A name in it may hold
    `*` for any characters.

    `version` names the sheet and is recorded in every bill.
    """

    def __init__(self, sheet: Sheet, own: dict[str, PriceConfig] | None = None) -> None:
        self._sheet = sheet
        self._own = {name.lower(): _operators(name, price) for name, price in (own or {}).items()}
        self.version = f"{sheet.date.isoformat()} ({sheet.source})"

    def find(self, provider: str | None, model: str, at: float) -> Price | None:
        """The price at Unix time `at` in seconds, or None when it is unknown."""
        entry = self.entry(model, provider=provider)
        return None if entry is None else entry.at(at)

    def entry(
        self, model: str, *, provider: str | None = None, url: str | None = None
    ) -> Entry | None:
        """The entry of a model, or None when its price is unknown.

        A `url` that belongs to a vendor decides: a model that this vendor does not list has no
        price, whatever others charge for it. Without one, `provider` is a hint; then the model's
        name identifies the vendor, by a prefix as in "openai/gpt-6.1-sol" or by itself.
        """
        name = model.lower()
        own = name if name in self._own else best_match(self._own, name)
        if own is not None:
            return self._own[own]
        if url is not None and (vendor := self._at(url)) is not None:
            return self._model(vendor, name)
        return next(
            (
                e
                for vendor, ref in self._guesses(name, provider)
                if (e := self._model(vendor, ref)) is not None
            ),
            None,
        )

    def _at(self, url: str) -> Provider | None:
        return next((p for p in self._sheet.providers if re.match(p.url, url)), None)

    def _guesses(self, model: str, provider: str | None) -> Iterator[tuple[Provider, str]]:
        if provider is not None and (hinted := self._named(provider.lower().strip())) is not None:
            yield hinted, model
        for one in self._sheet.providers:
            if one.model is not None and one.model.matches(model):
                yield one, model
                break
        prefix, slash, rest = model.partition("/")
        if slash and (vendor := self._by_id(prefix)) is not None:
            yield vendor, rest

    def _named(self, name: str) -> Provider | None:
        named = (p for p in self._sheet.providers if p.name is not None and p.name.matches(name))
        return self._by_id(name) or next(named, None)

    def _by_id(self, id: str) -> Provider | None:
        return next((p for p in self._sheet.providers if p.id == id), None)

    def _model(self, provider: Provider, name: str) -> Entry | None:
        for spelling in dict.fromkeys((name, _dashed_date(name))):
            for id in (provider.id, *provider.fallback):
                vendor = self._by_id(id)
                for model in _models(vendor.models) if vendor is not None else ():
                    if model.match.matches(spelling):
                        return self._priced(id, model)
        return None

    def _priced(self, provider: str, model: ModelRow) -> Entry | None:
        if not model.periods:
            return None
        return Entry(f"{provider}/{model.id}", model.periods, self.version, model.variants)


def _operators(name: str, price: PriceConfig) -> Entry:
    def exact(value: float | None) -> Decimal | None:
        return None if value is None else Decimal(repr(value))

    rates = Rates(
        input=Decimal(repr(price.input)),
        output=Decimal(repr(price.output)),
        cache_read=exact(price.cache_read),
        cache_write=exact(price.cache_write),
        search=Decimal(repr(price.search)) * _THOUSAND,
    )
    return Entry(name, (Period(rates),), "[prices] of the configuration", own=True)


_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


def _dashed_date(name: str) -> str:
    """gpt-5.2-20251211 -> gpt-5.2-2025-12-11: gateways and vendors differ in this."""
    return _COMPACT_DATE.sub(r"-\1-\2-\3", name)


def editions() -> list[str]:
    """Names of the committed sheets, oldest first."""
    folder = resources.files(__package__) / "data"
    return sorted(f.name for f in folder.iterdir() if re.fullmatch(r"prices-.*\.json", f.name))


@cache
def load(edition: str | None = None) -> Sheet:
    """Read a sheet; by default the newest. Models are decoded only when asked for."""
    name = edition or editions()[-1]
    data = (resources.files(__package__) / "data" / name).read_bytes()
    return msgspec.json.decode(data, type=Sheet)


def price_sheet(own: dict[str, PriceConfig] | None = None) -> PriceSheet:
    """The newest sheet, with the operator's `own` prices by model name."""
    return PriceSheet(load(), own)
