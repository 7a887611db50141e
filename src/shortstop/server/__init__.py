"""HTTP in, HTTP out: routes, headers, authentication, administration. Knows no model, no SQL."""

from shortstop.server.asgi import create

__all__ = ["create"]
