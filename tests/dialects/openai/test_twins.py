"""Frames that differ in their text alone: what they mean without decoding is what decoding says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop import dialects
from shortstop.dialects.openai.stream import OpenAIChatDecoder
from shortstop.dialects.openai.twins import retold
from shortstop.types import Chunk, Json
from tests.dialects.samples import asked

CHAT = dialects.get("openai.chat")
REQUEST = asked("openai.chat", stream=True)


class Undecoded(OpenAIChatDecoder):
    """Counts the frames that were decoded."""

    decoded = 0

    def _learn(self, data: str, made: Any) -> None:
        self.decoded += 1
        super()._learn(data, made)


class Plainly(OpenAIChatDecoder):
    """Decodes every frame."""

    def _known(self, data: str) -> None:
        return None


def frame(delta: Json, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more}


def sent(*frames: Json, close: str = "[DONE]", **written: Any) -> bytes:
    lines = [json.dumps(one, **written) for one in frames] + [close]
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def meant(chunks: list[Chunk]) -> list[Chunk]:
    """Each with a frame that says its own text."""
    return [replace(c, wire=retold(c.wire, c.text)) if c.wire else c for c in chunks]


def told(decoder: OpenAIChatDecoder, data: bytes) -> tuple[list[Chunk], list[bytes]]:
    chunks = decoder.feed(data)
    encoder = CHAT.stream_encoder(REQUEST, 1)
    return meant(chunks), [encoder.encode(chunk) for chunk in chunks]


WORDS = [frame({"content": f"word{i} "}, system_fingerprint="fp") for i in range(20)]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_only_the_first_of_a_kind_is_decoded(separators: tuple[str, str]) -> None:
    decoder = Undecoded()
    data = sent(*WORDS, separators=separators)
    assert "".join(c.text for c in decoder.feed(data)) == "".join(f"word{i} " for i in range(20))
    assert decoder.decoded == 1


def test_a_server_that_varies_its_frames_is_not_tried_for_ever() -> None:
    decoder = Undecoded()
    data = sent(*(frame({"content": "a"}, obfuscation="x" * i) for i in range(50)))
    assert len(decoder.feed(data)) == decoder.decoded == 50
    assert decoder._twins._left == 0


TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["", " ", 'a"b', "a\\n", '","x":"', "é漢🙂", "[DONE]", '"}}]}', "\x7f", "[probe]"]
    ),
)
FRAMES = st.one_of(
    TEXTS.map(lambda text: frame({"content": text})),
    TEXTS.map(lambda text: frame({"content": text}, system_fingerprint="fp")),
    TEXTS.map(lambda text: frame({"role": "assistant", "content": text})),
    TEXTS.map(lambda text: frame({"content": text}, content=text)),
    TEXTS.map(lambda text: {"content": text, **frame({"content": text})}),
    TEXTS.map(lambda text: frame({"reasoning_content": text, "content": text})),
    TEXTS.map(lambda text: frame({"content": "x"}, note={"content": text})),
    TEXTS.map(lambda text: frame({"content": text, "refusal": None})),
    st.just({**frame({}), "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    st.just({**frame({}), "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
)


@given(st.lists(FRAMES, max_size=12), st.booleans(), st.booleans())
def test_whatever_comes_means_what_it_means_when_each_is_decoded(
    frames: list[Json], escaped: bool, tight: bool
) -> None:
    separators = (",", ":") if tight else (", ", ": ")
    data = sent(*frames, ensure_ascii=escaped, separators=separators)
    assert told(OpenAIChatDecoder(), data) == told(Plainly(), data)


@given(st.lists(TEXTS, min_size=2, max_size=6), st.data())
def test_nor_do_pieces_of_bytes(texts: list[str], data: st.DataObject) -> None:
    whole = sent(*(frame({"content": text}) for text in texts), ensure_ascii=False)
    cut = data.draw(st.integers(0, len(whole)))
    decoder = OpenAIChatDecoder()
    pieces = decoder.feed(whole[:cut]) + decoder.feed(whole[cut:])
    assert meant(pieces) == Plainly().feed(whole)


def test_one_frame_is_not_changed_by_the_next() -> None:
    chunks, frames = told(OpenAIChatDecoder(), sent(*WORDS[:3]))
    assert [c.wire["choices"][0]["delta"]["content"] for c in chunks if c.wire] == [
        "word0 ",
        "word1 ",
        "word2 ",
    ]
    texts = [json.loads(f.removeprefix(b"data: "))["choices"][0]["delta"] for f in frames]
    assert [delta["content"] for delta in texts] == ["word0 ", "word1 ", "word2 "]


def test_twins_are_told_with_their_own_text_wherever_they_come() -> None:
    """Nobody has read the first of them, another alternative stands between, and what is looked for
    stands elsewhere, too."""
    other = {**frame({"content": "two"}), "choices": [{"index": 1, "delta": {"content": "two"}}]}
    odd = [frame({"content": text}, note="[probe]") for text in ("a", "b", "[probe]", "c")]
    data = sent(WORDS[0], other, *WORDS[1:3], *odd, other, WORDS[3])
    assert told(OpenAIChatDecoder(), data) == told(Plainly(), data)
    late = OpenAIChatDecoder().feed(sent(*WORDS[:3]))[1:]
    encoder = CHAT.stream_encoder(REQUEST, 1)
    assert [b"word1 " in encoder.encode(late[0]), b"word2 " in encoder.encode(late[1])] == [
        True
    ] * 2


def test_a_twin_after_the_end_says_nothing() -> None:
    end = {**frame({}), "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    chunks = OpenAIChatDecoder().feed(sent(*WORDS[:3], end, *WORDS[3:5]))
    assert "".join(chunk.text for chunk in chunks) == "word0 word1 word2 "
