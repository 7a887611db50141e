"""`shortstop doctor --target URL`: how fast a model server is that somebody else runs."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from shortstop import dialects
from shortstop.cli.output import Grid, Terminal, print_json
from shortstop.cli.reach import trust_in
from shortstop.config import problem_of_url
from shortstop.errors import ConfigError, TargetError
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.probe import ServerSpeed, probe
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient, Timeouts

TargetUrl = Annotated[
    str | None,
    typer.Option(
        help="Measure this model server on a private network instead: http://HOST:PORT/v1.",
        metavar="URL",
    ),
]
TargetModel = Annotated[
    str | None, typer.Option("--model", help="With --target: its model; default: the first.")
]
KeyEnv = Annotated[
    str | None,
    typer.Option("--key-env", help="With --target: the variable that holds its API key."),
]
AtOnce = Annotated[
    int, typer.Option("--at-once", min=1, max=256, help="With --target: answers at a time.")
]
FIRST_BYTE = 120.0
"""Seconds: a server may have to load the model first."""


def measure_target(
    url: str, model: str | None, key_env: str | None, at_once: int, *, as_json: bool
) -> None:
    """Raises ConfigError."""
    models, speed = asyncio.run(_measured(url, model, _key(key_env), at_once))
    if as_json:
        tree = {"target": url, "models": models, "speed": speed}
        print_json({**tree, "remembers_prompts": speed.remembers})
    else:
        _show(url, models, speed, Terminal())


def _key(name: str | None) -> str | None:
    if name is not None and name not in os.environ:
        raise ConfigError(f"The environment has no {name}.", hint="Set it, or leave --key-env out.")
    return None if name is None else os.environ[name]


async def _measured(
    url: str, model: str | None, key: str | None, at_once: int
) -> tuple[list[str], ServerSpeed]:
    problem = problem_of_url(url)
    if problem:
        raise ConfigError(problem, hint="It looks like http://HOST:PORT/v1.")
    timeouts = Timeouts(first_byte=FIRST_BYTE)
    client = LocalClient(url, api_key=key, timeouts=timeouts, connections=256, tls=trust_in(url))
    try:
        models = [one.id for one in dialects.decode_offers((await client.get("/models")).body)]
        if model is None and not models:
            raise ConfigError("This server lists no model.", hint="Name one with --model.")
        asked = model or models[0]
        backend = LocalBackend(
            model=asked,
            dialect=dialects.get("openai.chat"),
            client=lambda: client,
            slots=Slots(at_once, at_once, FIRST_BYTE),
        )
        return models, await probe(backend, asked, at_once)
    except TargetError as error:
        raise ConfigError(
            f"{url} could not be measured: {error.message}",
            hint="See that the server runs, that this is its address (it mostly ends in /v1), and"
            " that it has this model.",
        ) from None
    finally:
        await client.close()


def _show(url: str, models: list[str], speed: ServerSpeed, terminal: Terminal) -> None:
    about = Grid(f"{speed.model} at {url}", header=False)
    about.row("models", ", ".join(models))
    about.row("first token, a new prompt", f"{speed.first_cold * 1000:.0f} ms")
    about.row("first token, a known beginning", f"{speed.first_warm * 1000:.0f} ms")
    about.row("one answer", f"{speed.tokens_per_second:.0f} tokens/s")
    about.row(
        f"{speed.together} at once",
        f"{speed.tokens_per_second_together:.0f} tokens/s in all; the last one begins after"
        f" {speed.first_together * 1000:.0f} ms",
    )
    terminal.table(about)
    if not speed.remembers:
        terminal.line(
            "- It seems to read prompts from their beginning each time: turn its prefix cache on"
            " (vLLM: --enable-prefix-caching)."
        )
    terminal.line("- Use it with these lines in shortstop.toml:")
    terminal.line(f'  [models.NAME]\n  url = "{url}"\n  model = "{speed.model}"')
