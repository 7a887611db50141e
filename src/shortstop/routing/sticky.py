"""Which model a conversation belongs to, and what it takes to change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shortstop.routing.constraints import tokens
from shortstop.routing.state import State
from shortstop.types import UNNAMED, Caller, Message, Request, Target, Thinking, ToolResult

COLD_CACHE_TOKENS = 2000
"""Tokens of a conversation at which the margin for leaving its model is RETURN_MARGIN."""
RETURN_MARGIN = 0.1
MAX_RETURN_MARGIN = 0.3
"""Scores above the threshold that bring a conversation back from the frontier."""
MIN_MESSAGES = 3
"""Messages from which on a request continues a conversation."""


class Bound(NamedTuple):
    """Only `maker` may answer; None: some remote target began, and it is not known which."""

    maker: Target | None


def in_run(request: Request, caller: Caller) -> bool:
    """Whether the request is a step of an agent's run, which is routed as a whole: it offers tools,
    or its client names the run. Other talk that goes on is a conversation."""
    run = caller.run
    return run is not None and (bool(request.tools) or not run.startswith(UNNAMED))


def dialogue(request: Request, caller: Caller) -> str:
    """The name of what a request belongs to: its run or, outside of one, its conversation; all
    unnamed conversations of a tenant share one."""
    if in_run(request, caller):
        return run_thread(caller.tenant, caller.run or "")
    return f"{caller.tenant}/{caller.conversation or ''}"


def run_thread(tenant: str, run: str) -> str:
    """The name under which it is kept who answers a run."""
    return f"{tenant}/run/{run}"


def in_tool_loop(messages: tuple[Message, ...]) -> bool:
    """Whether the last message is the result of a tool that the model called."""
    if not messages:
        return False
    if messages[-1].role == "tool":
        return True
    for part in messages[-1].parts:  # noqa: SIM110 - on the hot path a generator costs more
        if isinstance(part, ToolResult):
            return True
    return False


def signed(messages: tuple[Message, ...]) -> bool:
    """Whether some reasoning is in it that only its maker can read."""
    for message in messages:
        for part in message.parts:
            if isinstance(part, Thinking) and (part.signature or part.redacted):
                return True
    return False


class Stickiness:
    """Reads who answered the conversations in `state`; `targets` are all that are configured."""

    def __init__(self, state: State, targets: Mapping[str, Target]) -> None:
        self._state = state
        self._targets = targets

    def bound(self, request: Request, caller: Caller, serving: tuple[Target, ...]) -> Bound | None:
        """Signed thinking and open tool calls belong to the model that made them, if it is one of
        those `serving`, and to no other. None: any target may answer. A specialist reads neither.

        Where that model is not known, a signature is at least not a local model's.
        """
        is_signed = signed(request.messages)
        if not (is_signed or in_tool_loop(request.messages)):
            return None
        maker = self._state.conversations.get(dialogue(request, caller), "")
        target = next((target for target in serving if target.name == maker), None)
        if target is not None and target.specialist is None:
            return Bound(target)
        return Bound(None) if is_signed else None

    def stays(self, request: Request, caller: Caller, margin: float) -> bool | None:
        """Whether a conversation under way stays local (True), remote (False), or is free (None).

        `margin` is the local score above its threshold. From local to the frontier only quality
        decides. Back to local it must be clearly good: the longer the conversation, the more of the
        frontier's prompt cache a switch throws away. A run never comes back: it is escalated as a
        whole.
        """
        run = in_run(request, caller)
        if not run and len(request.messages) < MIN_MESSAGES:
            return None
        maker = self._targets.get(self._state.conversations.get(dialogue(request, caller), ""))
        if maker is None or maker.specialist is not None:
            return None
        if maker.local:
            return True if margin >= 0 else None
        if run:
            return False
        wanted = min(MAX_RETURN_MARGIN, RETURN_MARGIN * tokens(request) / COLD_CACHE_TOKENS)
        return False if margin < wanted else None
