"""Blocks come one after the other, whatever a server mixes up."""

from __future__ import annotations

from typing import Any

from shortstop.dialects.anthropic.order import Order


def start(index: int, kind: str = "text") -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind}}


def delta(index: int, text: str) -> dict[str, Any]:
    inner = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": index, "delta": inner}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ordered(*frames: dict[str, Any]) -> list[str]:
    """Each frame as a sign, its index and its text."""
    order = Order()
    told = [x for frame in frames for x in order.feed(frame)] + order.close()
    signs = {"content_block_start": "(", "content_block_delta": "", "content_block_stop": ")"}
    return [f"{signs[f['type']]}{f['index']}{f.get('delta', {}).get('text', '')}" for f in told]


def test_what_is_in_order_passes() -> None:
    assert ordered(start(0), delta(0, "a"), stop(0), start(1), stop(1)) == [
        "(0", "0a", ")0", "(1", ")1",
    ]  # fmt: skip


def test_blocks_that_alternate_wait_for_their_turn() -> None:
    mixed = (start(0), start(1), delta(1, "b"), delta(0, "a"), stop(0), delta(1, "c"), stop(1))
    assert ordered(*mixed) == ["(0", "0a", ")0", "(1", "1b", "1c", ")1"]


def test_what_no_frame_opened_or_closed_is_opened_and_closed() -> None:
    assert ordered(delta(0, "a"), delta(0, "b")) == ["(0", "0a", "0b", ")0"]
    assert ordered(start(3), delta(3, "a"), start(3), delta(3, "b")) == [
        "(0", "0a", ")0", "(1", "1b", ")1",
    ]  # fmt: skip
    assert ordered(stop(0)) == []
