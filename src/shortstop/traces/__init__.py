"""The only SQL of the house: where rows are kept, how they survive, how they are read."""

from shortstop.traces.store import StoreHealth, TraceStore

__all__ = ["StoreHealth", "TraceStore"]
