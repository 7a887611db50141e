"""Export what EcoLogits estimates to a small table: src/shortstop/ledger/data/energy-DATE.json.

    PYTHONPATH=src PYTHON_WITH_ECOLOGITS -m scripts.build_energy 2026-11-23

EcoLogits (https://ecologits.ai, MPL-2.0) models the energy of an answer as a line over its output
tokens: GPUs at batch 64 by active parameters, a share of a 1.2 kW server for the time that
generating takes, times PUE. Sizes of closed models are its guesses, with ranges; input tokens are
not counted. The line is read off at 100 and 1,100 tokens, latency not capping. Models that it
does not know get the 10th to 90th percentile of the known models in their band of output prices.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from pathlib import Path

import msgspec
from ecologits.model_repository import models  # type: ignore[import-not-found]
from ecologits.tracers.utils import llm_impacts  # type: ignore[import-not-found]

from shortstop.ledger.energy import Band, EnergyTable, Line
from shortstop.ledger.prices import Tiered, price_sheet

DATA = Path(__file__).parents[1] / "src" / "shortstop" / "ledger" / "data"
VENDORS = {
    "anthropic": "anthropic",
    "openai": "openai",
    "google_genai": "google",
    "mistralai": "mistral",
    "cohere": "cohere",
}
BANDS = (1.0, 5.0, 12.0, 25.0, None)


def wh(vendor: str, model: str, tokens: int) -> tuple[float, float]:
    energy = llm_impacts(vendor, model, tokens, 1e9, electricity_mix_zone="WOR").energy.value
    low, high = getattr(energy, "min", energy), getattr(energy, "max", energy)
    return low * 1000, high * 1000


def line(vendor: str, model: str) -> Line:
    (low_a, high_a), (low_b, high_b) = wh(vendor, model, 100), wh(vendor, model, 1100)
    low, high = (low_b - low_a) / 1000, (high_b - high_a) / 1000
    bases = sorted((max(low_a - 100 * low, 0.0), max(high_a - 100 * high, 0.0)))
    return Line(
        low=round(low, 7),
        high=round(high, 7),
        base_low=round(bases[0], 5),
        base_high=round(bases[1], 5),
    )


def output_price(name: str) -> float | None:
    entry = price_sheet().entry(name)
    if entry is None:
        return None
    rate = entry.at(0).rates.output
    return float(rate.base if isinstance(rate, Tiered) else rate)


def spread(lines: list[Line]) -> Line:
    """What to say of a model of which only its likes are known: 10th, 50th, 90th percentile."""

    def pick(values: list[float], share: float) -> float:
        return sorted(values)[round(share * (len(values) - 1))]

    return Line(
        low=pick([one.low for one in lines], 0.1),
        high=pick([one.high for one in lines], 0.9),
        base_low=pick([one.base_low for one in lines], 0.1),
        base_high=pick([one.base_high for one in lines], 0.9),
        centre=(
            pick([(one.base_low + one.base_high) / 2 for one in lines], 0.5),
            pick([(one.low + one.high) / 2 for one in lines], 0.5),
        ),
    )


def bands(known: dict[str, Line]) -> tuple[Band, ...]:
    groups: dict[int, list[Line]] = defaultdict(list)
    for name, found in known.items():
        price = output_price(name)
        if price is not None:
            band = next(i for i, top in enumerate(BANDS) if top is None or price <= top)
            groups[band].append(found)
    return tuple(
        Band(below=BANDS[i], models=len(lines), line=spread(lines))
        for i, lines in sorted(groups.items())
    )


def main(day: str) -> None:
    known = {
        f"{VENDORS[vendor]}/{model.name.lower()}": line(vendor, model.name)
        for model in models.list_models()
        if (vendor := str(getattr(model.provider, "value", model.provider))) in VENDORS
    }
    table = EnergyTable(
        date=date.fromisoformat(day),
        source=f"EcoLogits {version('ecologits')}",
        licence="derived with EcoLogits (MPL-2.0, https://ecologits.ai) and its model list",
        models=dict(sorted(known.items())),
        bands=bands(known),
        anything=spread(list(known.values())),
    )
    path = DATA / f"energy-{day}.json"
    with path.open("xb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    print(f"{path}: {path.stat().st_size:,} bytes, {len(known)} models")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else date.today().isoformat())
