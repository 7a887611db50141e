"""Which models the upstreams say they have: asked now and then, remembered in one file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop import dialects
from shortstop.app.clock import CLOCK
from shortstop.config import Config, UpstreamConfig
from shortstop.dialects import Offered
from shortstop.errors import ConfigError, TargetError, UpstreamRejected
from shortstop.faults import contained
from shortstop.private_files import replace_file
from shortstop.serving.outward import lister_for
from shortstop.serving.upstreams import dialect_of, vendor_of

log = logging.getLogger("shortstop")

FRESH_SECONDS, RETRY_SECONDS, LOOK_SECONDS = 3600.0, 300.0, 60.0
"""For how long a list is believed, after how long a failed question is asked again, and how often
it is looked whether one is due."""
MOST_GONE = 1_000
"""Vanished models that are remembered for each upstream."""


class UpstreamOffer(Struct, frozen=True):
    """What the upstream at `url` had at Unix time `at`; `gone`: models that it had before, with the
    time when they were missed."""

    url: str
    at: float
    models: tuple[Offered, ...]
    gone: dict[str, float] = {}

    def followed_by(self, models: tuple[Offered, ...], at: float) -> UpstreamOffer:
        ids = {model.id for model in models}
        gone = {id: since for id, since in self.gone.items() if id not in ids}
        gone |= {model.id: at for model in self.models if model.id not in ids}
        latest = sorted(gone.items(), key=lambda one: -one[1])[:MOST_GONE]
        return replace(self, models=models, at=at, gone=dict(latest))


class Offers:
    """The lists by upstream. Those in `file` are from an earlier time, or from another worker."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offers: dict[str, UpstreamOffer] = {}
        self._read_at = 0.0
        self._failing: set[str] = set()
        self._tried: dict[str, float] = {}
        self.follow()

    def of(self, name: str, upstream: UpstreamConfig) -> UpstreamOffer | None:
        """What is known of an upstream, None before it was ever asked. A list is of one address."""
        offer = self._offers.get(name)
        return offer if offer is not None and offer.url == upstream.base_url else None

    def follow(self) -> None:
        """Read what another worker has written. A file that cannot be read is done without."""
        try:
            written = self._file.stat().st_mtime
            if written != self._read_at:
                self._read_at = written
                data = self._file.read_bytes()
                self._offers = msgspec.json.decode(data, type=dict[str, UpstreamOffer])
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("%s is done without, the lists are read again: %s", self._file, error)

    async def refresh(self, config: Config, env: Mapping[str, str]) -> None:
        """Ask whoever is due. An upstream that does not say keeps its earlier list."""
        due = [(n, up) for n, up in config.upstreams.items() if up.discovers and self._due(n, up)]
        await asyncio.gather(*(self._ask(name, upstream, env) for name, upstream in due))
        if due:
            with contained("keeping the lists of models"):
                await asyncio.to_thread(replace_file, self._file, msgspec.json.encode(self._offers))
                self._read_at = self._file.stat().st_mtime

    def _due(self, name: str, upstream: UpstreamConfig) -> bool:
        offer, now = self.of(name, upstream), CLOCK.time()
        if offer is not None and 0 <= now - offer.at < FRESH_SECONDS:
            return False
        tried = self._tried.get(f"{name} {upstream.base_url}")
        return tried is None or not 0 <= now - tried < RETRY_SECONDS

    async def _ask(self, name: str, upstream: UpstreamConfig, env: Mapping[str, str]) -> None:
        now = CLOCK.time()
        self._tried[f"{name} {upstream.base_url}"] = now
        try:
            models = await _listed(name, upstream, env)
        except (TargetError, ConfigError) as error:
            if name not in self._failing:
                self._failing.add(name)
                log.warning("the models of [upstreams.%s] are not known: %s", name, error)
            return
        self._failing.discard(name)
        old = self.of(name, upstream)
        new = UpstreamOffer(upstream.base_url, now, models)
        self._offers[name] = new if old is None else old.followed_by(models, now)
        for line in _vanished(name, upstream, old, models):
            log.warning("%s", line)


async def _listed(
    name: str, upstream: UpstreamConfig, env: Mapping[str, str]
) -> tuple[Offered, ...]:
    vendor = vendor_of(dialect_of(upstream, name=name))
    first = next(iter(upstream.each(name).values()))
    reply = await lister_for(first, vendor, env, name=name).read()
    if reply.status != 200:
        raise UpstreamRejected(f"It answered with the status {reply.status}.", status=reply.status)
    return await asyncio.to_thread(dialects.decode_offers, reply.body)


def _vanished(
    name: str,
    upstream: UpstreamConfig,
    old: UpstreamOffer | None,
    models: tuple[Offered, ...],
) -> Iterator[str]:
    """A line for each configured model that is no longer there, when that is first seen."""
    ids = {model.id for model in models}
    before = {model.id for model in old.models} if old is not None else None
    for called, model in upstream.models.items():
        id = model.model or called
        if id not in ids and (before is None or id in before):
            yield f"[upstreams.{name}] does not list the model {id} (any more): use another soon"


async def keep_offers(
    offers: Offers, config: Callable[[], Config], env: Mapping[str, str], *, leads: bool
) -> None:
    """For ever. One worker asks, the others read what it has written."""
    while True:
        with contained("following the lists of models"):
            if leads:
                await offers.refresh(config(), env)
            else:
                offers.follow()
        await asyncio.sleep(LOOK_SECONDS)
