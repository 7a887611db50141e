"""HTTP in, HTTP out: routes, headers, authentication, administration. Knows no model, no SQL."""

from shortstop.server.asgi import create
from shortstop.server.capacity import Capacity
from shortstop.server.connections import Connections
from shortstop.server.refusal import Refusals

__all__ = ["Capacity", "Connections", "Refusals", "create"]
