"""The remote models that one configuration names: clients, targets, and who signed what."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shortstop.app.clock import CLOCK
from shortstop.config import MODEL_PLACE, Config, UpstreamConfig, UpstreamModel, is_local_url
from shortstop.dialects import DescribedDialect
from shortstop.errors import ConfigError
from shortstop.ledger import price_sheet
from shortstop.ledger.contexts import UNKNOWN_CONTEXT, known_context
from shortstop.ports.forwarding import Forwarding, VendorBatches
from shortstop.serving.breaker import Breaker
from shortstop.serving.deployments import Chooser, Deployment, KeyStandings
from shortstop.serving.health import TargetHealth
from shortstop.serving.http import Egress
from shortstop.serving.key_file import KeyFile
from shortstop.serving.outward import doubts, egress_for, place_of
from shortstop.serving.patience import Patience
from shortstop.serving.trip import Road
from shortstop.serving.upstreams import (
    RemoteUpstream,
    dialect_of,
    vendor_of,
)
from shortstop.types import Target

log = logging.getLogger("shortstop")


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent there."""
    return url.lower().startswith("https://") or is_local_url(url)


@dataclass(slots=True)
class Remotes:
    """Remote models by name, and the connections that they share: by upstream, then by deployment.
    `standings` is what is known of the deployments, which a reload does not forget."""

    egresses: dict[str, dict[str, Egress]] = field(default_factory=dict)
    upstreams: dict[str, RemoteUpstream] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    forwards: frozenset[bytes] = frozenset()
    """The headers of clients that some of them are told, in small letters."""
    standings: KeyStandings = field(default_factory=KeyStandings)
    forwarding: Forwarding | None = None

    def batches_of(self, target: str) -> VendorBatches | None:
        """Those of the vendor in which lines for a model may go."""
        upstream = self.upstreams.get(target)
        return None if upstream is None else upstream.batches

    async def close(self) -> None:
        for egresses in self.egresses.values():
            for egress in egresses.values():
                await egress.close()


def build_remotes(
    config: Config,
    env: Mapping[str, str],
    standings: KeyStandings | None = None,
    forwarding: Forwarding | None = None,
) -> Remotes:
    """`forwarding` gathers lines of batches for the vendors'. Raises ConfigError when a key is not
    set, or a proxy or certificate is not usable."""
    remotes = Remotes(standings=standings or KeyStandings(), forwarding=forwarding)
    draw = random.Random(config.routing.seed)
    told = [name.lower().encode() for u in config.upstreams.values() for name in u.forward_headers]
    remotes.forwards = frozenset(told)
    for name, upstream in config.upstreams.items():
        dialect, each = dialect_of(upstream, name=name), upstream.each(name)
        if any(
            (one.api_key_env or one.api_key_file) and not is_private(one.base_url)
            for one in each.values()
        ):
            log.warning(
                "[upstreams.%s] sends its key without HTTPS: write https:// in `base_url`", name
            )
        _check_forwarding(upstream, dialect, name)
        _check_batching(upstream, dialect, name)
        for doubt in doubts(upstream, name=name):
            log.warning("%s", doubt)
        remotes.egresses[name] = {
            label: egress_for(one, vendor_of(dialect), env, name=name)
            for label, one in each.items()
        }
        for model_name in upstream.models:
            _add(remotes, config, name, model_name, draw)
    return remotes


def with_remote(remotes: Remotes, config: Config, upstream: str, name: str) -> Remotes:
    """The same and one more model of `upstream`, over the connections that there are."""
    for egress in remotes.egresses[upstream].values():
        egress.also(name)
    more = replace(remotes, upstreams={**remotes.upstreams}, targets={**remotes.targets})
    _add(more, config, upstream, name, random.Random(name))
    return more


def _add(remotes: Remotes, config: Config, upstream: str, name: str, draw: random.Random) -> None:
    """One model, in place."""
    settings = config.upstreams[upstream]
    model, dialect = settings.models[name], dialect_of(settings, name=upstream)
    remotes.targets[name] = remote_target(name, model, settings, upstream)
    deployments = _deployments(remotes.standings, config, upstream, model.model or name)
    remotes.upstreams[name] = one = RemoteUpstream(
        model=model.model or name,
        dialect=dialect,
        egresses=remotes.egresses[upstream],
        road=Road(
            Chooser(deployments, CLOCK, settings.cooldown_seconds),
            Patience(settings.retries, settings.backoff, settings.max_retry_after),
            TargetHealth(name, CLOCK),
            draw,
        ),
    )
    one.local = all(is_local_url(way.base_url) for way in settings.each(upstream).values())
    if dialect.description.marks_caches:
        one.prompt_cache = settings.prompt_cache
    one.places = {
        label: place_of(way.base_url, vendor_of(dialect), model.model or name)
        for label, way in settings.each(upstream).items()
    }
    if settings.api_key_file is not None:
        one.key = KeyFile(settings.api_key_file, vendor_of(dialect))
    one.forwards = frozenset(header.lower() for header in settings.forward_headers)
    batching = vendor_of(dialect).batching
    if settings.batch and batching is not None and remotes.forwarding is not None:
        one.batched(batching, remotes.forwarding)


def _deployments(
    standings: KeyStandings, config: Config, upstream: str, model: str
) -> list[Deployment]:
    """Of one model. Each worker has its share of what a deployment takes in a minute."""
    settings, workers = config.upstreams[upstream], config.server.workers
    return [
        Deployment(
            label,
            Breaker(settings.breaker_failures, settings.breaker_seconds, CLOCK),
            one.weight,
            one.tokens_per_minute and one.tokens_per_minute / workers,
            standings.of(one.base_url, one.api_key_env, model),
        )
        for label, one in settings.ways(upstream).items()
    ]


def _check_forwarding(upstream: UpstreamConfig, dialect: DescribedDialect, name: str) -> None:
    """Raises ConfigError for a header that the dialect sends itself."""
    description = dialect.description
    own = {*vendor_of(dialect).headers, vendor_of(dialect).key_header, description.betas}
    for header in upstream.forward_headers:
        if header.lower() in own:
            raise ConfigError(
                f"[upstreams.{name}] `forward_headers`: {header!r} is sent by its dialect already.",
                hint="Leave it out.",
            )


def _check_batching(upstream: UpstreamConfig, dialect: DescribedDialect, name: str) -> None:
    """Raises ConfigError where lines cannot go in batches of the vendor's."""
    if not upstream.batch:
        return
    if vendor_of(dialect).batching is None or MODEL_PLACE in upstream.base_url:
        raise ConfigError(
            f"[upstreams.{name}] `batch`: this API takes no batches that are known here.",
            hint='The dialects "openai", "responses" and "anthropic" do, without {model} in'
            " `base_url`.",
        )


def remote_target(
    name: str, model: UpstreamModel, upstream: UpstreamConfig, provider: str
) -> Target:
    """`provider` is the operator's name of the upstream: privacy policies name it."""
    dialect = dialect_of(upstream, name=provider)
    return Target(
        name=name,
        model=model.model or name,
        local=False,
        provider=provider,
        context=model.context or _context(name, model, upstream, provider),
        abilities=frozenset(model.abilities) | vendor_of(dialect).abilities,
        max_output=model.max_output,
        price=model.price,
        region=upstream.region,
        dialect=dialect.description.name,
        auto=model.auto,
    )


def _context(name: str, model: UpstreamModel, upstream: UpstreamConfig, provider: str) -> int:
    known = known_context(price_sheet(), model.model or name, provider, upstream.base_url)
    return known or UNKNOWN_CONTEXT


def with_agreement(config: Config) -> frozenset[str]:
    """The upstreams that signed a business associate agreement."""
    return frozenset(name for name, upstream in config.upstreams.items() if upstream.baa)
