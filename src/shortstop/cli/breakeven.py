"""`shortstop breakeven`: whether a machine pays for itself, from a few numbers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct
from msgspec.structs import replace

from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, print_json
from shortstop.config import load
from shortstop.console.backtest import MACHINE_HEADS, machine_cells
from shortstop.console.format import share, usd
from shortstop.errors import ConfigError
from shortstop.ledger import PriceSheet, price_sheet
from shortstop.ledger.breakeven import LISTED, Flow, HostMachine, MachineVerdict, split, verdict
from shortstop.ledger.hardware import DAYS_PER_MONTH, exact
from shortstop.types import Usage

HARDER = (1, 2, 3, 5)
FALLS = (0.0, 0.5, 0.8)

Requests = Annotated[float, typer.Argument(help="Requests a day.", min=1)]
Bill = Annotated[
    float | None, typer.Option(help="What they cost today, in US dollars a month.", min=0)
]
Model = Annotated[str | None, typer.Option(help="Or: the model that answers them today.")]
Cloud = Annotated[str | None, typer.Option(help="A cheaper cloud model to stand beside it.")]
Input = Annotated[int, typer.Option("--input-tokens", help="Of a request.", min=1)]
Output = Annotated[int, typer.Option("--output-tokens", help="Of an answer.", min=1)]
Local = Annotated[
    float,
    typer.Option(
        "--local-share",
        help="Share of the requests that go local; `shortstop backtest` measures yours.",
        min=0,
        max=1,
    ),
]
Harder = Annotated[
    float, typer.Option(help="How much dearer a request is that does not go local.", min=0.01)
]
Care = Annotated[
    float,
    typer.Option(help="People's time, US dollars a month, beside `care_usd_per_month`.", min=0),
]
Audited = Annotated[
    float, typer.Option(help="Share of local answers that are compared.", min=0, max=1)
]


class Table(Struct, frozen=True):
    """The answer: one verdict for each machine, and for the first at other prices and mixes. Money
    in US dollars a month; `sensitivity` holds (harder, price fall, saved share)."""

    requests_per_day: Decimal
    local_share: Decimal
    harder: float
    today: Decimal
    cloud: Decimal | None
    ours: Decimal
    per_request: Decimal
    machines: tuple[MachineVerdict, ...]
    sensitivity: tuple[tuple[float, float, Decimal | None], ...]


def breakeven_command(
    requests_per_day: Requests,
    bill: Bill = None,
    model: Model = None,
    cloud: Cloud = None,
    input_tokens: Input = 1000,
    output_tokens: Output = 300,
    local_share: Local = 0.6,
    harder: Harder = 2.0,
    care: Care = 0.0,
    audited: Audited = 0.05,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """What local answers would save a month, on this machine and on a few others."""
    loaded = load(config, os.environ)
    usage, sheet = Usage(input=input_tokens, output=output_tokens), price_sheet(loaded.prices)
    volume = exact(requests_per_day)
    today = _bill(bill, model, volume, usage, sheet)
    other = None if cloud is None else _month(cloud, volume, usage, sheet)

    def flow(harder: float) -> Flow:
        made = split(volume, today, exact(local_share), exact(harder))
        return replace(made, audited=exact(audited), care=exact(care), output_tokens=output_tokens)

    machines = (HostMachine.configured(loaded.hardware), *LISTED)
    verdicts = tuple(verdict(flow(harder), machine) for machine in machines)
    table = Table(
        requests_per_day=volume,
        local_share=exact(local_share),
        harder=harder,
        today=today,
        cloud=other,
        ours=today - verdicts[0].saved,
        per_request=today / (volume * DAYS_PER_MONTH),
        machines=verdicts,
        sensitivity=tuple(
            (h, fall, verdict(flow(h).at_price(1 - exact(fall)), machines[0]).saved_share)
            for h in HARDER
            for fall in FALLS
        ),
    )
    if as_json:
        print_json(_tree(table))
    else:
        show(table, Terminal())


def _bill(
    bill: float | None, model: str | None, volume: Decimal, usage: Usage, sheet: PriceSheet
) -> Decimal:
    if bill is not None:
        return exact(bill)
    if model is None:
        raise ConfigError(
            "What do they cost today?", hint="Give --bill in US dollars a month, or --model."
        )
    return _month(model, volume, usage, sheet)


def _month(model: str, volume: Decimal, usage: Usage, sheet: PriceSheet) -> Decimal:
    entry = sheet.entry(model)
    if entry is None:
        raise ConfigError(
            f"The price of {model!r} is not known.", hint="Give it one under [prices]."
        )
    cost = entry.cost(usage, time.time())
    assert cost is not None  # tokens alone, served as usual
    return cost * volume * DAYS_PER_MONTH


def _tree(table: Table) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(table)
    tree["sensitivity"] = [
        {"harder": h, "price_fall": fall, "saved_share": None if s is None else str(s)}
        for h, fall, s in table.sensitivity
    ]
    return tree


def show(table: Table, terminal: Terminal) -> None:
    terminal.line(
        (f"{table.requests_per_day:,.0f} requests a day", "bold"),
        f", {share(float(table.local_share))} of them local, one that is not costs"
        f" {table.harder:g} times as much.",
    )
    cloud = "" if table.cloud is None else f"; {usd(table.cloud)} if a cheaper cloud model will do"
    terminal.line(
        f"A month: {usd(table.today)} today ({usd(table.per_request)} a request){cloud}; ",
        (f"{usd(table.ours)} with this machine", "green"),
        ".",
    )
    terminal.table(machine_grid(table.machines))
    _sensitivity(table, terminal)
    for text in CAVEATS:
        terminal.line(f"· {text}", style="dim")


def machine_grid(machines: Iterable[MachineVerdict]) -> Grid:
    grid = Grid()
    grid.columns(*MACHINE_HEADS, right=MACHINE_HEADS[1:])
    for one in machines:
        grid.row(*machine_cells(one))
    return grid


def _sensitivity(table: Table, terminal: Terminal) -> None:
    grid = Grid("Saved on this machine")
    heads = [f"LLM prices -{fall:.0%}" if fall else "LLM prices now" for fall in FALLS]
    grid.columns("a request that is not local costs", *heads, right=heads)
    for h in HARDER:
        row = [share(_float(s)) for factor, _, s in table.sensitivity if factor == h]
        grid.row(f"{h} times as much", *row)
    terminal.table(grid)


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


CAVEATS = (
    "The share of requests is not the share of the bill: hard requests are long.",
    "A small hosted model may be cheaper than any machine. Against it the case is privacy, latency"
    " and a fixed bill, not money.",
    "People cost more than watts: put their time under --care.",
    "Machines, watts and speeds other than yours are assumptions (docs/backtest.md).",
)
