"""Why an answer ended, in the words of all vendors.

Servers that speak one dialect borrow the words of another, so there is one table. A word that is
not in it is no natural end: the answer counts as cut off and, where it holds nothing, as failed.
"""

from __future__ import annotations

from typing import Any

from shortstop.errors import UpstreamFailed
from shortstop.types import Finish

_WORDS: dict[Finish, str] = {
    "stop": "stop end_turn stop_sequence eos eos_token end_of_text stop_token complete completed"
    " done finished normal",
    "length": "length max_tokens max_output_tokens model_length model_context_window_exceeded"
    " token_limit context_length context_window_exceeded max_length",
    "tool_calls": "tool_calls tool_call function_call function_calls tool_use",
    "content_filter": "content_filter content_filtered sensitive safety recitation blocklist spii"
    " prohibited_content image_safety guardrail_intervened content_flagged",
    "refusal": "refusal",
    "pause": "pause_turn",
}
FINISHES: dict[str, Finish] = {
    word: finish for finish, text in _WORDS.items() for word in text.split()
}


def finish_of(reason: Any) -> Finish | None:
    """What a vendor's reason means; None where it gives none, "error" for a failure or an unknown
    one."""
    if isinstance(reason, dict):
        reason = reason.get("type")
    if reason is None or reason == "":
        return None
    return FINISHES.get(reason.lower(), "error") if isinstance(reason, str) else "error"


def cut_off(finish: Finish | None, *, said: bool, reason: Any = None) -> Finish | None:
    """`finish` as it may be told: an answer that failed was cut off.

    `said`: whether it holds a text or call. Raises UpstreamFailed where it holds nothing.
    """
    if finish != "error":
        return finish
    if not said:
        word = reason if isinstance(reason, str) else "for no known reason"
        raise UpstreamFailed(f"The model ended without an answer ({word[:80]}).")
    return "length"
