"""Token usage as vendors write it, into disjoint classes.

There is one reader: servers of one dialect use the names of another, and what is told decides how
it is meant. OpenAI counts cached tokens inside the prompt and reasoning inside the completion,
Anthropic counts the cache beside the input; a total tells which of both holds.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from shortstop.types import Usage

PROMPTS = ("prompt_tokens", "input_tokens")
COMPLETIONS = ("completion_tokens", "output_tokens")
_SERVED = ("service_tier", "speed", "inference_geo")
"""Fields that tell how an answer was served, of the usage or of the answer around it."""
MOST_TOKENS = 100_000_000
"""Of one answer, ten times the longest context that there is: what is more is no count, and a bill
for it would be no bill."""
MANY_SEARCHES = 10
"""Searches that an answer may take where the request sets no limit."""
_STANDARD = frozenset(
    ["default", "standard", "auto", "on_demand", "normal", "global", "not_available", "none"]
)
"""How most answers are served: at the price that is listed first."""
_READ = ("cached_tokens", "cache_read_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")
_WRITTEN = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
_SIDES = frozenset([*PROMPTS, *COMPLETIONS, "total_tokens"])
_ALL_OF_A_SIDE = (0, 0, 0, 0, 0, 0)
"""Where nothing finer is told than both sides, as most servers do."""
_COUNTS = _SIDES | {*_READ, *_WRITTEN}


def count_of(value: Any) -> int | None:
    """A number of tokens, also where it is written as a fraction or a text; None for what is no
    count."""
    if type(value) is int:
        return value if 0 <= value <= MOST_TOKENS else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float) and 0 <= value <= MOST_TOKENS:
        return round(value)
    return None


def usage_of(value: Any, *, beside: bool = False, answer: Any = None) -> Usage | None:
    """Usage in any vendor's words; None where neither side of it is told.

    `beside`: whether cache counts stand beside `input_tokens` unless a total tells otherwise. A
    side that is not told is 0, and the usage marked as an estimate. `answer` is what the usage
    stands in: it may tell how it was served, and list its searches.
    """
    if not isinstance(value, dict):
        return None
    prompts, completions = _order(PROMPTS, beside), _order(COMPLETIONS, beside)
    prompt, completion = _first((value,), prompts), _first((value,), completions)
    finer = _ALL_OF_A_SIDE if value.keys() <= _SIDES else _finer(value)
    read, written, hour, reasoning, audio_in, audio_out = finer
    if not (prompt or read or written) and not completion:
        return None
    total = count_of(value.get("total_tokens")) or 0
    known_prompt, known_completion = prompt or 0, completion or 0
    if _is_beside(value, known_prompt, known_completion, read + written, total, beside=beside):
        known_prompt += read + written
    uncounted = max(0, total - known_prompt - known_completion) if prompt and completion else 0
    if uncounted and uncounted >= reasoning:
        reasoning, known_completion = uncounted, known_completion + uncounted
    audio_in = min(audio_in, max(0, known_prompt - read - written))
    counted = Usage(
        input=max(0, known_prompt - read - written - audio_in),
        cache_read=read,
        cache_write=max(0, written - hour),
        cache_write_1h=min(hour, written),
        input_audio=audio_in,
        output=max(0, known_completion - reasoning - audio_out),
        reasoning=reasoning,
        output_audio=audio_out,
        estimated=not (prompt or read or written) or completion is None,
    )
    return beyond_tokens(counted, value, answer)


def _finer(value: Any) -> tuple[int, int, int, int, int, int]:
    """What is told beside both sides and the total: read from a cache, written to one, of it for an
    hour, reasoning, audio asked and answered."""
    details = _table(value, "prompt_tokens_details", "input_tokens_details")
    told = _table(value, "completion_tokens_details", "output_tokens_details")
    split = _table(value, "cache_creation")
    hour = count_of(split.get("ephemeral_1h_input_tokens")) or 0
    written = _first((details, value), _WRITTEN) or 0
    return (
        _first((details, value), _READ) or 0,
        written or hour + (count_of(split.get("ephemeral_5m_input_tokens")) or 0),
        hour,
        _first((told, value), ("reasoning_tokens", "thinking_tokens")) or 0,
        _first((details,), ("audio_tokens",)) or 0,
        _first((told,), ("audio_tokens",)) or 0,
    )


def beyond_tokens(usage: Usage | None, value: Any, answer: Any) -> Usage | None:
    """The usage `value` of an answer as it was read, with what else is told of its price."""
    searches, served = _searches(value, answer), served_as(value, answer)
    if usage is None or not (searches or served):
        return usage
    return replace(usage, searches=searches, served=served)


def served_as(*told: Any) -> tuple[str, ...]:
    """How something was served, or is asked to be, where that is not the standard way."""
    words: set[str] = set()
    for table in told:
        if isinstance(table, dict) and not table.keys().isdisjoint(_SERVED):
            words.update(str(w).lower() for name in _SERVED if (w := table.get(name)))
    return tuple(sorted(words - _STANDARD)) if words else ()


def possible_searches(tools: Any) -> int:
    """Searches on the web that the tools of a request allow; as many as `MANY_SEARCHES` where they
    set no limit."""
    if not isinstance(tools, list):
        return 0
    offered = [t for t in tools if isinstance(t, dict) and "web_search" in str(t.get("type"))]
    return sum(count_of(tool.get("max_uses")) or MANY_SEARCHES for tool in offered)


def _searches(usage: Any, answer: Any) -> int:
    """Searches on the web that the vendor bills beside the tokens."""
    counted = _first(
        (_table(usage, "server_tool_use"), usage), ("web_search_requests", "num_search_queries")
    )
    if counted is not None:
        return counted
    items = answer.get("output") if isinstance(answer, dict) else None
    return sum(map(_is_search, items)) if isinstance(items, list) else 0


def _is_search(item: Any) -> bool:
    if not isinstance(item, dict) or item.get("type") != "web_search_call":
        return False
    return bool(_table(item, "action").get("type", "search") == "search")


def is_plain(value: Any) -> bool:
    """Whether what a vendor told can be handed on as it is: no count in it is anything but one."""
    if not isinstance(value, dict):
        return value is None
    told = [value[name] for name in _COUNTS & value.keys()]
    return all(
        count is None or (type(count) is int and 0 <= count <= MOST_TOKENS) for count in told
    )


def _is_beside(
    value: Any, prompt: int, completion: int, cache: int, total: int, *, beside: bool
) -> bool:
    """Whether the cache counts are not part of the prompt's."""
    if not cache:
        return False
    if total and total == prompt + completion:
        return False
    if cache > prompt or (total and total == prompt + cache + completion):
        return True
    anthropic = "prompt_tokens" not in value and not _table(value, "input_tokens_details")
    named = "cache_read_input_tokens" in value or "cache_creation_input_tokens" in value
    return anthropic and (beside or named)


def _order(names: tuple[str, str], beside: bool) -> tuple[str, ...]:
    return names[::-1] if beside else names


def _first(tables: tuple[Any, ...], names: tuple[str, ...]) -> int | None:
    """The first count that is more than nothing; 0 where only nothing is told."""
    found = None
    for table in tables:
        if table.keys().isdisjoint(names):
            continue
        for name in names:
            if (told := table.get(name)) is not None and (count := count_of(told)) is not None:
                if count:
                    return count
                found = 0
    return found


def _table(value: Any, *names: str) -> dict[str, Any]:
    """The first of these that is there and not empty."""
    for name in names:
        if (table := value.get(name)) and isinstance(table, dict):
            return table
    return {}
