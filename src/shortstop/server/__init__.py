"""The door: HTTP in, HTTP out. Knows no model and no SQL."""

from shortstop.server.asgi import create

__all__ = ["create"]
