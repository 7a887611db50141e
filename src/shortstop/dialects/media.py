"""Inline data and references, which each dialect writes in its own way."""

from __future__ import annotations

from shortstop.types import Media


def inline(media: Media) -> tuple[str, str] | None:
    """MIME type and base64 text, also from a `data:` URL; None when there is only a reference."""
    if media.data is not None:
        if media.data.startswith("data:"):
            return _content(media.data)
        return media.mime or "application/octet-stream", media.data
    if media.url is not None and media.url.startswith("data:"):
        return _content(media.url)
    return None


def url(media: Media) -> str | None:
    """The part's URL; a `data:` URL when its bytes are inline."""
    if media.url is not None:
        return media.url
    content = inline(media)
    return data_url(*content) if content else None


def data_url(mime: str, data: str) -> str:
    """Base64 text as a `data:` URL."""
    return f"data:{mime};base64,{data}"


def _content(address: str) -> tuple[str, str]:
    head, _, data = address.partition(",")
    return head.removeprefix("data:").partition(";")[0] or "application/octet-stream", data
