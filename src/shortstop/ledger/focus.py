"""Charges as rows of FOCUS, the FinOps Open Cost and Usage Specification (focus.finops.org, 1.2).

Local answers are no bill of anybody's: their BilledCost is 0, what the machine costs is in
EffectiveCost. What FOCUS has no column for stands in columns that begin with `x_`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from shortstop.types.report import Charge

TEXTS = (
    "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
    "ChargeCategory", "ChargeDescription", "ChargePeriodStart", "ChargePeriodEnd",
    "ConsumedUnit", "InvoiceIssuerName", "PricingUnit", "ProviderName", "PublisherName",
    "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName",
    "ServiceSubcategory", "SkuId", "SubAccountId", "Tags", "x_Key", "x_EndUser", "x_Tag",
    "x_Specialist", "x_PriceSheet",
)  # fmt: skip
AMOUNTS = (
    "BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "ConsumedQuantity",
    "PricingQuantity", "x_AllLlmCost", "x_EnergyJoules", "x_CarbonGrams", "x_InputTokens",
    "x_OutputTokens", "x_Requests", "x_UnpricedRequests",
)  # fmt: skip
COLUMNS = (*TEXTS, *AMOUNTS)
_LOCAL = "this machine"

Focus = Mapping[str, str | Decimal]


def focus_rows(charges: Iterable[Charge], account: str = "shortstop") -> Iterator[Focus]:
    """One for each charge, with every column."""
    for one in charges:
        yield dict(zip(COLUMNS, (*_texts(one, account), *_amounts(one)), strict=True))


def _texts(one: Charge, account: str) -> tuple[str, ...]:
    day = datetime.fromtimestamp(one.day, UTC)
    month = day.replace(day=1)
    after = (month + timedelta(days=32)).replace(day=1)
    vendor = _LOCAL if one.local else one.target.partition("/")[0] or "unknown"
    where = "answered on this machine" if one.local else f"answered by {one.target or 'nobody'}"
    tags = {"task": one.task, "tag": one.tag}
    kept = {name: value for name, value in tags.items() if value}
    return (
        account, "USD", _time(month), _time(after), "Usage", f"{one.task or 'requests'}, {where}",
        _time(day), _time(day + timedelta(days=1)), "Tokens", vendor, "Tokens", vendor, vendor,
        one.target, one.target, "Specialist" if one.specialist else "Model",
        "AI and Machine Learning", "Shortstop", "Generative AI", one.target, one.tenant,
        msgspec.json.encode(kept).decode(), one.key, one.user, one.tag, one.specialist, one.prices,
    )  # fmt: skip


def _amounts(one: Charge) -> tuple[Decimal, ...]:
    tokens = Decimal(one.prompt_tokens + one.completion_tokens)
    return (
        one.billed, one.billed, one.effective, one.billed, tokens, tokens, one.counterfactual,
        Decimal(repr(one.joules)), Decimal(repr(one.gco2)), Decimal(one.prompt_tokens),
        Decimal(one.completion_tokens), Decimal(one.requests), Decimal(one.unpriced),
    )  # fmt: skip


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
