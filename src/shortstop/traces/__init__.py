"""The only SQL of the house: where rows are kept, how they survive, how they are read."""

from .store import StoreHealth, TraceStore

__all__ = ["StoreHealth", "TraceStore"]
