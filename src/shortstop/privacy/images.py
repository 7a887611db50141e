"""Inline images, where a policy lets them leave unread: everything around them is still read."""

from __future__ import annotations

import re
from typing import Any

from shortstop.types import Json

_DATA_URI = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,[A-Za-z0-9+/_=-]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]*")


def without_images(body: Json) -> Json:
    """The body with the data of images left out: OpenAI's data URIs, Anthropic's base64 sources.

    Only what is an image's data and nothing else: a URI with anything behind it stays to be read.
    """
    found: Json = _without(body)
    return found


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return "data:image" if _DATA_URI.fullmatch(value) else value
    if isinstance(value, list):
        return [_without(inner) for inner in value]
    if isinstance(value, dict):
        return {k: "" if _is_data(k, v, value) else _without(v) for k, v in value.items()}
    return value


def _is_data(key: str, value: Any, source: Json) -> bool:
    """`{"type": "base64", "media_type": "image/...", "data": ...}`."""
    told = source.get("type") == "base64" and str(source.get("media_type", ""))[:6] == "image/"
    return key == "data" and told and isinstance(value, str) and bool(_BASE64.fullmatch(value))
