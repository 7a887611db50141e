"""Trials by the thousand: streams cut anywhere, logs tampered with."""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path

from shortstop.evaluate.privacy.figures import PrivacyReport, Timing, counted, timing
from shortstop.privacy.audit import AuditEvent, AuditLog, verify
from shortstop.privacy.replace.restore import Buffer, Restorer
from shortstop.privacy.replace.surrogates import SurrogateFactory

KEY = b"examination" * 3
LABELS = ("EMAIL", "PHONE", "IBAN", "CARD", "NATIONAL_ID", "ADDRESS", "IP", "PASSPORT")
FILLERS = ("so", " and ", "\n", "é", "漢字", "🙂", '"', "\\", "person-", "ID-0", "+1-", "REF")
EVENTS = 40


def restoring(trials: int = 20_000, seed: int = 1) -> PrivacyReport:
    """Texts with surrogates in them, cut at random; half inside the strings of a tool call."""
    draw, wrong, milliseconds = random.Random(seed), 0, list[float]()
    restorer, values = Restorer({}), dict[str, str]()
    for trial in range(trials):
        if trial % 100 == 0:
            values = _surrogates(draw)
            restorer = Restorer(values)
        pieces = draw.choices([*values, *FILLERS], k=8)
        escaped = bool(trial % 2)
        wanted = "".join(values.get(p, p) for p in pieces)
        if escaped:
            sent = "".join(json.dumps(p, ensure_ascii=False)[1:-1] for p in pieces)
        else:
            sent = "".join(pieces)
        restored, chunks, seconds = _streamed(restorer, sent, escaped, draw)
        milliseconds.append(1000 * seconds / chunks)
        wrong += (_unescaped(restored) if escaped else restored) != wanted
    return PrivacyReport(
        "streams restored, text and tool JSON",
        (counted("restored wrong", wrong, trials),),
        (timing("a chunk", milliseconds),),
    )


def _unescaped(text: str) -> str | None:
    """What a JSON string of this text holds; None when it is not one."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return None


def _surrogates(draw: random.Random) -> dict[str, str]:
    """Surrogate -> value, one for each label."""
    factory, used, values = SurrogateFactory(KEY, "t", str(draw.random())), set[str](), {}
    for label in LABELS:
        value = f'{label} "{draw.randrange(10**9)}"\n'
        surrogate = factory.surrogate(label, value, "", used)
        used.add(surrogate.lower())
        values[surrogate] = value
    return values


def _streamed(
    restorer: Restorer, sent: str, escaped: bool, draw: random.Random
) -> tuple[str, int, float]:
    """(what came out, chunks, seconds). The model may write a surrogate in capitals."""
    if draw.random() < 0.1 and not escaped:
        sent = sent.upper() if all(f.upper() == f for f in FILLERS if f in sent) else sent
    buffer, out, position, chunks, seconds = Buffer(restorer, escaped=escaped), "", 0, 0, 0.0
    while position < len(sent):
        step = draw.randint(1, 9)
        began = time.perf_counter()
        out += buffer.push(sent[position : position + step])
        seconds += time.perf_counter() - began
        position += step
        chunks += 1
    return out + buffer.push("", final=True), max(chunks, 1), seconds


def tampering(trials: int = 1_000, seed: int = 2) -> PrivacyReport:
    """One record altered, dropped, swapped, repeated, or the end cut off: found where it begins."""
    draw, hits = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.log"
        appending = _written(path)
        lines = path.read_bytes().splitlines(keepends=True)
        for trial in range(trials):
            number = draw.randrange(len(lines) - 1)
            path.write_bytes(b"".join(_tampered(lines, number, trial % 5, draw)))
            broken = verify(path, KEY)
            hits += broken is not None and broken.n == number
    return PrivacyReport(
        "audit log tampered with",
        (counted("found at its first record", hits, trials),),
        (appending,),
    )


def _written(path: Path) -> Timing:
    log, milliseconds = AuditLog(path, KEY), []
    for i in range(EVENTS):
        event = AuditEvent(float(i), "clear", "t", f"r{i}", tier=i % 4, labels={"EMAIL": i})
        began = time.perf_counter()
        log.append(event)
        milliseconds.append(1000 * (time.perf_counter() - began))
    log.close()
    return timing("an event", milliseconds)


def _tampered(lines: list[bytes], number: int, how: int, draw: random.Random) -> list[bytes]:
    """The lines with record `number` altered, dropped, swapped with the next, cut off with all
    that follows, or replaced by another."""
    changed = list(lines)
    if how == 0:
        changed[number] = changed[number].replace(b'"tenant":"t"', b'"tenant":"u"')
    elif how == 1:
        del changed[number]
    elif how == 2:
        changed[number], changed[number + 1] = changed[number + 1], changed[number]
    elif how == 3:
        del changed[number:]
    else:
        changed[number] = changed[draw.choice([i for i in range(len(lines)) if i != number])]
    return changed
