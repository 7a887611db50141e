"""An empty stop sequence stops nothing, in whichever dialect it is said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shortstop import dialects
from shortstop.errors import InvalidRequest
from shortstop.types import Json

MESSAGES = [{"role": "user", "content": "Hi."}]
BODIES: dict[str, Json] = {
    "openai.chat": {"model": "m", "messages": MESSAGES},
    "openai.completions": {"model": "m", "prompt": "Hi."},
    "anthropic.messages": {"model": "m", "messages": MESSAGES, "max_tokens": 9},
}
FIELD = {"anthropic.messages": "stop_sequences"}
CASES: list[tuple[Any, tuple[str, ...]]] = [
    (None, ()),
    ([], ()),
    ([""], ()),
    (["", "END", ""], ("END",)),
    (["\n"], ("\n",)),
    ([" "], (" ",)),
]


@pytest.mark.parametrize("dialect", BODIES)
@pytest.mark.parametrize(("said", "meant"), CASES)
def test_what_is_said_and_what_is_meant(dialect: str, said: Any, meant: tuple[str, ...]) -> None:
    body = {**BODIES[dialect], FIELD.get(dialect, "stop"): said}
    request = dialects.get(dialect).decode_request(body, "r")
    assert request.sampling.stop == meant
    local = msgspec.structs.replace(request, body={})
    sent = msgspec.json.decode(dialects.get("openai.chat").encode_request(local, "small"))
    assert sent.get("stop") == (list(meant) or None)


@pytest.mark.parametrize("dialect", ["openai.chat", "openai.completions"])
@pytest.mark.parametrize(("said", "meant"), [("", ()), ("END", ("END",))])
def test_one_string(dialect: str, said: str, meant: tuple[str, ...]) -> None:
    request = dialects.get(dialect).decode_request({**BODIES[dialect], "stop": said}, "r")
    assert request.sampling.stop == meant


@pytest.mark.parametrize("dialect", ["openai.chat", "openai.completions"])
@pytest.mark.parametrize("said", [0, [None], {"a": "b"}])
def test_anything_else_is_an_error(dialect: str, said: Any) -> None:
    with pytest.raises(InvalidRequest):
        dialects.get(dialect).decode_request({**BODIES[dialect], "stop": said}, "r")
