"""Inline data and references, for dialects that write them differently."""

from __future__ import annotations

from shortstop.types import Media


def inline(media: Media) -> tuple[str, str] | None:
    """MIME type and base64 text, also out of a `data:` URL; None for a mere reference."""
    if media.data is not None:
        if media.data.startswith("data:"):
            return _data_url(media.data)
        return media.mime or "application/octet-stream", media.data
    if media.url is not None and media.url.startswith("data:"):
        return _data_url(media.url)
    return None


def url(media: Media) -> str | None:
    """An address, made of the data where these are inline."""
    if media.url is not None:
        return media.url
    found = inline(media)
    return url_of(found) if found else None


def url_of(found: tuple[str, str]) -> str:
    return f"data:{found[0]};base64,{found[1]}"


def _data_url(address: str) -> tuple[str, str]:
    head, _, data = address.partition(",")
    return head.removeprefix("data:").partition(";")[0] or "application/octet-stream", data
