"""`shortstop specialists`: who answers what, where it comes from, and how far it is trusted."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import Struct

from shortstop import registry
from shortstop.app.places import data_paths
from shortstop.app.staff import BY_HAND, lineage_of, promote
from shortstop.cli.acts import write_down
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, say, write_page
from shortstop.config import Config, load
from shortstop.errors import StoreError
from shortstop.registry.placements import Placement, Placements
from shortstop.routing import ContractReport, PromiseReports, State, load_state
from shortstop.specialists import bundle
from shortstop.specialists.artefact import Lineage
from shortstop.traces.keyfile import reading_seal
from shortstop.traces.sealed_state import unsealed_state

specialists_app = typer.Typer(
    help="Specialists: small models that were learned from this gateway's own traffic.",
    no_args_is_help=True,
)

Name = Annotated[
    str, typer.Argument(help="A specialist, as `shortstop specialists list` names it.")
]
To = Annotated[Literal["shadow", "canary", "live"], typer.Option("--to", help="How far.")]
File = Annotated[Path, typer.Argument(help="A file that holds one specialist.")]


class Listed(Struct, frozen=True):
    """One specialist: data, training and examination (`lineage`), traffic and outcomes (`contract`,
    None before the first pair). `problem` says why it cannot answer, "" where it can."""

    placement: Placement
    lineage: Lineage | None
    contract: ContractReport | None
    problem: str = ""


@specialists_app.command("list")
def list_command(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Every specialist: data, training, examination, traffic, outcomes."""
    settings, placements = _opened(config)
    listed = list(_listed(settings, placements))
    if as_json:
        print_json(listed)
        return
    if not listed:
        say("No specialist has been learned yet. `shortstop learn` learns from recorded traffic.")
    for one in listed:
        for line in described(one):
            say(line)


@specialists_app.command("promote")
def promote_command(name: Name, to: To = "live", config: ConfigFile = None) -> None:
    """Let a specialist answer ("live"), answer a share ("canary"), or be asked unseen ("shadow").

    A running gateway follows within a second. It serves what its gate is sure of, as far as its own
    pairs support it.
    """
    settings, placements = _opened(config)
    placed = _find(placements, name)
    write_down(settings, f"specialist {name} to {to}")
    promote(placements, placed, to, BY_HAND)
    say(f"{name} is {to} for the task {placed.task!r} of {placed.tenant!r}.")


@specialists_app.command("rollback")
def rollback_command(name: Name, config: ConfigFile = None) -> None:
    """Take a specialist out of traffic; the one that answered before it comes back."""
    settings, placements = _opened(config)
    placed = _find(placements, name)
    if placed.state not in ("canary", "live"):
        raise StoreError(
            f"{name} answers nothing: it is {placed.state}.",
            hint="`shortstop specialists retire` takes one out for good, whatever its state.",
        )
    write_down(settings, f"specialist {name} back")
    restored = placements.roll_back(name, time.time(), BY_HAND)
    then = "the frontier answers" if restored is None else f"{restored.name} is {restored.state}"
    say(f"{name} was rolled back; {then}.")


@specialists_app.command("retire")
def retire_command(name: Name, config: ConfigFile = None) -> None:
    """Take a specialist out of traffic; nobody comes back for it."""
    settings, placements = _opened(config)
    _find(placements, name)
    write_down(settings, f"specialist {name} to retired")
    placements.retire(name, time.time(), BY_HAND)
    say(f"{name} is retired.")


@specialists_app.command("export")
def export_command(name: Name, file: File, config: ConfigFile = None) -> None:
    """Write a specialist into one file. It holds words of the traffic that it was learned from."""
    _, placements = _opened(config)
    write_page(file, bundle.packed(placements.folder / _find(placements, name).name))
    say(f"{file} holds {name} and words of the traffic it was learned from: guard it as such.")


@specialists_app.command("import")
def import_command(file: File, config: ConfigFile = None) -> None:
    """Check a file that `export` wrote and keep its specialist: a candidate, asked nothing yet."""
    settings, placements = _opened(config)
    manifest, name = bundle.unpack(placements.folder, file.read_bytes())
    if placements.find(name) is not None:
        raise StoreError(f"{name} is here already.", hint="See `shortstop specialists list`.")
    write_down(settings, f"import specialist {name}")
    at, why = time.time(), f"imported from {file.name}"
    placements.place(Placement(name, manifest.tenant, manifest.task, "candidate", at, why))
    say(f"{name} is a candidate for the task {manifest.task!r} of {manifest.tenant!r}.")
    say(f"`shortstop specialists promote {name} --to shadow` has it asked, unseen.")


def _opened(config: Path | None) -> tuple[Config, Placements]:
    settings = load(config, os.environ)
    return settings, Placements(registry.home(settings.data_dir, os.environ))


def _find(placements: Placements, name: str) -> Placement:
    """Raises StoreError."""
    placed = placements.find(name)
    if placed is None:
        names = ", ".join(one.name for one in placements.all()) or "none"
        raise StoreError(f"There is no specialist {name!r}.", hint=f"There are: {names}.")
    return placed


def _listed(config: Config, placements: Placements) -> Iterator[Listed]:
    reports = _reports(config)
    for placed in placements.all():
        lineage, problem = lineage_of(placements, placed)
        named = f"|{placed.name}={placed.name}"
        mine = (
            report
            for task, report in reports.items()
            if task.endswith(named) and task.startswith(placed.task)
        )
        yield Listed(placed, lineage, next(mine, None), problem)


def _reports(config: Config) -> dict[str, ContractReport]:
    """What the router had learned when it was last saved."""
    paths = data_paths(config, os.environ)
    if not paths.brain.exists():
        return {}
    seal = reading_seal(config.traces, os.environ, paths.content_key)
    state: State = load_state(unsealed_state(seal, paths.brain.read_bytes()))
    return PromiseReports(state, config).contracts()


def described(one: Listed) -> Iterable[str]:
    """In sentences, one a line."""
    placed = one.placement
    since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(placed.since))
    why = f" ({placed.why})" if placed.why else ""
    yield f"{placed.name}: {placed.state} since {since} UTC{why}"
    yield f"  answers the task {placed.task!r} of {placed.tenant!r}"
    if one.problem:
        yield f"  cannot answer: {one.problem}"
    if one.lineage is not None:
        made = one.lineage
        teachers = ", ".join(made.teachers) or "people's corrections"
        day = time.strftime("%Y-%m-%d", time.gmtime(made.made))
        yield f"  data {made.data[:12]}: {made.rows} rows by {teachers}, learned on {day}"
        figures = ", ".join(f"{key} {value:.4g}" for key, value in made.figures.items())
        yield f"  examination: {figures or 'no figures'}"
    if one.contract is None:
        yield "  traffic: nothing compared yet"
    else:
        seen = one.contract
        yield (
            f"  traffic: {seen.pairs} answers compared with the frontier's, mean loss"
            f" {seen.mean_loss:.3f}; contract {seen.standing}"
        )
