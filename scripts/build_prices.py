"""Export the installed genai-prices to a dated sheet: src/shortstop/ledger/data/prices-DATE.json.

    python -m scripts.build_prices 2026-11-23

A sheet that exists is never overwritten: prices are appended, so that old bills stay checkable.
Every model is listed, so that names resolve as they do there; only those with a price for input
and output tokens have one here, and embeddings, which write nothing. Units that our usage does not
count (pages, images, hours) are left out.
"""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from genai_prices import types as genai
from genai_prices.data import providers

from shortstop.ledger.prices import (
    Clause,
    ModelRow,
    Period,
    Provider,
    Rate,
    Rates,
    Sheet,
    Tiered,
    Variant,
)

DATA = Path(__file__).parents[1] / "src" / "shortstop" / "ledger" / "data"

_RATES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
    "reasoning": "output_reasoning_mtok",
    "output_audio": "output_audio_mtok",
    "request": "requests_kcount",
    "search": "web_searches_kcount",
}


def clause(logic: Any) -> Clause:
    match logic:
        case genai.ClauseEquals():
            return Clause(eq=logic.equals.lower())
        case genai.ClauseStartsWith():
            return Clause(starts=logic.starts_with.lower())
        case genai.ClauseEndsWith():
            return Clause(ends=logic.ends_with.lower())
        case genai.ClauseContains():
            return Clause(has=logic.contains.lower())
        case genai.ClauseRegex():
            return Clause(regex=logic.regex)
        case genai.ClauseOr():
            return Clause(any=tuple(clause(one) for one in logic.or_))
        case genai.ClauseAnd():
            return Clause(all=tuple(clause(one) for one in logic.and_))
    raise TypeError(f"genai-prices has a new kind of clause: {logic!r}")


def rate(value: Decimal | genai.TieredPrices | None) -> Rate | None:
    if isinstance(value, genai.TieredPrices):
        return Tiered(value.base, tuple((tier.start, tier.price) for tier in value.tiers))
    return value


_EMBEDS = ("embed", "voyage")
"""Names of models that write nothing: what they read is all that is paid."""
_SERVED = ("service_tier", "speed", "processing")


def rates_of(price: genai.ModelPrice) -> dict[str, Any]:
    found = {ours: rate(getattr(price, theirs)) for ours, theirs in _RATES.items()}
    return {ours: value for ours, value in found.items() if value is not None}


def rates(price: genai.ModelPrice, model: str) -> Rates | None:
    """None for what is not a priced text model."""
    found = rates_of(price)
    if "output" not in found and any(mark in model.lower() for mark in _EMBEDS):
        found["output"] = Decimal(0)
    return Rates(**found) if "input" in found and "output" in found else None


def variants(model: genai.ModelInfo) -> tuple[Variant, ...]:
    """Tariffs of what is served otherwise than usual, by what the vendor's answer tells of it."""
    made = []
    for one in model.price_variants or ():
        (key, word), *more = one.when.items()
        found = rates_of(one.prices)
        if key in _SERVED and not more and found:
            since = one.constraint
            assert since is None or isinstance(since, genai.StartDateConstraint)
            made.append(Variant(word, found, since.start_date if since else None))
    return tuple(made)


def periods(model: genai.ModelInfo) -> tuple[Period, ...]:
    """Empty for what has no price for text in and out."""
    if isinstance(model.prices, genai.ModelPrice):
        only = rates(model.prices, model.id)
        return () if only is None else (Period(only),)
    made = []
    for conditional in model.prices:
        found = rates(conditional.prices, model.id)
        if found is None:
            return ()
        made.append(period(found, conditional.constraint))
    return tuple(made)


def period(found: Rates, constraint: Any) -> Period:
    match constraint:
        case None:
            return Period(found)
        case genai.StartDateConstraint():
            return Period(found, since=constraint.start_date)
        case genai.TimeOfDateConstraint():
            begin, end = constraint.start_time, constraint.end_time
            return Period(found, daily=(genai._utc_timetz(begin), genai._utc_timetz(end)))
    raise TypeError(f"genai-prices has a new kind of constraint: {constraint!r}")


def provider(source: genai.Provider) -> Provider:
    models = tuple(
        ModelRow(model.id, clause(model.match), periods(model), variants(model))
        for model in source.models
    )
    return Provider(
        id=source.id,
        url=source.api_pattern,
        name=None if source.provider_match is None else clause(source.provider_match),
        model=None if source.model_match is None else clause(source.model_match),
        fallback=tuple(source.fallback_model_providers or ()),
        models=msgspec.Raw(b"[\n" + b",\n".join(map(msgspec.json.encode, models)) + b"\n]"),
    )


def main(day: str) -> None:
    sheet = Sheet(
        date=date.fromisoformat(day),
        source=f"genai-prices {version('genai-prices')}",
        licence="MIT, Copyright (c) Pydantic Services Inc. 2025 to present",
        providers=tuple(provider(one) for one in providers),
    )
    path = DATA / f"prices-{day}.json"
    with path.open("xb") as file:
        file.write(msgspec.json.encode(sheet) + b"\n")
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else date.today().isoformat())
