"""Examines a local answer before it is served. Pure: an answer in, signals and checks out.

`signals` are measurements for the router to weigh; `checks` are conditions that a usable answer
meets. A failed check rejects the answer whatever the signals say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from shortstop.types import (
    Check,
    Choice,
    Format,
    Json,
    Request,
    Signals,
    TokenLogprob,
    Tool,
    ToolCall,
)

REPETITION_LIMIT = 0.5
REPETITION_MIN_WORDS = 24
NGRAM = 4
NOT_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding raises; deeper than can be read is no JSON here."""

# Openings with which instruction-tuned models decline. Only the opening counts: an answer may
# well talk about refusals.
_REFUSAL = re.compile(
    r"\W*(?:(?:i'?m|i am|we'?re) (?:very |so |really |terribly )?(?:sorry|afraid)\b.{0,60}"
    r"\b(?:can(?:no|')?t|unable|not able|won'?t)"
    r"|i (?:can(?:no|')?t|am unable to|am not able to|won'?t) "
    r"(?:help|assist|provide|fulfil|comply|answer|do that|create|write)"
    r"|as an ai\b|i (?:do not|don'?t) have (?:access|enough information|the ability)"
    r"|i apologi[sz]e,? but)",
    re.IGNORECASE | re.DOTALL,
)


def signals(choice: Choice) -> Signals:
    """Measure one choice. Quantiles by nearest rank over its tokens' log-probabilities, in nats."""
    text = choice.text
    values = sorted(t.logprob for t in choice.logprobs)
    return Signals(
        tokens=len(values),
        chars=len(text),
        logprob_min=values[0] if values else None,
        logprob_p10=_quantile(values, 0.1),
        logprob_p50=_quantile(values, 0.5),
        logprob_mean=sum(values) / len(values) if values else None,
        entropy=_entropy(choice.logprobs),
        repetition=repetition(text),
        finish=choice.finish,
    )


def checks(request: Request, choice: Choice) -> tuple[Check, ...]:
    """Every check that applies to a whole answer."""
    calls = [p for p in choice.parts if isinstance(p, ToolCall)]
    results = [_not_empty(choice, calls), _complete(request, choice), _not_refused(choice)]
    results.append(_not_repeating(choice.text))
    if request.format.kind != "text" and not calls:
        results.append(_in_format(choice.text, request.format))
    if calls or request.tool_choice.mode == "required":
        results.append(_calls_valid(request, calls))
    return tuple(results)


def prefix_checks(choice: Choice) -> tuple[Check, ...]:
    """The checks that the beginning of an answer allows."""
    return (_not_refused(choice), _not_repeating(choice.text))


def repetition(text: str) -> float:
    """Share of word 4-grams that already occurred: 0 no repetition, towards 1 a loop."""
    words = text.split()
    grams = [tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)]
    if not grams:
        return 0.0
    return 1.0 - len(Counter(grams)) / len(grams)


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    return ordered[int(q * (len(ordered) - 1))] if ordered else None


def _entropy(tokens: Sequence[TokenLogprob]) -> float | None:
    """Mean entropy of the listed alternatives, in nats; a lower bound of the true entropy."""
    listed = [t.top for t in tokens if t.top]
    if not listed:
        return None
    total = 0.0
    for top in listed:
        total -= sum(math.exp(value) * value for _, value in top if value > -30)
    return total / len(listed)


def _not_empty(choice: Choice, calls: Sequence[ToolCall]) -> Check:
    return Check("not_empty", bool(calls or choice.text.strip()))


def _complete(request: Request, choice: Choice) -> Check:
    """An answer that our own limit cut off, not the client's, is not complete."""
    cut = choice.finish == "length" and request.sampling.max_tokens is None
    structured = choice.finish == "length" and request.format.kind != "text"
    return Check("complete", not (cut or structured), "cut off" if cut or structured else "")


def _not_refused(choice: Choice) -> Check:
    return Check("not_refused", _REFUSAL.match(choice.text[:200]) is None)


def _not_repeating(text: str) -> Check:
    share = repetition(text) if len(text.split()) >= REPETITION_MIN_WORDS else 0.0
    return Check("not_repeating", share <= REPETITION_LIMIT, f"{share:.2f}")


def _in_format(text: str, wanted: Format) -> Check:
    try:
        value = msgspec.json.decode(text)
    except NOT_JSON:
        return Check("format", False, "not JSON")
    if wanted.kind == "json_object":
        return Check("format", isinstance(value, dict))
    problem = _violation(wanted.schema, value)
    return Check("format", problem is None, problem or "")


def _calls_valid(request: Request, calls: Sequence[ToolCall]) -> Check:
    if not calls:
        return Check("tool_calls", False, "a call was required, none was made")
    tools = {tool.name: tool for tool in request.tools}
    for call in calls:
        problem = _call_problem(call, tools.get(call.name), request.tool_choice.names)
        if problem:
            return Check("tool_calls", False, problem)
    return Check("tool_calls", True)


def _call_problem(call: ToolCall, tool: Tool | None, allowed: Sequence[str]) -> str | None:
    if tool is None or (allowed and call.name not in allowed):
        return "calls a tool that was not offered"
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except NOT_JSON:
        return "arguments are not JSON"
    return _violation(tool.schema, arguments)


def _violation(schema: Json, value: object) -> str | None:
    """Where `value` violates `schema`, or None. Nothing is valid against an unreadable schema.

    Offline: a client's `$ref` must not make the gateway open connections.
    """
    import jsonschema_rs  # 3 MB that only schemas need

    try:
        validator = jsonschema_rs.validator_for(schema, offline=True)
    except (ValueError, TypeError):  # whose text quotes the schema
        return "the schema cannot be read"
    try:
        first = next(iter(validator.iter_errors(value)), None)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return "is nested too deep, or holds a number that is too large, to be compared"
    if first is None:
        return None
    depth = len(first.instance_path)  # not the path: its keys are words of the answer
    return f"breaks the schema, {depth} levels deep" if depth else "breaks the schema at the top"
