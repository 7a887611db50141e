"""`shortstop replay FILE`: what Shortstop would have done with requests that were logged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from shortstop.cli.contract_replay import contract_replay
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Terminal, on_terminal, print_json, progress
from shortstop.config import Config, load
from shortstop.console.format import share, usd
from shortstop.console.visible import visible
from shortstop.errors import ConfigError
from shortstop.evaluate.log_lines import log_lines
from shortstop.evaluate.log_replay import Assumed, ReplaySummary, replay
from shortstop.routing import Promise

File = Annotated[
    Path | None,
    typer.Argument(
        help="JSONL: a request body, {request, response} or a batch-API line in each line.",
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
OutputTokens = Annotated[
    int, typer.Option(help="Answer length assumed where the log has no usage.", min=1)
]

Contract = Annotated[
    bool,
    typer.Option(
        "--contract",
        help="Try to break the quality contract instead: thousands of replays of a log of pairs.",
    ),
]
Replays = Annotated[int, typer.Option(help="With --contract: histories per scenario.", min=1)]

_MAX_BAD_LINES = 10
"""Bad lines of a log that are shown."""


def replay_command(
    file: File = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    output_tokens: OutputTokens = 150,
    contract: Contract = False,
    replays: Replays = 1000,
    length: Annotated[int, typer.Option(help="With --contract: requests in each.", min=100)] = 4000,
    max_loss: Annotated[
        float, typer.Option(help="With --contract: the limit.", min=0.001, max=0.999)
    ] = 0.02,
    confidence: Annotated[
        float, typer.Option(help="With --contract: its confidence.", min=0.51, max=0.999)
    ] = 0.95,
    seed: Annotated[int, typer.Option(help="With --contract: of the draws.")] = 0,
) -> None:
    """Send logged requests through privacy and routing only, and say what it would have cost.

    No model is asked and nothing leaves the machine.
    """
    if contract:
        contract_replay(
            file,
            Promise(max_loss, confidence),
            replays=replays,
            length=length,
            seed=seed,
            as_json=as_json,
        )
        return
    if file is None:
        raise ConfigError("Which log? Give a JSONL file.", hint="See `shortstop replay --help`.")
    assumed = Assumed(output_tokens=output_tokens)
    try:
        summary = _replayed(file, load(config, os.environ), assumed)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from error
    if not summary.requests:
        first = f" The first line: {summary.bad[0][1]}." if summary.bad else ""
        raise ConfigError(
            f"{file} holds no request that could be read.{first}",
            hint="See `shortstop replay --help` for what a line may be.",
        )
    if as_json:
        print_json(as_tree(summary, assumed))
    else:
        show(summary, assumed, Terminal())


def _replayed(file: Path, config: Config, assumed: Assumed) -> ReplaySummary:
    """What would have become of the requests in the log `file`."""
    from shortstop.app.decisions import decision_stack
    from shortstop.app.recorded import decoded

    stack = decision_stack(config, os.environ)
    with file.open("rb") as lines, progress("lines", hidden=not on_terminal()) as bar:
        task = bar.add_task(visible(file.name), total=file.stat().st_size)
        return replay(
            _followed(log_lines(lines), lambda size: bar.advance(task, size)),
            decoded,
            stack.guard,
            stack.router,
            stack.books,
            stack.targets,
            assumed=assumed,
        )


def _followed(lines: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    for line in lines:
        yield line
        advance(len(line))


def as_tree(summary: ReplaySummary, assumed: Assumed) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(summary)
    judged = summary.local + summary.remote
    return tree | {
        "saved": str(summary.saved),
        "local_share": summary.local / judged if judged else None,
        "pinned_share": summary.pinned / summary.requests if summary.requests else None,
        "assumed": msgspec.to_builtins(assumed),
    }


def show(summary: ReplaySummary, assumed: Assumed, terminal: Terminal) -> None:
    judged = summary.local + summary.remote
    terminal.line(
        (f"{summary.requests:,} requests", "bold"),
        f" of {summary.lines:,} lines: ",
        (f"{share(summary.local / judged if judged else None)} to the local model", "green"),
        f", {summary.remote:,} straight to the frontier, {summary.pinned:,} pinned by privacy",
        f", {summary.refused:,} refused" if summary.refused else "",
    )
    for code, count in summary.refusals.most_common():
        terminal.line(f"  refused: {code} {count:,}")
    for task, count in summary.tasks.most_common(12):
        local = summary.local_tasks[task]
        terminal.line(f"  {task:<24} {count:>7,}  {share(local / count):>5} local")
    _money(summary, terminal)
    for text in conditions(summary, assumed):
        terminal.line(f"· {text}", style="dim")
    for number, message in summary.bad[:_MAX_BAD_LINES]:
        terminal.line(f"line {number}: {message}", style="red")
    if len(summary.bad) > _MAX_BAD_LINES:
        terminal.line(f"... and {len(summary.bad) - _MAX_BAD_LINES:,} more bad lines.", style="red")


def _money(summary: ReplaySummary, terminal: Terminal) -> None:
    cheaper = float(summary.saved / summary.all_llm) if summary.all_llm else None
    terminal.line(
        "Cost about ",
        (usd(summary.cost), "bold"),
        f" instead of {usd(summary.all_llm)} at {summary.baseline or 'no baseline'}: ",
        (f"{usd(summary.saved)} saved", "green"),
        f" ({share(cheaper)}), {summary.escalations:,.0f} local answers escalated.",
    )
    if summary.unpriced:
        terminal.line(
            (f"{summary.unpriced:,} requests have no known price", "bold red"),
            " and are not in it.",
        )


def conditions(summary: ReplaySummary, assumed: Assumed) -> list[str]:
    texts = [
        "An estimate: no model was asked. Escalations are expected from the router's own scores.",
        f"Local time assumes {assumed.prefill_per_second:g} tokens/s in and "
        f"{assumed.decode_per_second:g} out; `shortstop doctor` measures yours.",
        f"Prices: {summary.prices or 'none used'}.",
    ]
    if summary.estimated:
        texts.append(
            f"{summary.estimated:,} requests were logged without usage: 3.5 bytes a token, "
            f"{assumed.output_tokens} tokens out."
        )
    return texts
