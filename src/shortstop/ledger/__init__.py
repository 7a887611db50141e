"""Money, joules and carbon: pure arithmetic over what happened."""

from .books import Books
from .hardware import Machine
from .prices import Price, PriceSheet, price_sheet

__all__ = ["Books", "Machine", "Price", "PriceSheet", "price_sheet"]
