"""Where a target cannot be sent a stop sequence, the gateway stops."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shortstop.serving.stopping import Stopping
from shortstop.types import Choice, Chunk, Reply, Text, Usage

STOPS = ("END", "aba")
texts = st.text("ENDab ", max_size=12)


def cut(text: str) -> str:
    places = [text.find(stop) for stop in STOPS if stop in text]
    return text[: min(places)] if places else text


@given(st.lists(texts, max_size=4))
def test_whole_and_streamed_stop_at_the_same_place(pieces: list[str]) -> None:
    text, stopping = "".join(pieces), Stopping(STOPS)
    chunks = [*(Chunk(text=p) for p in pieces), Chunk(finish="length"), Chunk(usage=Usage(1))]
    made = [stopping.chunk(chunk) for chunk in chunks]
    assert "".join(chunk.text for chunk in made) == cut(text)
    finishes = [chunk.finish for chunk in made if chunk.finish]
    assert finishes == ["stop" if cut(text) != text else "length"]
    assert made[-1].usage == Usage(1), "what is left out is on the books"
    reply = Reply("", "", (Choice(parts=(Text(text),), finish="length"),))
    assert Stopping(STOPS).reply(reply).text == cut(text)
