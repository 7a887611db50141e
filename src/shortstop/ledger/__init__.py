"""Money, joules and carbon: pure arithmetic over what happened."""

from shortstop.ledger.books import Books
from shortstop.ledger.hardware import MachineCost
from shortstop.ledger.prices import Price, PriceSheet, price_sheet

__all__ = ["Books", "MachineCost", "Price", "PriceSheet", "price_sheet"]
