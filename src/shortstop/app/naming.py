"""What clients may call models: aliases, and models that only an upstream's pattern names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from shortstop.app.offers import Offers
from shortstop.app.upstreams import remote_target
from shortstop.config import Config, UpstreamModel, aliases_of, best_match, upstream_for
from shortstop.dialects import Offered
from shortstop.routing.constraints import AUTO, LOCAL
from shortstop.serving.upstreams import dialect_of, vendor_of
from shortstop.types import Target

MOST_UNLISTED = 64
"""Models that clients may name though no list of their upstream has them: every such name is
remembered until the next reload."""
EMBEDDING = "embed"
"""In the name of a model that embeds: all vendors write it so."""


class Opening(NamedTuple):
    """A model that becomes a target, and the upstream that has it."""

    upstream: str
    name: str
    model: UpstreamModel


class Naming:
    """For one configuration and the `targets` that it has so far."""

    def __init__(self, config: Config, targets: Mapping[str, Target], offers: Offers) -> None:
        self._config = config
        self._targets = targets
        self._offers = offers
        self._vendors_names = frozenset(target.model for target in targets.values())
        aliases = aliases_of(config)
        self._aliases = aliases if aliases else None
        self._opens = any(upstream.patterns for upstream in config.upstreams.values())
        self.idle = not aliases and not self._opens

    def real(self, name: str) -> str:
        """The name of a target or, for what nobody knows, the same."""
        return name if self._aliases is None else self._aliases.real(name)

    def knows(self, name: str, targets: Iterable[Target]) -> bool:
        """Whether a request may name such a model, where these are the targets."""
        name = self.real(name)
        known = name in (AUTO, LOCAL) or any(name in (t.name, t.model) for t in targets)
        return known or self.opening(name) is not None

    def with_more(self, config: Config, targets: Mapping[str, Target]) -> Naming:
        return Naming(config, targets, self._offers)

    def opening(self, name: str, *, embeds: bool = False) -> Opening | None:
        """What makes a target of a model that is none yet, if it may become one."""
        if not self._opens or name in self._targets or name in self._vendors_names:
            return None
        owner = self._owner(name)
        if owner is None:
            return None
        listed = self._listed(owner).get(name)
        if listed is None and self._unlisted() >= MOST_UNLISTED:
            return None
        settings = self._settings(owner, listed or Offered(name), embeds=embeds)
        return Opening(owner, name, settings)

    def offered(self) -> dict[str, Target]:
        """The models that could be asked for by name, as targets that do not exist yet."""
        return dict(self._offered()) if self._opens else {}

    def notices(self) -> dict[str, str]:
        """What to tell of targets whose upstream does not list them any more."""
        return dict(self._notices())

    def _owner(self, name: str) -> str | None:
        """Of several upstreams whose pattern fits, one that lists the model; else the closest."""
        fitting = [n for n, up in self._config.upstreams.items() if best_match(up.patterns, name)]
        listing = [n for n in fitting if name in self._listed(n)]
        return listing[0] if listing else upstream_for(self._config, name)

    def _listed(self, upstream: str) -> Mapping[str, Offered]:
        offer = self._offers.of(upstream, self._config.upstreams[upstream])
        return {} if offer is None else {model.id: model for model in offer.models}

    def _unlisted(self) -> int:
        return sum(
            not model.auto and model.model is None and name not in listed
            for upstream, config in self._config.upstreams.items()
            if config.patterns
            for listed in (self._listed(upstream),)
            for name, model in config.models.items()
        )

    def _settings(self, upstream: str, model: Offered, *, embeds: bool) -> UpstreamModel:
        vendor = vendor_of(dialect_of(self._config.upstreams[upstream], name=upstream))
        embeds = embeds or EMBEDDING in model.id.lower()
        abilities = ("embeddings",) if embeds else tuple(sorted(vendor.usual))
        return UpstreamModel(context=model.context, abilities=abilities, auto=False)

    def _offered(self) -> Iterator[tuple[str, Target]]:
        for name, upstream in self._config.upstreams.items():
            for model in self._listed(name).values():
                known = model.id in self._targets or not best_match(upstream.patterns, model.id)
                if not known and self._owner(model.id) == name:
                    settings = self._settings(name, model, embeds=False)
                    yield model.id, remote_target(model.id, settings, upstream, name)

    def _notices(self) -> Iterator[tuple[str, str]]:
        for name, upstream in self._config.upstreams.items():
            offer = self._offers.of(name, upstream)
            if offer is None:
                continue
            for called, model in upstream.models.items():
                since = offer.gone.get(model.model or called)
                if since is not None:
                    day = datetime.fromtimestamp(since, UTC).date()
                    yield called, f"Since {day} {name} does not list this model any more."
