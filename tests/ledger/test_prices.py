"""The price sheet says what genai-prices says, to the last digit, and never guesses."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import genai_prices
import pytest
from genai_prices import types as genai
from genai_prices.data import providers
from msgspec.structs import replace

from shortstop.config import PriceConfig
from shortstop.ledger import prices
from shortstop.ledger.prices import Clause, Entry, PriceSheet, Rates, Tiered, price_sheet
from shortstop.types import Usage

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHEET = price_sheet()
FROZEN = {
    "prices-2026-11-23.json": "8fc931024dcbd0478e5f2671501b784f098888416eeee5c6eccfc962c1998b76",
    "prices-2026-11-27.json": "59bfbd2f5751f283586a53769e5a1cfc7176e73caa972b1fa8cd19ffd7a045e1",
}


def theirs(usage: Usage) -> genai.Usage:
    """Our disjoint classes as genai-prices' nested ones. It knows no rate for 5-minute writes."""
    return genai.Usage(
        input_tokens=usage.prompt,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write + usage.cache_write_1h,
        cache_write_1h_tokens=usage.cache_write_1h,
        input_audio_tokens=usage.input_audio,
        output_tokens=usage.completion,
        output_reasoning_tokens=usage.reasoning,
        output_audio_tokens=usage.output_audio,
        cache_audio_read_tokens=0,
        cache_audio_write_tokens=0,
        cache_audio_write_1h_tokens=0,
        output_audio_reasoning_tokens=0,
    )


def exported(provider: genai.Provider) -> dict[str, prices.ModelRow]:
    (ours,) = [p for p in prices.load().providers if p.id == provider.id]
    return {model.id: model for model in prices._models(ours.models) if model.periods}


def random_usage(draw: random.Random) -> Usage:
    def count(most: int) -> int:
        return draw.choice((0, draw.randint(1, most)))

    return Usage(
        input=count(400_000),
        cache_read=count(300_000),
        cache_write=count(50_000),
        cache_write_1h=count(50_000),
        input_audio=count(9_000),
        output=count(20_000),
        reasoning=count(20_000),
        output_audio=count(9_000),
    )


@pytest.mark.parametrize("provider", providers, ids=lambda p: p.id)
def test_every_models_bill_equals_genai_prices(provider: genai.Provider) -> None:
    draw = random.Random(provider.id)
    ours = exported(provider)
    for model in provider.models:
        if model.id not in ours:
            continue
        for _ in range(6):
            usage = random_usage(draw)
            when = datetime.fromtimestamp(draw.uniform(1.70e9, 1.83e9), UTC)
            entry = Entry(model.id, ours[model.id].periods, "")
            mine = entry.at(when.timestamp()).rates.cost(usage)
            expected = model.calc_price(theirs(usage), provider, genai_request_timestamp=when)
            assert abs(mine - expected.total_price) < Decimal("1e-9"), (model.id, usage, when)


def test_every_priced_text_model_is_exported() -> None:
    """The others have no price for output tokens there: speech, ":free" variants."""
    assert sum(len(exported(provider)) for provider in providers) == 2088


@pytest.mark.parametrize("provider", providers, ids=lambda p: p.id)
def test_names_resolve_as_in_genai_prices(provider: genai.Provider) -> None:
    known = exported(provider)
    for model in provider.models:
        expected = provider.find_model(model.id, all_providers=providers)
        if expected is None or expected not in provider.models:
            continue
        found = SHEET._model(SHEET._by_id(provider.id), model.id.lower())
        name = f"{provider.id}/{expected.id}" if expected.id in known else None
        assert (found.model if found else None) == name


# ---------------------------------------------------------------- golden invoices


@pytest.mark.parametrize(
    ("provider", "model", "usage", "dollars"),
    [
        # OpenAI, 1,000 of 1,500 prompt tokens cached: 500 x 2 + 1000 x 0.10 + 200 x 10
        ("openai", "gpt-6.1-sol", Usage(500, cache_read=1000, output=200), "0.0031"),
        # OpenAI, reasoning is billed as output: 100 x 2 + (50 + 900) x 10
        ("openai", "gpt-6.1-sol", Usage(100, output=50, reasoning=900), "0.0097"),
        # OpenAI above 272k prompt tokens, all of them: 300000 x 4 + 1000 x 15
        ("openai", "gpt-6.1-sol", Usage(300_000, output=1000), "1.215"),
        # Anthropic, cache of 5 minutes and of 1 hour: 100 x 4 + 2000 x 5 + 3000 x 8 + 10 x 20
        (
            "anthropic",
            "claude-opus-5-5",
            Usage(100, cache_write=2000, cache_write_1h=3000, output=10),
            "0.0346",
        ),
        # Anthropic, cache read: 1000 x 4 + 9000 x 0.20 + 300 x 20
        ("anthropic", "claude-opus-5-5", Usage(1000, cache_read=9000, output=300), "0.0118"),
        # Anthropic, the flywheel's unit: 1000 x 4 + 300 x 20
        ("anthropic", "claude-opus-5-5", Usage(1000, output=300), "0.01"),
        ("anthropic", "claude-haiku-5-5", Usage(1000, output=300), "0.00025"),
    ],
)
def test_golden_invoices(provider: str, model: str, usage: Usage, dollars: str) -> None:
    price = SHEET.find(provider, model, AT.timestamp())
    assert price is not None
    assert price.rates.cost(usage) == Decimal(dollars)


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("openai", "gpt-4o-audio-preview", Usage(100, input_audio=400, output=20, output_audio=90)),
        ("google", "gemini-2.5-pro", Usage(150_000, output=1000)),
        ("google", "gemini-2.5-pro", Usage(250_000, cache_read=10, output=1000)),
        ("google", "gemini-2.5-flash", Usage(100, input_audio=1000, output=10)),
        ("deepseek", "deepseek-chat", Usage(1000, cache_read=5000, output=300)),
        ("mistral", "mistral-large-latest", Usage(1000, output=300)),
        ("x-ai", "grok-4", Usage(1000, cache_read=100, output=30, reasoning=200)),
    ],
)
def test_invoices_of_other_vendors_equal_genai_prices(
    provider: str, model: str, usage: Usage
) -> None:
    expected = genai_prices.calc_price(
        theirs(usage), model, provider_id=provider, genai_request_timestamp=AT
    )
    price = SHEET.find(provider, model, AT.timestamp())
    assert price is not None
    assert price.rates.cost(usage) == expected.total_price


# ---------------------------------------------------------------- dates


def test_a_price_changes_on_its_day() -> None:
    """gemini-4-argon: 2/10 until 30 November 2026, then 4/20."""
    million = Usage(1_000_000 // 10, output=1_000_000 // 10)
    entry = SHEET.entry("gemini-4-argon", provider="google")
    assert entry is not None
    before = entry.at(datetime(2026, 11, 29, tzinfo=UTC).timestamp()).rates.cost(million)
    after = entry.at(datetime(2026, 12, 2, tzinfo=UTC).timestamp()).rates.cost(million)
    assert (before, after) == (Decimal("1.2"), Decimal("2.4"))


def test_every_tariff_is_that_of_the_source() -> None:
    """What is served by priority, flex, fast or batch, of every model that has such a tariff."""
    usage = Usage(input=7_000, cache_read=2_000, output=500, searches=3)
    at = datetime(2026, 11, 27, tzinfo=UTC)
    counted = 0
    for vendor in providers:
        for model in vendor.models:
            for variant in model.price_variants or ():
                ((key, word),) = variant.when.items()
                entry = SHEET.entry(model.id, provider=vendor.id)
                if entry is None or not entry.serves(word) or word in ("default", "web"):
                    continue
                price = model.get_prices(at, {key: word})
                spent = genai.Usage(input_tokens=9_000, cache_read_tokens=2_000, output_tokens=500)
                wanted = price.calc_price(spent)["total_price"]
                wanted += Decimal(3) * (price.web_searches_kcount or 0) / 1000
                found = entry.cost(replace(usage, served=(word,)), at.timestamp())
                if price.web_searches_kcount is None:
                    assert found is None, model.id
                    found = entry.cost(replace(usage, served=(word,), searches=0), at.timestamp())
                assert found is not None
                assert abs(found - wanted) < Decimal("1e-9"), (model.id, variant.when)
                counted += 1
    assert counted > 150


def test_what_is_served_in_an_unknown_way_has_no_price() -> None:
    entry = SHEET.entry("claude-opus-5-5")
    assert entry is not None
    usual, at = Usage(input=1_000), AT.timestamp()
    assert entry.cost(replace(usual, served=("scale",)), at) is None
    dearer, base = entry.cost(replace(usual, served=("us",)), at), entry.cost(usual, at)
    assert dearer is not None
    assert base is not None
    assert dearer == base * Decimal("1.1")


def test_embeddings_have_prices() -> None:
    entry = SHEET.entry("text-embedding-3-small", url="https://api.openai.com/v1")
    assert entry is not None
    assert entry.cost(Usage(input=1_000_000), AT.timestamp()) == Decimal("0.02")


def test_sheets_are_dated_and_the_newest_counts() -> None:
    names = prices.editions()
    assert names == sorted(names)
    assert prices.load() == prices.load(names[-1])
    assert all(re.fullmatch(r"prices-\d{4}-\d\d-\d\d\.json", name) for name in names)
    assert SHEET.version == "2026-11-27 (genai-prices 0.2.3)"


def test_a_committed_sheet_is_never_edited() -> None:
    """Append a new date instead: old bills must stay checkable."""
    data = Path(prices.__file__).parent / "data"
    found = {name: sha256((data / name).read_bytes()).hexdigest() for name in prices.editions()}
    assert found == FROZEN


# ---------------------------------------------------------------- finding


@pytest.mark.parametrize(
    ("model", "provider", "url", "expected"),
    [
        ("claude-opus-5-5", None, None, "anthropic/claude-opus-5-5"),
        ("CLAUDE-OPUS-5-5", "Anthropic", None, "anthropic/claude-opus-5-5"),
        ("anthropic/claude-opus-5-5", None, None, "anthropic/claude-opus-5-5"),
        ("gpt-6.1-sol", None, "https://api.openai.com/v1", "openai/gpt-6.1-sol"),
        ("gpt-6.1-sol", "frontier", "http://127.0.0.1:9000/v1", "openai/gpt-6.1-sol"),
        ("gpt-6.1-sol", None, "https://me.openai.azure.com/openai", "openai/gpt-6.1-sol"),
        ("claude-opus-5-5", "openai", "http://proxy.internal/v1", "anthropic/claude-opus-5-5"),
        ("no-such-model", None, None, None),
        ("no-such-model", "openai", None, None),
        ("claude-opus-5-5", None, "https://api.openai.com/v1", None),
    ],
)
def test_finding(model: str, provider: str | None, url: str | None, expected: str | None) -> None:
    found = SHEET.entry(model, provider=provider, url=url)
    assert (found.model if found else None) == expected or (
        found is not None and expected is not None and found.model.endswith(expected.split("/")[1])
    )


def test_the_operators_table_wins() -> None:
    sheet = price_sheet({"GPT-6.1-sol": PriceConfig(input=0.1, output=0.3, cache_read=0.01)})
    price = sheet.find("openai", "gpt-6.1-sol", AT.timestamp())
    assert price is not None
    assert price.rates.cost(Usage(10, cache_read=100, output=10)) == Decimal("0.000005")
    assert price.source == "[prices] of the configuration"


def test_a_missing_rate_is_the_wider_class_never_zero() -> None:
    rates = Rates(input=Decimal(3), output=Decimal(5))
    million = 1_000_000
    assert rates.cost(Usage(cache_read=million)) == 3
    assert rates.cost(Usage(cache_write=million)) == 3
    assert rates.cost(Usage(cache_write_1h=million)) == 3
    assert rates.cost(Usage(input_audio=million)) == 3
    assert rates.cost(Usage(reasoning=million)) == 5
    assert rates.cost(Usage(output_audio=million)) == 5


def test_a_free_class_is_free() -> None:
    rates = Rates(input=Decimal(3), output=Decimal(5), cache_read=Decimal(0))
    assert rates.cost(Usage(cache_read=1000)) == 0


def test_a_tier_counts_above_its_start_for_all_tokens() -> None:
    rate = Tiered(Decimal(1), ((100, Decimal(2)), (200, Decimal(3))))
    assert [rate.at(n) for n in (0, 100, 101, 200, 201)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("clause", "yes", "no"),
    [
        (Clause(eq="a"), "a", "ab"),
        (Clause(starts="a"), "ab", "ba"),
        (Clause(ends="a"), "ba", "ab"),
        (Clause(has="a"), "bab", "b"),
        (Clause(regex="^a.c$"), "abc", "abcd"),
        (Clause(any=(Clause(eq="a"), Clause(eq="b"))), "b", "c"),
        (Clause(all=(Clause(starts="a"), Clause(ends="b"))), "ab", "ac"),
        (Clause(any=()), None, "a"),
        (Clause(), None, "a"),
    ],
)
def test_clauses(clause: Clause, yes: str | None, no: str) -> None:
    assert yes is None or clause.matches(yes)
    assert not clause.matches(no)


def test_a_sheet_of_its_own() -> None:
    assert isinstance(SHEET, PriceSheet)
    assert SHEET.find(None, "claude-haiku-5-5", AT.timestamp()) is not None
