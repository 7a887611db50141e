"""Money, joules and carbon: pure arithmetic over what happened."""

from shortstop.ledger.books import Books, Meter
from shortstop.ledger.grid import check_regions, local_grid, remote_grid
from shortstop.ledger.hardware import MachineCost
from shortstop.ledger.prices import Price, PriceSheet, price_sheet

__all__ = [
    "Books",
    "MachineCost",
    "Meter",
    "Price",
    "PriceSheet",
    "check_regions",
    "local_grid",
    "price_sheet",
    "remote_grid",
]
