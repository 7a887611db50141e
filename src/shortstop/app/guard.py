"""The guard of one configuration, over what lasts as long as the process."""

from __future__ import annotations

from shortstop.app.bodies import body_format
from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.app.upstreams import with_agreement
from shortstop.config import Config
from shortstop.privacy import PrivacyGuard, PrivacyStores


def build_guard(config: Config, resources: Resources) -> PrivacyGuard:
    audit = resources.audits.use(config.privacy)
    return PrivacyGuard(
        config.privacy,
        body_format(),
        PrivacyStores(resources.privacy_key, resources.vault, resources.taint, audit),
        CLOCK,
        baa=with_agreement(config),
        watcher=resources.metrics,
        tagger=resources.tagger(config.privacy),
    )
