"""How much carbon a kilowatt-hour of a country's grid costs, by year.

Yearly means of what is generated there: neither the hour nor a contract for green power is in
them. Who knows better says so with `gco2_per_kwh`, which comes first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from shortstop.config import Config, HardwareConfig, LedgerConfig
from shortstop.errors import ConfigError

WORLD = "WORLD"
HERE, THERE = 445.0, 384.0
"""Grams a kilowatt-hour where nobody says anything: the world's mean, and the grid of the USA,
where most vendors' data centres are."""
_PARTS = re.compile(r"grid-.*\.json")


class Region(Struct, frozen=True):
    """A country, with rows (year from which on, grams of CO2 equivalent a kilowatt-hour), oldest
    first."""

    name: str
    years: tuple[tuple[int, float], ...]


class GridTable(Struct, frozen=True):
    """A committed table: regions by ISO 3166-1 alpha-2 code, and the world."""

    date: date
    source: str
    regions: dict[str, Region]


class PowerGrid(Struct, frozen=True):
    """The grid of one place. `name` says in words which."""

    name: str
    years: tuple[tuple[int, float], ...]

    def gco2_per_kwh(self, at: float) -> float:
        """Grams of CO2 equivalent at Unix time `at`: of its year, or of the nearest that is
        known before it, else of the first."""
        if len(self.years) == 1:
            return self.years[0][1]
        year = time.gmtime(at).tm_year
        known = [grams for since, grams in self.years if since <= year]
        return known[-1] if known else self.years[0][1]


@cache
def load_grid(edition: str | None = None) -> GridTable:
    """A table; by default the newest."""
    folder = resources.files(__package__) / "data"
    names = sorted(f.name for f in folder.iterdir() if _PARTS.fullmatch(f.name))
    return msgspec.json.decode((folder / (edition or names[-1])).read_bytes(), type=GridTable)


def local_grid(hardware: HardwareConfig) -> PowerGrid:
    """What this machine draws from. Raises ConfigError for an unknown region."""
    return _grid("hardware", "", hardware.region, hardware.gco2_per_kwh, HERE)


def remote_grid(ledger: LedgerConfig) -> PowerGrid:
    """What the vendors draw from. Raises ConfigError for an unknown region."""
    return _grid("ledger", "remote_", ledger.remote_region, ledger.remote_gco2_per_kwh, THERE)


def check_regions(config: Config) -> None:
    """Raises ConfigError for a region that the table does not hold."""
    local_grid(config.hardware)
    remote_grid(config.ledger)


def _grid(
    section: str, prefix: str, region: str | None, stated: float | None, otherwise: float
) -> PowerGrid:
    if region is None:
        if stated is None:
            return PowerGrid("the default", ((0, otherwise),))
        return PowerGrid("as configured", ((0, stated),))
    regions = load_grid().regions
    found = regions.get(region.upper())
    if found is None:
        raise ConfigError(
            f"`{prefix}region` under [{section}] is {region!r}, which the grid table does not have."
            f"{_meant(region, regions)}",
            hint=f"Set `{prefix}gco2_per_kwh`, or one of: {', '.join(sorted(regions))}.",
        )
    return PowerGrid(found.name, found.years if stated is None else ((0, stated),))


def _meant(region: str, regions: Mapping[str, Region]) -> str:
    """The code of a country that is named."""
    names = {one.name.lower(): code for code, one in regions.items()}
    near = get_close_matches(region.lower(), names, n=1, cutoff=0.6)
    return f" Did you mean {names[near[0]]!r}?" if near else ""
