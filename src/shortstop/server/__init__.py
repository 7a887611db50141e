"""HTTP in, HTTP out: routes, headers, authentication, administration. Knows no model, no SQL."""

from shortstop.server.asgi import create
from shortstop.server.connections import Connections
from shortstop.server.refusal import Refusals

__all__ = ["Connections", "Refusals", "create"]
