"""Where traces are kept, how they survive, how they are read. Without SQL: see `stores`."""

from shortstop.traces.content import Redact
from shortstop.traces.health import StoreHealth
from shortstop.traces.lake import Lake
from shortstop.traces.reader import TraceReader
from shortstop.traces.responses import StoredResponses
from shortstop.traces.store import TraceStore

__all__ = ["Lake", "Redact", "StoreHealth", "StoredResponses", "TraceReader", "TraceStore"]
