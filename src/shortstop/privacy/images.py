"""Inline images, for policies that let them leave unread: everything else is still read."""

from __future__ import annotations

import re
from typing import Any

from shortstop.types import InlineData, Json, WireWords

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,[A-Za-z0-9+/_=-]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]*")


def without_images(body: Json, words: WireWords) -> Json:
    """The body without the data of images: `data:` URLs and what `words.inline` describes.

    Only the data of an image, and nothing else, is left out: a URL with something behind the data
    stays, and is read.
    """
    shown: Json = _without(body, words)
    return shown


def _without(value: Any, words: WireWords) -> Any:
    if isinstance(value, str):
        return "data:image" if _DATA_URL.fullmatch(value) else value
    if isinstance(value, list):
        return [_without(item, words) for item in value]
    if isinstance(value, dict):
        return {
            key: "" if _is_data(key, inner, value, words) else _without(inner, words)
            for key, inner in value.items()
        }
    return value


def _is_data(key: str, value: Any, table: Json, words: WireWords) -> bool:
    return (
        isinstance(value, str)
        and any(_holds_image(key, table, form) for form in words.inline)
        and _BASE64.fullmatch(value) is not None
    )


def _holds_image(key: str, table: Json, form: InlineData) -> bool:
    return (
        key == form.data
        and str(table.get(form.mime, "")).startswith("image/")
        and all(table.get(field) == value for field, value in form.marks)
    )
