"""The lists of rows, and one row as a timeline."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from decimal import Decimal

import msgspec
from markupsafe import Markup
from msgspec import Struct

from shortstop.console.templates import render, url
from shortstop.console.view import View
from shortstop.console.visible import visible_json
from shortstop.ports.stores import Figures
from shortstop.types import Attempt, Choice, Grade, Json, Signals, Text, Trace
from shortstop.types.console import RowCursor, RowFilter, TracePage

PAGE = 50
MOST_SHOWN = 64_000
"""Characters of a text that a page holds."""
NOT_KEPT = (
    "Nothing of it was kept: by the content policy ([traces] `content` and `sensitive_content`),"
    " because it was erased, because its file is not in the lake ([traces.lake]; the log names it),"
    " because it cannot be opened with this key, or because it could not be masked."
)
REASONS = {
    "pinned": "privacy lets it go nowhere else",
    "no-frontier": "there is no frontier to ask",
    "no-local": "no local model can answer this",
    "task-rule": "the configuration says so for this task",
    "sticky": "the dialogue stays with whom it is with",
    "alarm": "the contract's alarm stands: local answers lost more than was promised",
    "overall-alarm": "the alarm over all tasks stands",
    "uncertified": "this task has no certificate yet, and nothing is kept local before proof",
    "contract": "as the certificate of this task allows",
    "out-of-domain": "unlike anything that was compared so far",
    "cold-start": "nothing is known of this task yet",
    "estimate": "by what local answers were worth lately; there is no certificate",
    "exploration": "against the better choice, by lot, to learn",
    "audit": "the answer is compared with the frontier's",
    "explicit-model": "the client named its model",
    "specialist": "a specialist learned this task",
    "canary": "the specialist is on trial and answers a share",
    "unlearned": "this router learns nothing",
}


class _List(Struct, frozen=True):
    filter: RowFilter
    since: str
    until: str
    filtered: bool
    page: TracePage
    before: bool
    first: str
    older: str


class Choices(Struct, frozen=True):
    """One of those who could have answered."""

    name: str
    what: str
    cost: Decimal | None
    seconds: float | None
    judged: str


class _AttemptBar(Struct, frozen=True):
    """An attempt with its place in the request's time, in percent of it."""

    attempt: Attempt
    start: float
    length: float
    signals: Sequence[tuple[str, str]]


class _One(Struct, frozen=True):
    trace: Trace
    reasons: Sequence[tuple[str, str]]
    choices: Sequence[Choices]
    attempts: Sequence[_AttemptBar]
    grades: Sequence[Grade]
    content: str | None = None


def page(
    view: View,
    figures: Figures,
    chosen: RowFilter,
    before: RowCursor | None,
    typed: tuple[str, str],
) -> str:
    """`typed` is the period as the viewer wrote it."""
    found = figures.page(chosen, before, PAGE)
    query = {**msgspec.structs.asdict(chosen), "since": typed[0], "until": typed[1]}
    query["tier"] = chosen.tier.name if chosen.tier is not None else None
    if view.tenant:
        query.pop("tenant")
    older = found.older
    return render(
        "traces.html",
        view=view,
        it=_List(
            filter=chosen,
            since=typed[0],
            until=typed[1],
            filtered=any(value for name, value in query.items() if name != "tenant"),
            page=found,
            before=before is not None,
            first=url("traces", **query),
            older=url("traces", **query, at=older.at, seq=older.seq) if older else "",
        ),
    )


def one(view: View, trace: Trace, grades: Sequence[Grade]) -> str:
    """A row as a timeline: what was found, decided, tried, billed and judged."""
    reasons = trace.decision.reasons if trace.decision else ()
    return render(
        "trace.html",
        view=view,
        it=_One(
            trace=trace,
            reasons=[(reason, REASONS.get(reason, "")) for reason in reasons],
            choices=_choices(trace, grades),
            attempts=_steps(trace),
            grades=grades,
        ),
    )


def content(trace: Trace, *, masked: bool, address: str | None, view: View) -> str:
    """What was asked and answered, as far as it was kept; the part of a page. `address` is where
    such a request is sent."""
    request = "" if trace.request is None else visible_json(_json(trace.request))
    answer = "" if trace.response is None else visible_json(_answer(trace.response))
    return render(
        "content.html",
        view=view,
        it={
            "id": trace.id,
            "request": request[:MOST_SHOWN],
            "request_cut": len(request) > MOST_SHOWN,
            "answer": answer[:MOST_SHOWN],
            "answer_cut": len(answer) > MOST_SHOWN,
            "masked": masked,
            "why": NOT_KEPT,
            "curl": curl(trace.request, address) if trace.request and address else "",
        },
    )


def curl(request: Json, address: str) -> str:
    """A shell's command that sends `request` to `address`; the key comes from the environment."""
    body = visible_json(msgspec.json.encode(request).decode())
    return (
        f"curl {shlex.quote(address)} \\\n"
        "  -H 'content-type: application/json' \\\n"
        '  -H "authorization: Bearer $SHORTSTOP_KEY" \\\n'
        f"  -d {shlex.quote(body)}"
    )


def _choices(trace: Trace, grades: Sequence[Grade]) -> list[Choices]:
    """Those of the plan with what became of them, and the frontier alone."""
    if trace.decision is None:
        return []
    tried = {attempt.target: attempt for attempt in trace.attempts}
    values = {grade.target: grade for grade in grades if grade.value is not None}
    found = [
        Choices(
            name=name,
            what=_became(name, tried.get(name), trace),
            cost=trace.bill.cost if trace.bill and name == trace.target else None,
            seconds=tried[name].seconds if name in tried else None,
            judged=f"{values[name].value:.2f}" if name in values else "",
        )
        for name in (*trace.decision.plan, *trace.decision.shadow)
    ]
    bill = trace.bill
    if bill and bill.baseline and bill.baseline != trace.target:
        alone = Choices(f"{bill.baseline} alone", "all-LLM", bill.counterfactual, None, "")
        found.append(alone)
    return found


def _became(name: str, attempt: Attempt | None, trace: Trace) -> str:
    assert trace.decision is not None
    if name in trace.decision.shadow:
        return "asked unseen, to be compared"
    if name == trace.target:
        return "answered"
    return "not needed" if attempt is None else attempt.outcome


def _steps(trace: Trace) -> list[_AttemptBar]:
    """One after the other, which is how they were made."""
    whole = max(trace.seconds, sum(attempt.seconds for attempt in trace.attempts), 1e-9)
    start, steps = 0.0, []
    for attempt in trace.attempts:
        length = 100 * attempt.seconds / whole
        steps.append(_AttemptBar(attempt, start, max(length, 0.5), _signals(attempt.signals)))
        start += length
    return steps


def _signals(signals: Signals | None) -> list[tuple[str, str]]:
    if signals is None:
        return []
    values = msgspec.structs.asdict(signals)
    return [
        (name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in values.items()
        if value is not None
    ]


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def _answer(choices: Sequence[Choice]) -> str:
    """The text alone where there is nothing else, which is how people read it."""
    if len(choices) == 1 and all(isinstance(part, Text) for part in choices[0].parts):
        return choices[0].text
    return _json(choices)


def content_page(view: View, trace: Trace, part: str) -> str:
    """The same for a browser without scripts: `part` on a page of its own."""
    return render("content_page.html", view=view, id=trace.id, part=Markup(part))  # noqa: S704 - ours
