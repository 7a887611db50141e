"""`shortstop routing explain`: what would be decided for a request, and why."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
import typer

from shortstop import routing
from shortstop.app.decisions import decision_stack
from shortstop.app.overrides import set_override, with_overrides
from shortstop.app.places import data_paths
from shortstop.cli.acts import write_down
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, print_json, say
from shortstop.cli.privacy import request_in
from shortstop.cli.reading import read_given
from shortstop.config import Config, aliases_of, load
from shortstop.routing import State
from shortstop.traces.keyfile import reading_seal
from shortstop.traces.sealed_state import unsealed_state
from shortstop.types import Caller, Explanation
from shortstop.types.console import TaskRoute

routing_app = typer.Typer(help="See how requests are routed.", no_args_is_help=True)

What = Annotated[
    str, typer.Argument(help="A request file (JSON), a text, or - for standard input.")
]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose request it is.")]
Task = Annotated[str | None, typer.Option("--task", help="The task that it declares.")]
AsText = Annotated[
    bool, typer.Option("--text", help="Read WHAT as a text, even if it looks like a file's name.")
]


TaskName = Annotated[str, typer.Argument(help="Its name or id, as `shortstop tasks` shows it.")]
Route = Annotated[TaskRoute, typer.Argument(help="Where its requests go.")]
Whose = Annotated[
    str | None, typer.Option("--tenant", help="Of this tenant's requests alone; else of all.")
]


@routing_app.command("override")
def override_command(
    task: TaskName, route: Route, tenant: Whose = None, config: ConfigFile = None
) -> None:
    """Set the route of a task by hand; "configured" takes that back.

    Kept in the data folder and in force from the next reload on (`shortstop reload`). The console's
    Tasks page does the same. What privacy pins stays on this machine all the same.
    """
    settings = load(config, os.environ)
    whose = f" of the tenant {tenant}" if tenant else ""
    write_down(settings, f"route of {task}{whose} to {route}")
    before = set_override(data_paths(settings, os.environ).overrides, task, tenant, route)
    say(f"{task}{whose}: {route}, before {before}. `shortstop reload` puts it in force.")


@routing_app.command("explain")
def explain_command(
    what: What,
    config: ConfigFile = None,
    tenant: Tenant = "default",
    task: Task = None,
    as_text: AsText = False,
    as_json: AsJson = False,
) -> None:
    """The plan, the reasons, and of every model the expected quality, cost and wait.

    Decides with what the gateway of this data folder has learned, and changes nothing; asks no
    model. Specialists are left out. Where the router draws lots, another run may decide otherwise.
    """
    settings = with_overrides(load(config, os.environ), os.environ)
    request, _ = request_in(read_given(what, as_text=as_text))
    name = aliases_of(settings).real(request.model)
    request = msgspec.structs.replace(request, model=name)
    stack = decision_stack(settings, os.environ, _learned(settings))
    caller = Caller(tenant=tenant, task=task)
    told = routing.explain(stack.router, request, stack.guard.look(request, caller), caller)
    if as_json:
        print_json(told)
        return
    _show(told, Terminal())


def _learned(config: Config) -> State | None:
    paths = data_paths(config, os.environ)
    if not paths.brain.exists():
        return None
    seal = reading_seal(config.traces, os.environ, paths.content_key)
    data = unsealed_state(seal, paths.brain.read_bytes())
    return routing.load_state(data, routing.packaged())


def _show(told: Explanation, terminal: Terminal) -> None:
    privacy, decision, options = told.privacy, told.decision, told.targets
    terminal.line(f"privacy: tier {privacy.tier.name}, reach {privacy.reach.name.lower()}")
    if decision is None:
        terminal.line(("refused: ", "bold"), told.refused)
    else:
        terminal.line("plan: ", (" -> ".join(decision.plan), "bold"))
        terminal.line(
            f"task {decision.task}; {', '.join(decision.reasons)}; score {decision.score:.3f}, "
            f"threshold {decision.threshold:.3f}, drawn with probability {decision.propensity:.3f}"
        )
    table = Grid.compact()
    table.column("target", no_wrap=True)
    table.columns("as good", "pairs", "US dollars", "seconds", right=("as good", "pairs"))
    table.column("may not, because")
    for one in options:
        score = f"{one.score:.0%}" if one.known else f"{one.score:.0%}?"
        table.row(
            one.target, score, str(one.pairs), f"{one.usd:.6f}", f"{one.seconds:.1f}", one.barred
        )
    terminal.table(table)
    if any(not one.known for one in options):
        terminal.line("?: too little evidence to believe it.")
