"""Export how much carbon a kilowatt-hour costs by country and year:
src/shortstop/ledger/data/grid-DATE.json.

    PYTHONPATH=src PYTHON_WITH_THE_PACKAGES -m scripts.build_grid 2026-11-23

Both sources hold the carbon intensity of electricity of Our World in Data (Ember and the Energy
Institute, CC BY 4.0): CodeCarbon an older year of each country, which it names; EcoLogits the
newest, which it does not name and which is entered as LATEST. A table that exists is never
overwritten.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import msgspec
import pycountry  # type: ignore[import-not-found]

from scripts.build_prices import DATA
from shortstop.ledger.grid import WORLD, GridTable, Region

LATEST = 2024
SOURCE = "Our World in Data (Ember, Energy Institute), CC BY 4.0"


def older() -> dict[str, tuple[int, float]]:
    """Year and grams by ISO 3166-1 alpha-3 code."""
    rows = _read("codecarbon", "data/private_infra/global_energy_mix.json").values()
    return {row["iso_code"]: (row["year"], row["carbon_intensity"]) for row in rows}


def newest() -> dict[str, float]:
    rows = _read("ecologits", "data/electricity_mixes.json")["electricity_mixes"]
    return {row["name"]: row["gwp"] * 1000 for row in rows}


def _read(package: str, name: str) -> Any:
    """A file of an installed package, which is not imported: that would take all that it needs."""
    place = Path(str(distribution(package).locate_file(f"{package}/{name}")))
    return json.loads(place.read_text(encoding="utf-8"))


def main(day: str) -> None:
    before, now, regions = older(), newest(), {}
    for long, grams in now.items():
        known = pycountry.countries.get(alpha_3=long)
        if known is None and long != "WOR":
            continue
        code, name = (WORLD, "the world") if known is None else (known.alpha_2, known.name)
        years = {LATEST: round(grams, 1)}
        if long in before and before[long][0] < LATEST:
            years[before[long][0]] = round(before[long][1], 1)
        regions[code] = Region(name, tuple(sorted(years.items())))
    table = GridTable(
        date=date.fromisoformat(day),
        source=f"{SOURCE}, as in CodeCarbon {version('codecarbon')} and EcoLogits"
        f" {version('ecologits')}",
        regions=dict(sorted(regions.items())),
    )
    path = DATA / f"grid-{day}.json"
    with path.open("xb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(table), indent=0) + b"\n")
    print(f"{path}: {len(regions)} regions")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else date.today().isoformat())
