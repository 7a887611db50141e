"""What only its vendor knows is told to others in words, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from shortstop.dialects.opaque import Unsayable, in_words, is_sayable, said
from shortstop.errors import UpstreamRejected
from shortstop.types import Message, Opaque, Request, Text, ToolResult


def block(kind: str, **raw: Any) -> Opaque:
    return Opaque(kind, {"type": kind, **raw})


def test_readable_strings_are_said_with_their_names() -> None:
    text = said(block("memo", title="Tides", id="x_1", content=[{"type": "text", "text": "06:12"}]))
    assert text == "[memo]\ntitle: Tides\n06:12"


@pytest.mark.parametrize(
    "odd",
    [
        block("compaction", encrypted_content="gAAAA"),
        block("clip_url", video_url={"url": "https://example.org/v.mp4"}),
        block("picture", source={"type": "base64", "data": "QUJD"}),
        block("item_reference", id="msg_1"),
        block("empty"),
    ],
)
def test_ciphers_files_and_references_are_not(odd: Opaque) -> None:
    assert not is_sayable(odd)
    with pytest.raises(Unsayable):
        said(odd)


def test_a_request_is_said_in_words_or_refused_by_name() -> None:
    result = ToolResult("c", (block("tool_reference", tool_name="read"),))
    asked = Request("r", "anthropic.messages", {}, "m", (Message("tool", (result,)),))
    (told,) = in_words(asked).messages[0].parts
    assert isinstance(told, ToolResult)
    assert told.parts == (Text("[tool_reference]\ntool_name: read"),)
    odd = Request("r", "openai.chat", {}, "m", (Message("user", (block("hologram"),)),))
    with pytest.raises(UpstreamRejected, match="hologram"):
        in_words(odd)
