"""`shortstop bench privacy`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from shortstop.cli.options import AsJson
from shortstop.cli.output import print_json
from shortstop.cli.tables import OPEN_SET, read_rows
from shortstop.errors import ConfigError
from shortstop.evaluate.privacy import adversarial, detection, spans, trials
from shortstop.evaluate.privacy.adversarial import Trick
from shortstop.evaluate.privacy.figures import PrivacyReport
from shortstop.types import Json

Data = Annotated[
    Path | None, typer.Option("--data", help="JSON lines with the columns of gateway_dev.jsonl.")
]
Spans = Annotated[
    Path | None,
    typer.Option("--spans", help="JSON lines with id, text and spans [{start, end, label}]."),
]
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


def bench_command(data: Data = None, spans_file: Spans = None, as_json: AsJson = False) -> None:
    """Recall by class, false pins, times, tricks, round trips and tampering, with 95% intervals.

    With --data FILE the first figures are from there, all of its rows; those about spans are
    left out unless --spans FILE names some. Span F2: a marked span is
    found when half of it lies in findings of its class (person, address, phone, e-mail, card,
    account, id, ip); a finding is right the other way round; recall counts four times.
    """
    left_out: list[str] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), disable=as_json, transient=True) as bar:
        task = bar.add_task("starting")
        reports = []
        for name, report in _reports(data, spans_file, left_out):
            bar.update(task, description=name)
            reports.append(report)
        bar.update(task, description="thirty tricks")
        with _quiet():
            results = Results(reports, adversarial.tricks(), left_out)
    if as_json:
        print_json(results)
    else:
        show(results, Console())


@contextmanager
def _quiet() -> Iterator[None]:
    """Tricks make detectors fail on purpose: their figures say so, the log need not."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def show(results: Results, console: Console) -> None:
    for report in results.reports:
        table = Table(
            "figure", "n", "hits", "share", "95% interval", "bar / aim", title=report.part
        )
        for f in report.figures:
            wanted = WANTED.get(f.name) or WANTED.get(report.part, "")
            interval = f"{f.low:.2%} - {f.high:.2%}"
            table.add_row(f.name, str(f.n), str(f.hits), f"{f.share:.2%}", interval, wanted)
        console.print(table)
        for t in report.timings:
            wanted = f"  ({WANTED[t.name]})" if t.name in WANTED else ""
            console.print(f"  {t.name}: p50 {t.p50:.4f} ms, p99 {t.p99:.4f} ms, n {t.n}{wanted}")
    passed = sum(trick.passed for trick in results.tricks)
    console.print(f"tricks: {passed} of {len(results.tricks)} passed (bar 27, aim 30)")
    for trick in results.tricks:
        if not trick.passed:
            console.print(f"  {trick.number}: got through: {', '.join(trick.failed)}")
    for what in results.left_out:
        console.print(f"left out: {what}")


def _reports(
    data: Path | None, own_spans: Path | None, left_out: list[str]
) -> Iterator[tuple[str, PrivacyReport]]:
    yield from _gateway(data, left_out)
    clinc = OPEN_DATA / "ordinary_clinc.jsonl"
    if clinc.is_file():
        texts = [str(r["text"]) for r in _rows(clinc)]
        yield "ordinary texts", detection.harmless(texts, "ordinary_clinc")
    else:
        left_out.append(f"ordinary texts: there is no {clinc}")
    try:
        prompts = list(_prompts(read_rows(OPEN_SET)))
        yield "public prompts", detection.harmless(prompts, "MMLU and GSM8K prompts")
    except ConfigError as error:
        left_out.append(f"MMLU and GSM8K prompts: {error}")
    if own_spans is not None or data is None:
        yield from _spans(own_spans, left_out)
    yield "streams", trials.restoring()
    yield "audit log", trials.tampering()


def _spans(own: Path | None, left_out: list[str]) -> Iterator[tuple[str, PrivacyReport]]:
    """Published texts, English from templates (the unseen half) and Spanish; or the operator's."""
    paths = [own] if own else [OPEN_DATA / f"{n}.jsonl" for n in SPANS]
    for path in paths:
        if not path.is_file():
            if own is not None:
                raise ConfigError(f"There is no file {own}.")
            left_out.append(f"spans: there is no {path}")
            continue
        rows = _rows(path)
        if any(not {"id", "text", "spans"} <= set(row) for row in rows):
            raise ConfigError(f"{path} has rows without id, text or spans.")
        split = own is None and "template" in rows[0]
        if split:
            rows = [row for row in rows if spans.is_unseen(row)]
        what = f"{path.stem}, unseen templates" if split else path.stem
        yield what, spans.span_report(rows, spans.by_rules, f"{what}, rules alone")
        try:
            yield what, spans.span_report(rows, spans.by_all, f"{what}, with names read")
        except ConfigError as error:
            left_out.append(f"{what}, with names read: {error}")


def _gateway(data: Path | None, left_out: list[str]) -> Iterator[tuple[str, PrivacyReport]]:
    """The held-back half of the open rows, or all of `data`."""
    path = data or OPEN_DATA / "gateway_dev.jsonl"
    if not path.is_file():
        if data is not None:
            raise ConfigError(f"There is no file {data}.")
        left_out.append(f"gateway requests: there is no {path}; give --data FILE")
        return
    rows = _rows(path)
    for number, row in enumerate(rows, start=1):
        missing = {"text", "sensitive", "tier"} - set(row)
        if missing:
            raise ConfigError(f"{path}, line {number}, has no {', '.join(sorted(missing))}.")
    if data is not None:
        yield path.name, detection.labelled(rows, path.name)
        return
    unseen = [r for r in rows if detection.is_held_back(r["id"])]
    yield path.name, detection.labelled(unseen, "gateway_dev, held-back half")


def _rows(path: Path) -> list[Json]:
    """Raises ConfigError naming the first row that is not a JSON object."""
    rows: list[Json] = []
    try:
        for row in detection.read_rows(path):
            rows.append(row)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}, line {len(rows) + 1}, is not JSON: {error}.") from error
    return rows


def _prompts(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (str(r["prompt"]) for r in rows if r["bench"] in ("mmlu", "gsm8k"))
