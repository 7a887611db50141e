"""`shortstop learn`: recorded traffic becomes specialists, by proof."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from shortstop.app.anchors import keep_anchors
from shortstop.app.mining import Mine
from shortstop.app.night import HowNight, Onlooker, Plan, planned, spend_night
from shortstop.app.workshop import Workshop
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, on_terminal, print_json, progress, say, write_lines
from shortstop.config import Config, load
from shortstop.console.format import share
from shortstop.console.format import usd as dollars
from shortstop.console.visible import visible
from shortstop.errors import ConfigError
from shortstop.flywheel.night.report import JudgeReport, KindReport, NightReport, TaskReport
from shortstop.serving.engines.parent import die_with_parent

Tasks = Annotated[
    list[str] | None, typer.Argument(help="Only these tasks, as `shortstop tasks` names them.")
]
Minutes = Annotated[float | None, typer.Option(help="Begin no task after so many.", min=0.001)]
Usd = Annotated[
    float | None,
    typer.Option(help="What the judge of this night may cost, US dollars; 0: none.", min=0.0),
]
Anchor = Annotated[
    Path | None,
    typer.Option(
        help="Keep the lines of a log (JSONL, as `replay` reads it) as examples that no specialist"
        " may fail, and stop.",
        exists=True,
        dir_okay=False,
    ),
]
Export = Annotated[
    Path | None,
    typer.Option(help="Write what can be learned from, as OpenAI's fine-tuning lines, and stop."),
]
On = Annotated[str | None, typer.Option(help="Train on a Ray cluster: ray://HOST:PORT, or local.")]
AnchorTenant = Annotated[str, typer.Option("--tenant", help="Whose anchors they are.")]
AsChild = Annotated[bool, typer.Option("--as-child", help="End with the process that starts it.")]
Look = Annotated[
    bool,
    typer.Option(
        "--look",
        help="Train nothing: look whether more traffic has proven who is unseen or on trial.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be learned, and stop.")]


def learn_command(
    tasks: Tasks = None,
    minutes: Minutes = None,
    usd: Usd = None,
    dry_run: DryRun = False,
    look: Look = False,
    on: On = None,
    anchor: Anchor = None,
    tenant: AnchorTenant = "default",
    export: Export = None,
    as_child: AsChild = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Curate, train, examine, promote: each task of the recorded traffic, costliest first.

    What answers well enough is placed in shadow, then on trial, then live, each by its own proof.
    A night that was interrupted goes on where it was. With --look nobody is trained.
    """
    if as_child:
        die_with_parent(signal.SIGKILL)
    workshop = Workshop(_limited(load(config, os.environ), minutes, usd), os.environ)
    terminal = Terminal()
    if anchor is not None:
        _keep_anchors(workshop, anchor, tenant)
        return
    if export is not None:
        say(f"{write_lines(export, workshop.recorded.exported(time.time()))} lines.", err=True)
        return
    if dry_run:
        plan = planned(workshop, tasks or (), time.time())
        if as_json:
            print_json(plan_tree(plan))
        else:
            show_plan(plan, workshop.config, terminal)
        return
    how = HowNight(look, on)
    report = _watched(workshop, tasks or [], how, hidden=as_json or not on_terminal())
    if as_json:
        print_json(report)
    else:
        show(report, terminal)


def _limited(config: Config, minutes: float | None, usd: float | None) -> Config:
    """With what the command line says in place of the file's."""
    learning = config.learning
    return replace(
        config,
        learning=replace(
            learning,
            minutes=learning.minutes if minutes is None else minutes,
            usd=learning.usd if usd is None else usd,
        ),
    )


def _watched(workshop: Workshop, tasks: list[str], how: HowNight, *, hidden: bool) -> NightReport:
    """The night, with a bar for the rows and one for the tasks."""
    with progress("lines", hidden=hidden) as bar:
        reading = bar.add_task("traffic", total=None)
        learning = bar.add_task("tasks", total=None, visible=False)

        def began(tasks: int) -> None:
            bar.update(reading, visible=False)
            bar.update(learning, visible=True, total=tasks)

        onlooker = Onlooker(
            read=lambda rows: bar.advance(reading, rows),
            began=began,
            stage=lambda task, stage: bar.update(learning, description=visible(f"{task}: {stage}")),
            ended=lambda report: bar.advance(learning),
        )
        return spend_night(workshop, tasks, onlooker, how)


def _keep_anchors(workshop: Workshop, file: Path, tenant: str) -> None:
    """Raises ConfigError where no line can be read."""
    mine = Mine(workshop.config, os.environ)
    kept = keep_anchors(workshop, mine.logged(file, time.time(), tenant))
    for number, why in mine.bad[:10]:
        say(f"line {number}: {why}", err=True)
    if not kept:
        raise ConfigError(f"{file} holds no request with its answer.")
    for key, count in kept.items():
        say(f"{key.task} of {key.tenant}: {count} anchors.")


def show(report: NightReport, terminal: Terminal) -> None:
    for task in report.tasks:
        _show_task(task, terminal)
    terminal.line(f"{len(report.tasks)} tasks in {report.seconds:.0f} s.")
    if report.judge is not None:
        _show_judge(report.judge, terminal)
    if report.unfinished:
        terminal.line(
            f"{report.why} {len(report.unfinished)} tasks wait for the next.", style="red"
        )


def _show_judge(judge: JudgeReport, terminal: Terminal) -> None:
    terminal.line(
        f"The judge, {judge.target}, ruled on {judge.verdicts} disputes for {dollars(judge.usd)}"
        f" of {dollars(judge.limit)}. {judge.why}".rstrip()
    )


def _show_task(task: TaskReport, terminal: Terminal) -> None:
    terminal.line(
        (task.task, "bold"),
        f" of {task.tenant}: {task.requests:,} requests, {task.trained:,} examples to learn from,"
        f" {task.examined:,} to examine on{' (the newest)' if task.sampled else ''}.",
    )
    if task.left_out:
        told = ", ".join(f"{count:,} {why}" for why, count in sorted(task.left_out.items()))
        terminal.line(f"  left out: {told}", style="dim")
    for kind in task.kinds:
        _show_kind(kind, terminal)
    if task.why:
        terminal.line(f"  nothing learned: {task.why}")
    if task.kinds:
        terminal.line(f"  report: {task.page}", style="dim")


def _show_kind(kind: KindReport, terminal: Terminal) -> None:
    if not kind.name:
        terminal.line(f"  {kind.kind}: refused. {kind.why}", style="dim")
        return
    terminal.line(
        "  ",
        (f"{kind.name} {kind.state}", "green" if kind.state in ("canary", "live") else "bold"),
        f", sure of {share(kind.served)}. {kind.why}",
    )


def plan_tree(plan: Plan) -> list[dict[str, object]]:
    return [
        {
            "tenant": key.tenant,
            "task": key.task,
            "requests": plan.traffic[key].requests,
            "spend_usd": str(plan.traffic[key].spend),
            "examples": plan.traffic[key].seen,
            "left_out": dict(plan.traffic[key].left_out),
        }
        for key in plan.keys
    ]


def show_plan(plan: Plan, config: Config, terminal: Terminal) -> None:
    table = Grid()
    table.columns("task", "tenant", "requests", "spend", "examples", right=("requests", "examples"))
    for key in plan.keys:
        one = plan.traffic[key]
        table.row(key.task, key.tenant, f"{one.requests:,}", dollars(one.spend), f"{one.seen:,}")
    terminal.table(table)
    terminal.line(judging(config))
    terminal.line("Nothing was learned: this was a dry run.")


def judging(config: Config) -> str:
    """Who would say who is right where a specialist and the frontier differ, and for how much."""
    judge, learning = config.judge.target, config.learning
    if judge is None or learning.usd <= 0:
        return (
            "No judge: where a specialist and the frontier differ, the frontier counts as right"
            " until a person says otherwise ([judge] target, [learning] usd)."
        )
    return (
        f"Judge: {judge}, for at most {dollars(learning.usd)}, taken to be wrong in"
        f" {learning.judge_error:.0%} until people have checked enough of its verdicts."
    )
