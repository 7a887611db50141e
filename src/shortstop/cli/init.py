"""`shortstop init`: three questions, a commented shortstop.toml, and what to do next."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from shortstop import registry
from shortstop.cli.doctor import advise_machine, inspect_machine
from shortstop.cli.options import AsJson
from shortstop.cli.output import print_json, say, write_page
from shortstop.config import DEFAULT_FILE, Config, is_local_url, parse
from shortstop.errors import ConfigError

Frontier = Annotated[
    str | None, typer.Option(help="openai, anthropic, none, or the URL of another vendor's API.")
]
Local = Annotated[
    str | None,
    typer.Option(help="builtin, a name from `shortstop models`, a running server's URL, or none."),
]
Team = Annotated[
    bool | None, typer.Option("--team/--alone", help="Other machines may use it, with a key each.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: the defaults for the rest.")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
To = Annotated[Path, typer.Option("--config", "-c", help="The file to write.")]


class KnownVendor(NamedTuple):
    """A vendor whose API and model are known."""

    variable: str
    url: str
    dialect: str
    model: str
    pattern: str


VENDORS = {
    "openai": KnownVendor(
        "OPENAI_API_KEY", "https://api.openai.com/v1", "openai", "gpt-6.1-sol", "gpt-*"
    ),
    "anthropic": KnownVendor(
        "ANTHROPIC_API_KEY",
        "https://api.anthropic.com",
        "anthropic",
        "claude-sonnet-5-5",
        "claude-*",
    ),
}
OTHER_KEY = "VENDOR_API_KEY"


class Setup(NamedTuple):
    """What the operator has said."""

    frontier: str
    local: str
    team: bool


def init_command(
    frontier: Frontier = None,
    local: Local = None,
    team: Team = None,
    yes: Yes = False,
    force: Force = False,
    to: To = DEFAULT_FILE,
    as_json: AsJson = False,
) -> None:
    """Write a commented shortstop.toml: asks three questions, or takes the answers as options.

    Then looks at the machine and says the next command. Changes nothing else.
    """
    if to.exists() and not force:
        raise ConfigError(f"{to} is there already.", hint="Write over it with --force.")
    setup = _asked(frontier, local, team, quiet=yes or as_json or not sys.stdin.isatty())
    text = written(setup)
    config = parse(text, os.environ, str(to))
    _require_models(config)
    write_page(to, text.encode())
    machine = inspect_machine(registry.home(config.data_dir, os.environ))
    advice = advise_machine(machine, None)
    steps = next_steps(setup, config, os.environ)
    if as_json:
        print_json({"file": str(to), "advice": advice, "next": steps})
        return
    say(f"Wrote {to}. `shortstop config check` explains it.")
    for line in [*advice, "`shortstop doctor` measures which models suit this machine."]:
        say(f"- {line}")
    say("Next:")
    for step in steps:
        say(f"  {step}")


def _require_models(config: Config) -> None:
    """Raises ConfigError for a model that is neither here nor can be fetched by its name."""
    known = registry.open(registry.home_path(config.data_dir, os.environ))
    for model in config.models.values():
        source = model.source
        if source and not registry.can_be_fetched(source) and known.find(source) is None:
            raise ConfigError(f"There is no model {source!r}.", hint=registry.remedy(source))


def _asked(frontier: str | None, local: str | None, team: bool | None, *, quiet: bool) -> Setup:
    """What the options leave open is asked or, where nobody answers, the default."""
    found = next((name for name, v in VENDORS.items() if os.environ.get(v.variable)), "none")

    def ask(question: str, default: str) -> str:
        return default if quiet else str(typer.prompt(question, default=default, err=True)).strip()

    return Setup(
        frontier=frontier
        or ask("Frontier that backs it up (openai, anthropic, none, or a URL)", found),
        local=local
        or ask("Local model (builtin, a name, a running server's URL, or none)", "builtin"),
        team=team
        if team is not None
        else ask("Who uses it (alone: this machine; team: others too, by key)", "alone") == "team",
    )


def written(setup: Setup) -> str:
    """The file. Raises ConfigError for a choice that is none."""
    if setup.frontier == setup.local == "none":
        raise ConfigError("Neither a local model nor a frontier: nobody could answer.")
    return "\n".join(
        [
            "# Shortstop. What is not here has its default: docs/reference/configuration.md.",
            "# `shortstop config check` explains this file, `shortstop reload` applies changes.",
            "",
            *_server(setup.team),
            *_model(setup.local),
            *_upstream(setup.frontier),
            "[contract]",
            "max_quality_loss = 0.02   # of a task's quality, at most, by answering here",
            "confidence = 0.95",
            "",
        ]
    )


def _server(team: bool) -> Iterator[str]:
    yield "[server]"
    if team:
        yield 'host = "0.0.0.0"          # all addresses: everybody needs a key'
        yield 'auth = "required"'
        yield '# allowed_hosts = ["gateway.example"]   # the names it is reached under'
    else:
        yield 'host = "127.0.0.1"        # this machine alone'
    yield "port = 8484"
    yield ""


def _model(local: str) -> Iterator[str]:
    if local == "none":
        yield "[models]                  # no local model: nothing can be pinned to this machine"
    elif "://" in local:
        if not is_local_url(local):
            raise ConfigError(
                f"{local} is not an address of this machine or a private network.",
                hint="Give it as --frontier: privacy watches what goes there.",
            )
        yield "[models.small]            # a server that you run: what is pinned goes here"
        yield f"url = {_text(local)}"
        yield '# model = "qwen3.5:4b"     # as it calls its model'
        yield "# context = 32768"
    else:
        yield "[models.small]            # served by Shortstop itself"
        yield f"source = {_text(local)}"
    yield ""


def _upstream(frontier: str) -> Iterator[str]:
    if frontier == "none":
        yield "# No frontier: everything stays here. To add one:"
        yield "# [upstreams.openai]"
        yield '# base_url = "https://api.openai.com/v1"'
        yield '# api_key_env = "OPENAI_API_KEY"'
        yield '# models = "*"'
        yield ""
        return
    vendor = VENDORS.get(frontier)
    if vendor is None and "://" not in frontier:
        raise ConfigError(
            f"{frontier!r} is no frontier that is known.",
            hint=f"Say {', '.join(VENDORS)}, none, or the URL of an API.",
        )
    vendor = vendor or KnownVendor(OTHER_KEY, frontier, "openai", "", "*")
    name = frontier if frontier in VENDORS else "vendor"
    yield f"[upstreams.{name}]"
    yield f"base_url = {_text(vendor.url)}"
    yield f'dialect = "{vendor.dialect}"'
    yield f'api_key_env = "{vendor.variable}"   # the key stands in the environment, never here'
    yield f'patterns = ["{vendor.pattern}"]      # models that clients may ask for by name'
    yield "teacher = false           # true only where the vendor lets you learn from its answers"
    yield ""
    if vendor.model:
        yield "[routing]"
        yield f'frontier = "{vendor.model}"   # whom Shortstop asks; costs are compared with it'
    else:
        yield "# [routing]"
        yield '# frontier = "MODEL"       # without it `auto` asks nobody but the local model'
    yield ""


def next_steps(setup: Setup, config: Config, env: Mapping[str, str]) -> list[str]:
    """The commands that lead to the first answer, in their order."""
    upstreams = config.upstreams.values()
    keys = [u.api_key_env for u in upstreams if u.api_key_env and not env.get(u.api_key_env)]
    steps = [f"export {key}=..." for key in keys]
    sources = [model.source for model in config.models.values() if model.source]
    known = registry.open(registry.home(config.data_dir, env))
    steps += [f"shortstop pull {source}" for source in sources if known.find(source) is None]
    if setup.team:
        steps.append('shortstop keys create "my first key"')
    return [*steps, "shortstop serve"]


def _text(value: str) -> str:
    """As TOML writes a text: like JSON."""
    return msgspec.json.encode(value).decode()
