"""Whether what a client saw, and what the books say, is right."""

from __future__ import annotations

from typing import Any

from tests.faithful.views import Seen

THINKS = ("openai.chat", "openai.responses", "anthropic.messages")


def faults(right: dict[str, Any], door: str, seen: Seen, row: dict[str, Any] | None) -> list[str]:
    """What is wrong, in words; [] when all is right."""
    if right.get("error"):
        return _failed(right, seen, row)
    if seen.error:
        return [f"an error: {seen.status} {seen.message!r}"]
    found: list[str] = []
    calls = [(name, arguments) for name, arguments in right.get("calls", ())]
    text = right.get("text", seen.text if right.keys() <= {"classes", "usage"} else "")
    if seen.text != text and not (not text and not seen.text.strip()):
        found.append(f"text {seen.text!r}, not {text!r}")
    thinking = right.get("thinking", "")
    if door in THINKS and seen.thinking != thinking:
        found.append(f"thinking {seen.thinking!r}, not {thinking!r}")
    if seen.calls != calls:
        found.append(f"calls {seen.calls}, not {calls}")
    found += _ids(right.get("ids"), seen)
    found += _finish(right.get("finish"), door, seen, called=bool(calls))
    if row is not None:
        found += _usage(right, row)
    return found


def _failed(right: dict[str, Any], seen: Seen, row: dict[str, Any] | None) -> list[str]:
    if not seen.error:
        return [f"no error: text {seen.text!r}, finish {seen.finish}"]
    statuses = right.get("status_any") or ([right["status"]] if "status" in right else [])
    if statuses and seen.status != 200 and seen.status not in statuses:
        return [f"status {seen.status}, not {statuses}: {seen.message!r}"]
    if row is not None and row["outcome"] == "ok":
        return ["the books say ok"]
    return []


def _ids(wanted: Any, seen: Seen) -> list[str]:
    if isinstance(wanted, list) and seen.ids != wanted:
        return [f"ids {seen.ids}, not {wanted}"]
    if isinstance(wanted, str) and (len(set(seen.ids)) < len(seen.ids) or not all(seen.ids)):
        return [f"ids {seen.ids}: {wanted}"]
    return []


def _finish(wanted: str | None, door: str, seen: Seen, *, called: bool) -> list[str]:
    if wanted is None:
        return []
    if wanted.startswith("not stop"):
        return [] if seen.finish != "stop" else ["told as a stop"]
    if door == "openai.responses" and called and wanted in ("stop", "tool_calls"):
        wanted = "tool_calls"
    return [] if seen.finish == wanted else [f"finish {seen.finish}, not {wanted}"]


def _usage(right: dict[str, Any], row: dict[str, Any]) -> list[str]:
    usage = row.get("usage")
    if "usage" not in right and "classes" not in right:
        return []
    if usage is None:
        return ["no usage on the books"]
    counted = {name: usage.get(name, 0) or 0 for name in COUNTS}
    prompt = sum(counted[name] for name in COUNTS[:5])
    completion = sum(counted[name] for name in COUNTS[5:])
    estimated = bool(usage.get("estimated"))
    if isinstance(right.get("usage"), str):
        return [] if estimated and completion else [f"not estimated: {usage}"]
    found = []
    for told, booked in zip(right.get("usage", ()), (prompt, completion), strict=False):
        if told is None and not (estimated and booked > 0):
            found.append(f"usage {usage}: not estimated, or nothing")
        if told is not None and booked != told:
            found.append(f"usage {prompt}, {completion}, not {right['usage']}")
    if right.get("usage") and None not in right["usage"] and estimated:
        found.append("told usage is marked as an estimate")
    classes = dict(right.get("classes", {}))
    booked_classes = {
        "input": counted["input"] + counted["input_audio"],
        "cache_read": counted["cache_read"],
        "cache_write": counted["cache_write"] + counted["cache_write_1h"],
        "output": completion,
        "output_all": completion,
        "reasoning": counted["reasoning"],
    }
    if "output_all" not in classes:
        classes.pop("reasoning", None)
    found += [
        f"{name} {booked_classes[name]}, not {count}"
        for name, count in classes.items()
        if booked_classes[name] != count
    ]
    return found


COUNTS = (
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "input_audio",
    "output",
    "reasoning",
    "output_audio",
)
