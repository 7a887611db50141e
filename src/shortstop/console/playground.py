"""The same question to several models, side by side; a new one, or what a row asked."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct

from shortstop.console.templates import render
from shortstop.console.view import View
from shortstop.types import Message, Request, Text

MOST = 100_000
"""Characters of a prompt, and of the turns before it."""


class AskedTurns(Struct, frozen=True):
    """What is asked: the system's text, what was said `before` (role and text), the prompt.
    `row` is whose question it was, `left_out` whether it held more than is here."""

    system: str = ""
    before: tuple[tuple[str, str], ...] = ()
    prompt: str = ""
    row: str = ""
    left_out: bool = False


def turns_of(request: Request) -> AskedTurns | None:
    """The texts of a row's request; None where the user said none."""
    system = [one for one in request.messages if one.role in ("system", "developer")]
    said = [one for one in request.messages if one not in system]
    while said and (said[-1].role != "user" or not said[-1].text):
        said.pop()
    if not said:
        return None
    *earlier, last = said
    before = tuple(
        (one.role, one.text) for one in earlier if one.role in ("user", "assistant") and one.text
    )
    texts = "\n\n".join(one.text for one in system)
    cut = sum(len(text) for _, text in before) > MOST or max(len(texts), len(last.text)) > MOST
    whole = len(said) == len(request.messages) - len(system) and len(before) == len(earlier)
    plain = whole and all(_plain(one) for one in request.messages) and not request.tools
    return AskedTurns(
        texts[:MOST], () if cut else before, last.text[:MOST], request.id, left_out=cut or not plain
    )


def page(view: View, models: Sequence[str], remote: str | None, asked: AskedTurns) -> str:
    """`remote` is the frontier, if there is one."""
    chosen = ["auto", "local", *([remote] if remote else [])]
    before = json.dumps([{"role": role, "content": text} for role, text in asked.before])
    return render(
        "playground.html", view=view, models=models, chosen=chosen, asked=asked, before=before
    )


def _plain(message: Message) -> bool:
    return all(isinstance(part, Text) for part in message.parts)
