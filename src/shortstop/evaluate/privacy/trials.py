"""Trials by the thousand: streams cut anywhere, logs tampered with."""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path

from shortstop.evaluate.privacy.figures import PrivacyReport, Timing, counted, timing
from shortstop.privacy.audit import AuditLog, Event, verify
from shortstop.privacy.replace.restore import Buffer, Restorer
from shortstop.privacy.replace.surrogates import SurrogateFactory

KEY = b"examination" * 3
LABELS = ("EMAIL", "PHONE", "IBAN", "CARD", "NATIONAL_ID", "ADDRESS", "IP", "PASSPORT")
FILLERS = ("so", " and ", "\n", "é", "漢字", "🙂", '"', "\\", "person-", "ID-0", "+1-", "REF")
EVENTS = 40


def restoring(trials: int = 20_000, seed: int = 1) -> PrivacyReport:
    """Texts with surrogates in them, cut at random; half inside the strings of a tool call."""
    draw, wrong, spent, restorer, values = random.Random(seed), 0, [], Restorer({}), {}
    for n in range(trials):
        if n % 100 == 0:
            values = _minted(draw)
            restorer = Restorer(values)
        pieces = draw.choices([*values, *FILLERS], k=8)
        escaped = bool(n % 2)
        wanted = "".join(values.get(p, p) for p in pieces)
        if escaped:
            sent = "".join(json.dumps(p, ensure_ascii=False)[1:-1] for p in pieces)
        else:
            sent = "".join(pieces)
        said, chunks, took = _streamed(restorer, sent, escaped, draw)
        spent.append(1000 * took / chunks)
        wrong += (json.loads(f'"{said}"', strict=False) if escaped else said) != wanted
    figures = (counted("restored wrong", wrong, trials),)
    return PrivacyReport(
        "streams restored, text and tool JSON", figures, (timing("a chunk", spent),)
    )


def _minted(draw: random.Random) -> dict[str, str]:
    mint, used, found = SurrogateFactory(KEY, "t", str(draw.random())), set[str](), dict[str, str]()
    for label in LABELS:
        value = f'{label} "{draw.randrange(10**9)}"\n'
        surrogate = mint.surrogate(label, value, "", used)
        used.add(surrogate.lower())
        found[surrogate] = value
    return found


def _streamed(
    restorer: Restorer, sent: str, escaped: bool, draw: random.Random
) -> tuple[str, int, float]:
    """(what came out, chunks, seconds). The model may write a surrogate in capitals."""
    if draw.random() < 0.1 and not escaped:
        sent = sent.upper() if all(f.upper() == f for f in FILLERS if f in sent) else sent
    buffer, out, at, chunks, took = Buffer(restorer, escaped=escaped), "", 0, 0, 0.0
    while at < len(sent):
        step = draw.randint(1, 9)
        began = time.perf_counter()
        out += buffer.push(sent[at : at + step])
        took += time.perf_counter() - began
        at += step
        chunks += 1
    return out + buffer.push("", final=True), max(chunks, 1), took


def tampering(trials: int = 1_000, seed: int = 2) -> PrivacyReport:
    """One record altered, dropped, swapped, repeated, or the end cut off: found where it begins."""
    draw, found = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.log"
        appended = _written(path)
        lines = path.read_bytes().splitlines(keepends=True)
        for trial in range(trials):
            at = draw.randrange(len(lines) - 1)
            path.write_bytes(b"".join(_tampered(lines, at, trial % 5, draw)))
            broken = verify(path, KEY)
            found += broken is not None and broken.n == at
    return PrivacyReport(
        "audit log tampered with",
        (counted("found at its first record", found, trials),),
        (appended,),
    )


def _written(path: Path) -> Timing:
    log, spent = AuditLog(path, KEY), []
    for i in range(EVENTS):
        began = time.perf_counter()
        log.append(Event(float(i), "clear", "t", f"r{i}", tier=i % 4, labels={"EMAIL": i}))
        spent.append(1000 * (time.perf_counter() - began))
    log.close()
    return timing("an event", spent)


def _tampered(lines: list[bytes], at: int, how: int, draw: random.Random) -> list[bytes]:
    changed = list(lines)
    if how == 0:
        changed[at] = changed[at].replace(b'"tenant":"t"', b'"tenant":"u"')
    elif how == 1:
        del changed[at]
    elif how == 2:
        changed[at], changed[at + 1] = changed[at + 1], changed[at]
    elif how == 3:
        del changed[at:]
    else:
        changed[at] = changed[draw.choice([i for i in range(len(lines)) if i != at])]
    return changed
