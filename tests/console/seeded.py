"""Ten days of a small company's rows, some of whose names would like to be markup."""

from __future__ import annotations

import random
import time
from decimal import Decimal
from pathlib import Path

from shortstop.config import TracesConfig
from shortstop.stores import Paths, open_stores
from shortstop.traces import TraceStore
from shortstop.traces.keyfile import content_seal
from shortstop.types import (
    Attempt,
    Bill,
    Check,
    Choice,
    Clearance,
    Decision,
    Finding,
    Grade,
    Reach,
    Signals,
    Span,
    Text,
    Tier,
    Trace,
    Usage,
)

EVIL = (
    "<script>window.broken = 1</script>",
    '"><img src=x onerror="window.broken = 1">',
    "javascript:window.broken=1//';window.broken=1;'",
    "{{ 7 * 7 }}${7*7}<svg onload=window.broken=1>",
    "\u202eevil\x1b]8;;http://evil.test\x1b\\link",
)
"""Names as somebody would choose them who wants more than a name."""
TASKS = ("classify-ticket", "extract-invoice", "answer-faq", "summarise-call", "write-contract")
MARK = "the walrus was Paul"


def trace(number: int, at: float, rng: random.Random, **changes: object) -> Trace:
    """One row; the fields follow from `number` and what `rng` draws."""
    task = TASKS[number % len(TASKS)]
    local = task != "write-contract" and rng.random() < 0.8
    pinned = rng.random() < 0.1
    local = local or pinned
    tried = local or rng.random() < 0.3
    seconds = rng.uniform(0.1, 0.6) if local else rng.uniform(0.8, 3)
    first = Attempt(
        "small", True, "ok" if local else "rejected", 0.2, 0.05,
        signals=Signals(tokens=20, chars=80, logprob_mean=-0.2, finish="stop"),
        checks=(Check("sure", local, "the least sure word"),),
    )  # fmt: skip
    attempts = ((first,) if tried else ()) + (
        () if local else (Attempt("big", False, "ok", seconds - 0.2, 0.3, status=200),)
    )
    cost_local = Decimal("0.00002") if tried else Decimal(0)
    remote = Decimal(0) if local else Decimal("0.0061")
    fields: dict[str, object] = {
        "id": f"seed-{number:05}",
        "at": at,
        "tenant": "default" if number % 3 else "acme",
        "dialect": "openai.chat",
        "model": "auto",
        "outcome": "ok",
        "status": 200,
        "stream": bool(number % 2),
        "seconds": seconds,
        "clearance": Clearance(
            Tier.S2 if pinned else Tier.S0,
            Reach.LOCAL_ONLY if pinned else Reach.ANYWHERE,
            findings=(Finding("email", Tier.S2, "email", "$.m", 3, 20),) if pinned else (),
        ),
        "decision": Decision(
            ("small", "big"),
            task,
            0.93 if tried else 0.4,
            0.85,
            0.98,
            "learned",
            ("pinned",) if pinned else ("estimate",),
        ),
        "target": "small" if local else "big",
        "local": local,
        "attempts": attempts,
        "first_byte": 0.1,
        "usage": Usage(input=500 + number % 100, output=100),
        "bill": Bill(
            cost_local + remote,
            cost_local,
            remote,
            Decimal("0.0061"),
            "big",
            Span(4.0, 3.0, 6.0, "modelled"),
            Span(700.0, 400.0, 1200.0, "modelled"),
            Span(0.1, 0.1, 0.2, "modelled"),
            prices="test",
        ),
        "key": "key_aaaa",
        "conversation": f"c{number // 3}",
        "request": {"model": "auto", "messages": [{"role": "user", "content": MARK}]},
        "response": (Choice(parts=(Text("Nobody said so."),)),),
    }
    return Trace(**{**fields, **changes})  # type: ignore[arg-type]


def hostile(number: int, at: float, rng: random.Random, text: str) -> Trace:
    """A row in which everything that somebody else chooses is `text`."""
    plain, check = trace(number, at, rng), Check(text, False, text)
    decision = Decision((text, "big"), text, 0.9, 0.8, 1.0, "learned", (text,))
    return trace(
        number, at, rng, tenant=text[:60], model=text, decision=decision, target=text, error=text,
        key=text, run=text, conversation=text, outcome="error", status=502,
        attempts=(Attempt(text, True, "error", 0.1, error=text, checks=(check,)),),
        bill=Bill(Decimal(1), Decimal(1), Decimal(0), Decimal(2), text, prices=text, unpriced=()),
        clearance=Clearance(
            Tier.S1, Reach.PSEUDONYMISED, reasons=(text,), policy=text,
            findings=(Finding(text, Tier.S1, text, text, 0, 4),),
        ),
        request={"model": text, "messages": [{"role": "user", "content": text}],
                 "tools": [{"type": "function", "function": {"name": text}}]},
        response=(Choice(parts=(Text(text),)),), dialect=plain.dialect,
    )  # fmt: skip


def seed(
    home: Path, count: int = 600, now: float | None = None, *, hostile_too: bool = True
) -> list[Trace]:
    """Write `count` rows of the last ten days and the hostile ones into the data folder `home`."""
    now, rng = now or time.time(), random.Random(7)
    made = [trace(i, now - 10 * 86_400 * (count - i) / count, rng) for i in range(count)]
    if hostile_too:
        made += [hostile(90_000 + i, now - 60 - i, rng, text) for i, text in enumerate(EVIL)]
    paths, config = Paths(home, home / "traces.db"), TracesConfig()
    seal = content_seal(config, {}, paths.content_key)
    store = TraceStore(open_stores(paths).rows(), paths.journal, config, time, None, seal)
    for one in made:
        store.append(one)
    store.grade(Grade(f"seed-{count - 10:05}", "default", "user", "small", 1.0, now - 50))
    store.flush()
    store.close()
    return made
