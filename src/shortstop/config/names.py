"""Names of models: patterns, aliases, and models that only a pattern names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec.structs import replace

from shortstop.config.sections import Config
from shortstop.config.upstreams import UpstreamModel

RESERVED = ("auto", "local")
"""Model names with which clients let Shortstop choose."""
LONGEST_NAME = 200
ANYTHING = "*"
"""Stands for any characters in a pattern."""


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split(ANYTHING))), re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole `name` is as `pattern` says, in which `*` stands for any characters."""
    return _expression(pattern).fullmatch(name) is not None


def best_match(patterns: Iterable[str], name: str) -> str | None:
    """The pattern that says most of `name`: the longest; of equal ones the first."""
    return max((p for p in patterns if matches(p, name)), key=len, default=None)


def is_name(name: str) -> bool:
    """Whether a model of an upstream may be called so."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and " " not in name


def upstream_for(config: Config, name: str) -> str | None:
    """The upstream whose pattern says most of the name of a model that no table names."""
    if not is_name(name):
        return None
    found = {n: best_match(up.patterns, name) for n, up in config.upstreams.items()}
    return max((n for n, p in found.items() if p), key=lambda n: len(found[n] or ""), default=None)


def with_model(config: Config, upstream: str, name: str, model: UpstreamModel) -> Config:
    """The same, as if `model` had a table of its own."""
    one = config.upstreams[upstream]
    opened = replace(one, models={**one.models, name: model})
    return replace(config, upstreams={**config.upstreams, upstream: opened})


def remote_names(config: Config) -> set[str]:
    return {name for upstream in config.upstreams.values() for name in upstream.models}


def with_named_models(config: Config) -> Config:
    """The same with those models that a pattern allows and a setting names."""
    chosen = {config.routing.frontier}
    fallbacks = config.routing.fallbacks
    named = [config.routing.frontier, config.judge.target, *config.aliases.values(), *fallbacks]
    named += [name for one in fallbacks.values() for name in one.names()]
    for name in dict.fromkeys(named):
        if name is None or name in {*RESERVED, *config.models, *config.aliases}:
            continue
        upstream = None if name in remote_names(config) else upstream_for(config, name)
        if upstream is not None:
            config = with_model(config, upstream, name, UpstreamModel(auto=name in chosen))
    return config


class AliasLoop(ValueError):
    """Aliases that lead back to themselves: `path` from the first to the first again."""

    def __init__(self, path: list[str]) -> None:
        super().__init__(" -> ".join(path))
        self.path = path


class Aliases:
    """What clients may call models besides their names. `known` are the names that there are, which
    no pattern hides."""

    def __init__(self, table: Mapping[str, str], known: Iterable[str]) -> None:
        self._known = frozenset((*known, *RESERVED))
        self._exact = {name: to for name, to in table.items() if ANYTHING not in name}
        self._patterns = {name: to for name, to in table.items() if ANYTHING in name}

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    def real(self, name: str) -> str:
        """The name of a model, or of nothing that is known. Raises AliasLoop."""
        path = [name]
        for step in self._steps(name):
            path.append(step)
            if step in path[:-1]:
                raise AliasLoop(path)
        return path[-1]

    def _steps(self, name: str) -> Iterator[str]:
        while name not in self._known:
            alias = name if name in self._exact else best_match(self._patterns, name)
            if alias is None:
                return
            name = self._exact[alias] if alias in self._exact else self._patterns[alias]
            yield name


def aliases_of(config: Config) -> Aliases:
    return Aliases(config.aliases, (*config.models, *remote_names(config)))
