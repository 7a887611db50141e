"""What a key may be given at the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from shortstop.accounts import Period

Tenant = Annotated[str, typer.Option(help="Whose policy and costs its requests count towards.")]
TeamOption = Annotated[
    str | None, typer.Option("--team", help="Whose budget it uses, too: NAME, ORG/NAME or id.")
]
Service = Annotated[
    bool, typer.Option("--service", help="A program of the team has it, and no person.")
]
Role = Annotated[
    str,
    typer.Option(
        help="As whom its feedback counts: user, reviewer or judge; or team-lead, a user who"
        " administers its team's keys."
    ),
]
KeyArgument = Annotated[str, typer.Argument(help="Its id (key_...) or its name.")]
ConsoleOption = Annotated[
    str | None,
    typer.Option("--console", help="What it may do in the console: viewer, operator or admin."),
]
Targets = Annotated[
    list[str], typer.Option("--target", help="A model it may use; repeat. Default: all.")
]
Rpm = Annotated[int | None, typer.Option(min=1, help="Requests a minute.")]
Tpm = Annotated[int | None, typer.Option(min=1, help="Tokens a minute, prompt and answer.")]
Budget = Annotated[str | None, typer.Option(help="US dollars a period, such as 25 or 0.50.")]
PeriodOption = Annotated[Period, typer.Option("--period", help="day, month or total; UTC.")]
Expires = Annotated[str | None, typer.Option(help="After how long it expires: 30m, 12h, 30d, 8w.")]
