"""Every route as an OpenAPI 3.1 document; a test compares it with the router."""

from __future__ import annotations

from functools import cache

from shortstop import __version__
from shortstop.server.headers import RESPONSE_HEADERS
from shortstop.server.openapi.operation import TAGS
from shortstop.server.openapi.paths import paths
from shortstop.server.openapi.schemas import schemas
from shortstop.types import Json


@cache
def document() -> Json:
    """The OpenAPI document. Cached: every call returns the same object, not to be changed."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shortstop",
            "version": __version__,
            "description": "SLM-first, LLM-backup gateway that speaks OpenAI's and Anthropic's"
            " APIs.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"key": []}, {}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "headers": {
                name: {"description": about, "schema": {"type": "string"}}
                for name, about in RESPONSE_HEADERS.items()
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }
