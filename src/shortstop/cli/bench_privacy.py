"""`shortstop bench privacy`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from shortstop.cli.labelled_rows import GATEWAY_COLUMNS, SPAN_COLUMNS, checked_rows
from shortstop.cli.options import AsJson
from shortstop.cli.output import Grid, Terminal, on_terminal, print_json, progress, say, write_lines
from shortstop.cli.tables import OPEN_SET, read_rows
from shortstop.console.visible import visible
from shortstop.errors import ConfigError
from shortstop.evaluate.privacy import adversarial, detection, spans, trials
from shortstop.evaluate.privacy.adversarial import Trick
from shortstop.evaluate.privacy.figures import PrivacyReport
from shortstop.evaluate.privacy.misses import misses
from shortstop.types import Json

Data = Annotated[
    Path | None, typer.Option("--data", help="JSON lines with the columns of gateway_dev.jsonl.")
]
Spans = Annotated[
    Path | None,
    typer.Option("--spans", help="JSON lines with id, text and spans [{start, end, label}]."),
]
Misses = Annotated[
    Path | None,
    typer.Option(
        "--misses",
        help="Write to this file, as JSON lines, which rows were missed or wrongly pinned: line,"
        " rule, and the text with its values as stars.",
    ),
]
Tell = Callable[[str], None]
"""Tells the user what is being measured now."""
SPANS = ("presidio_synth_v2", "meddocan_dev")
OPEN_DATA = Path("../shared/data/privacy")
WANTED: Mapping[str, str] = {
    "sensitive flagged": ">= 98% / 99.5%",
    "flagged: SECRET": ">= 95% / 98%",
    "flagged: FIN": ">= 99.5% / 100%",
    "flagged: GOVID": ">= 99.5% / 100%",
    "flagged: PHI": ">= 99.5% / 100%",
    "false pins: hard harmless": "<= 1% / 0.2%",
    "ordinary_clinc": "<= 0.1% / 0",
    "MMLU and GSM8K prompts": "<= 1% / 0.3%",
    "span F2": ">= 0.82 / 0.90",
    "recall: person": ">= 85% / 92%",
    "restored wrong": "0",
    "found at its first record": "100%",
    "200 tokens, ordinary": "0.3 / 1 ms; 0.1 / 0.5",
    "2,000 ordinary": "p99 1 ms; 0.6",
    "2,000 dense": "p99 8 ms; 4",
    "a chunk": "aim 0.005 ms",
    "an event": "aim 0.020 ms",
}
"""Bar and aim, by the name of a figure or of its part."""


class Results(msgspec.Struct, frozen=True):
    """Everything measured, and what was left out because its data is not here."""

    reports: list[PrivacyReport]
    tricks: list[Trick]
    left_out: list[str]


def bench_command(
    data: Data = None,
    spans_file: Spans = None,
    misses_file: Misses = None,
    as_json: AsJson = False,
) -> None:
    """Recall by class, false pins, times, tricks, round trips and tampering, with 95% intervals.

    With --data FILE the first figures are from there, all of its rows; those about spans are
    left out unless --spans FILE names some. Span F2: a marked span is
    found when half of it lies in findings of its class (person, address, phone, e-mail, card,
    account, id, ip); a finding is right the other way round; recall counts four times.
    """
    left_out: list[str] = []
    with _told() as tell:
        reports = list(_reports(data, spans_file, left_out, tell))
        if misses_file is not None:
            tell("misses")
            _write_misses(misses_file, data)
        tell("thirty tricks")
        with _quiet():
            results = Results(reports, adversarial.tricks(), left_out)
    if as_json:
        print_json(results)
    else:
        show(results, Terminal())


@contextmanager
def _told() -> Iterator[Tell]:
    """Says on standard error what is being measured: on a terminal in one line, else in lines."""
    if not on_terminal():
        yield lambda what: say(f"{what} ...", err=True)
        return
    with progress("steps", hidden=False) as bar:
        task = bar.add_task("starting")
        yield lambda what: bar.update(task, description=visible(what))


def _write_misses(file: Path, data: Path | None) -> None:
    """JSON lines: what was missed, and what was wrongly pinned."""
    rows = _labelled(data)
    found = list(misses(rows, detection.Examiner()))
    write_lines(file, map(msgspec.json.encode, found))
    missed = sum(one.what == "missed" for one in found)
    counts = f"{missed} missed, {len(found) - missed} wrongly pinned of {len(rows)} rows"
    say(f"{file}: {counts}.", err=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Tricks make detectors fail on purpose: their figures say so, the log need not."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def show(results: Results, terminal: Terminal) -> None:
    for report in results.reports:
        table = Grid(report.part)
        table.columns("figure", "n", "hits", "share", "95% interval", "bar / aim")
        for f in report.figures:
            wanted = WANTED.get(f.name) or WANTED.get(report.part, "")
            interval = f"{f.low:.2%} - {f.high:.2%}"
            table.row(f.name, str(f.n), str(f.hits), f"{f.share:.2%}", interval, wanted)
        terminal.table(table)
        for t in report.timings:
            wanted = f"  ({WANTED[t.name]})" if t.name in WANTED else ""
            terminal.line(f"  {t.name}: p50 {t.p50:.4f} ms, p99 {t.p99:.4f} ms, n {t.n}{wanted}")
    passed = sum(trick.passed for trick in results.tricks)
    terminal.line(f"tricks: {passed} of {len(results.tricks)} passed (bar 27, aim 30)")
    for trick in results.tricks:
        if not trick.passed:
            terminal.line(f"  {trick.number}: got through: {', '.join(trick.failed)}")
    for what in results.left_out:
        terminal.line(f"left out: {what}")


def _reports(
    data: Path | None, own_spans: Path | None, left_out: list[str], tell: Tell
) -> Iterator[PrivacyReport]:
    yield from _gateway(data, left_out, tell)
    clinc = OPEN_DATA / "ordinary_clinc.jsonl"
    if clinc.is_file():
        tell("ordinary texts")
        texts = [str(r["text"]) for r in detection.read_rows(clinc)]
        yield detection.harmless(texts, "ordinary_clinc")
    else:
        left_out.append(f"ordinary texts: there is no {clinc}")
    try:
        tell("public prompts")
        prompts = list(_prompts(read_rows(OPEN_SET)))
        yield detection.harmless(prompts, "MMLU and GSM8K prompts")
    except ConfigError as error:
        left_out.append(f"MMLU and GSM8K prompts: {error}")
    if own_spans is not None or data is None:
        yield from _spans(own_spans, left_out, tell)
    tell("streams")
    yield trials.restoring()
    tell("audit log")
    yield trials.tampering()


def _spans(own: Path | None, left_out: list[str], tell: Tell) -> Iterator[PrivacyReport]:
    """Published texts, English from templates (the unseen half) and Spanish; or the operator's."""
    paths = [own] if own else [OPEN_DATA / f"{n}.jsonl" for n in SPANS]
    for path in paths:
        if own is None and not path.is_file():
            left_out.append(f"spans: there is no {path}")
            continue
        rows = [row for _, row in checked_rows(path, SPAN_COLUMNS)]
        split = own is None and "template" in rows[0]
        if split:
            rows = [row for row in rows if spans.is_unseen(row)]
        what = f"{path.stem}, unseen templates" if split else path.stem
        tell(f"{what}, rules alone")
        yield spans.span_report(rows, spans.by_rules, f"{what}, rules alone")
        try:
            tell(f"{what}, with names read")
            yield spans.span_report(rows, spans.by_all, f"{what}, with names read")
        except ConfigError as error:
            left_out.append(f"{what}, with names read: {error}")


def _gateway(data: Path | None, left_out: list[str], tell: Tell) -> Iterator[PrivacyReport]:
    """The held-back half of the open rows, or all of `data`."""
    path = data or OPEN_DATA / "gateway_dev.jsonl"
    if data is None and not path.is_file():
        left_out.append(f"gateway requests: there is no {path}; give --data FILE")
        return
    tell(path.name)
    rows = [row for _, row in _labelled(data)]
    part = path.name if data is not None else "gateway_dev, held-back half"
    yield detection.labelled(rows, part)


def _labelled(data: Path | None) -> list[tuple[int, Json]]:
    """The rows that are judged, numbered by line. Raises ConfigError naming what is wrong where."""
    if data is not None:
        return list(checked_rows(data, GATEWAY_COLUMNS))
    rows = checked_rows(OPEN_DATA / "gateway_dev.jsonl", GATEWAY_COLUMNS)
    return [(line, row) for line, row in rows if detection.is_held_back(row["id"])]


def _prompts(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (str(r["prompt"]) for r in rows if r["bench"] in ("mmlu", "gsm8k"))
