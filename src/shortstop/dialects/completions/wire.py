"""Parts of the legacy completions format that whole answers and streams have in common."""

from __future__ import annotations

from shortstop.dialects.openai.wire import FINISH_OUT
from shortstop.types import Choice, Finish, Json, Refusal, Request


def finish_out(finish: Finish | None) -> str:
    """The `finish_reason`; there are no tools here to stop for."""
    return "stop" if finish == "tool_calls" else FINISH_OUT[finish or "stop"]


def choice_out(index: int, text: str, finish: str | None) -> Json:
    """One choice of an answer or a frame."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def echoed(request: Request) -> str:
    """The prompt, when the client wants to see it before the answer."""
    return request.messages[0].text if request.extra.get("echo") and request.messages else ""


def said(choice: Choice) -> str:
    """The words of an answer; there is no field of its own for a refusal."""
    return choice.text + "".join(p.text for p in choice.parts if isinstance(p, Refusal))
