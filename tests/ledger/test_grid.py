"""A region's grid: the row of the year, what is stated first, and unknown regions refused."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources

import pytest

from shortstop.config import Config, HardwareConfig, LedgerConfig
from shortstop.config.load import parse
from shortstop.errors import ConfigError
from shortstop.ledger import check_regions, local_grid, remote_grid
from shortstop.ledger.books import Books
from shortstop.ledger.grid import PowerGrid, load_grid

EDITIONS = {
    "grid-2026-11-23.json": "f33df4ca27f3b7651f55e21803a0d91d0c8b5d2c11c4fa851d8f85d5c2e8edc3"
}
"""Committed tables are appended, never edited."""


def at(year: int) -> float:
    return datetime(year, 7, 1, tzinfo=UTC).timestamp()


def test_committed_tables_stay_as_they_were() -> None:
    data = resources.files("shortstop.ledger") / "data"
    tables = [one for one in data.iterdir() if one.name.startswith("grid-")]
    assert {one.name: sha256(one.read_bytes()).hexdigest() for one in tables} == EDITIONS


def test_every_region_has_rows_in_order() -> None:
    table = load_grid()
    assert len(table.regions) > 200
    for code, region in table.regions.items():
        assert code == code.upper()
        years = [year for year, _ in region.years]
        assert years == sorted(set(years)), code
        assert all(0 <= grams < 1500 for _, grams in region.years), code
    assert load_grid().regions["FR"].years[-1][1] < 100 < load_grid().regions["PL"].years[-1][1]


def test_a_year_has_its_row_and_others_the_nearest_before() -> None:
    grid = PowerGrid("somewhere", ((2022, 400.0), (2024, 300.0)))
    shown = [grid.gco2_per_kwh(at(year)) for year in (2020, 2022, 2023, 2024, 2030)]
    assert shown == [400.0, 400.0, 400.0, 300.0, 300.0]


def test_what_is_stated_comes_first_even_if_it_is_nothing() -> None:
    assert local_grid(HardwareConfig()).gco2_per_kwh(0) == 445
    assert remote_grid(LedgerConfig()).gco2_per_kwh(0) == 384
    green = HardwareConfig(region="DE", gco2_per_kwh=0)
    assert local_grid(green) == PowerGrid("Germany", ((0, 0),))
    assert local_grid(HardwareConfig(region="de")).years == load_grid().regions["DE"].years
    assert remote_grid(LedgerConfig(remote_region="IE")).name == "Ireland"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[hardware]\nregion = "Germany"', ("`region` under [hardware]", "Did you mean 'DE'?")),
        ('[ledger]\nremote_region = "XX"', ("`remote_region` under [ledger]", "'XX'")),
    ],
)
def test_an_unknown_region_is_refused_with_the_list(text: str, words: tuple[str, ...]) -> None:
    config = parse(text, {})
    with pytest.raises(ConfigError) as refused:
        check_regions(config)
    assert all(word in refused.value.message for word in words)
    assert "AE, AF" in str(refused.value)
    with pytest.raises(ConfigError):
        Books({}, config)


def test_the_default_configuration_is_allowed() -> None:
    check_regions(Config())
