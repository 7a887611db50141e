"""Beside the street: people are told what needs them. One process of a gateway does it, and of
several machines one tells."""

from __future__ import annotations

import asyncio
import logging
import secrets
from functools import partial
from typing import get_args

import msgspec

from shortstop.alerts import AlertBook
from shortstop.app.alert_places import AlertPlace, OwnAlerts, SharedAlerts
from shortstop.app.alert_post import AlertPost
from shortstop.app.alert_watch import Alerting, AlertWatch
from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.config import AlertsConfig
from shortstop.errors import StoreError
from shortstop.faults import contained
from shortstop.types.alerts import AlertChannel, AlertKind

log = logging.getLogger("shortstop")

LOOK_SECONDS = 10.0
KINDS: tuple[AlertKind, ...] = get_args(AlertKind)


async def keep_alerts(resources: Resources, gateway: Alerting, began: float) -> None:
    """For ever."""
    replica = resources.replica
    place = None if replica is None else SharedAlerts(replica.leadership)
    alerter = Alerter(resources, gateway, began, place)
    while True:
        with contained("alerts"):
            try:
                await alerter.turn()
            except StoreError as error:
                log.debug("nobody is told anything while the shared store is away: %s", error)
        await asyncio.sleep(LOOK_SECONDS)


class Alerter:
    """Looks, writes down who is to be told, and tells; each turn ends in bounded time. Nothing is
    read or written before somebody is to be told. `place` is by default this machine's file."""

    def __init__(
        self,
        resources: Resources,
        gateway: Alerting,
        began: float,
        place: AlertPlace | None = None,
    ) -> None:
        self._place = place or OwnAlerts(resources.paths.alerts)
        self._resources = resources
        self._gateway = gateway
        self._began = began
        self._book: AlertBook | None = None
        self._watch: AlertWatch | None = None
        self._post: tuple[AlertsConfig, AlertPost] | None = None
        self._unsaved = False
        self._saving = asyncio.Lock()

    async def turn(self) -> None:
        """Raises StoreError where the place does: then nobody was told what is not written down."""
        try:
            await self._turn()
        except StoreError:
            self._book = None
            raise

    async def _turn(self) -> None:
        config = self._gateway.config().alerts
        if not config.on:
            return
        if self._book is None:
            self._book = await asyncio.to_thread(self._opened)
        if self._watch is None:
            self._watch = AlertWatch(self._resources, self._gateway, self._book.began)
        seen = await asyncio.to_thread(self._place.gather, await self._watch.look())
        if seen is None:
            return
        if self._place.changed_hands():
            self._book = await asyncio.to_thread(self._opened)
        book, post = self._book, self._post_of(config)
        book.forget(kind for kind in KINDS if not config.tells(kind))
        book.look(seen, post.channels, CLOCK.time())
        await self._save(book)
        await asyncio.gather(*(self._deliver(channel, book, post) for channel in post.channels))

    def _post_of(self, config: AlertsConfig) -> AlertPost:
        if self._post is None or self._post[0] != config:
            self._post = config, AlertPost(config, self._resources.env)
        return self._post[1]

    async def _deliver(self, channel: AlertChannel, book: AlertBook, post: AlertPost) -> None:
        """What waits, in its order, until one is not taken."""
        count = partial(self._resources.metrics.alerted, channel)
        while (letter := book.due(channel, CLOCK.time())) is not None:
            delivery = await post.send(letter)
            count("sent" if delivery.taken else "failed")
            if delivery.taken:
                book.delivered(letter)
            else:
                if letter.tries == 0:
                    log.warning("an alert could not be told to the %s: %s", channel, delivery.says)
                book.failed(letter, CLOCK.time())
            await self._save(book)  # another channel may take its time
            if not delivery.taken:
                break

    # ------------------------------------------------------------ what lasts

    def _opened(self) -> AlertBook:
        place, make = self._place, partial(AlertBook, self._began, _new_id)
        try:
            return make(place.load())
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            kind = type(error).__name__
            log.warning("%s cannot be used (%s): alerts begin anew", place.name, kind)
            return make()

    async def _save(self, book: AlertBook) -> None:
        """A disk that is full keeps nobody from being told so."""
        async with self._saving:
            await self._written(book)

    async def _written(self, book: AlertBook) -> None:
        for channel, letters in book.dropped.items():
            self._resources.metrics.alerted(channel, "dropped", letters)
            log.error("%d alerts were dropped: the %s does not take them", letters, channel)
        book.dropped.clear()
        if not (book.changed or self._unsaved):
            return
        try:
            data = book.dump()
            await asyncio.to_thread(self._place.save, data)
        except OSError as error:
            if not self._unsaved:
                log.warning("%s cannot be written: %s", self._place.name, error)
            self._unsaved = True
        else:
            self._unsaved = False


def _new_id() -> str:
    return f"msg_{secrets.token_hex(12)}"
