"""All detectors over one JSON body, within limits of size and time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shortstop.config import PrivacyConfig
from shortstop.errors import ConfigError
from shortstop.privacy.detect.alarm import alarm
from shortstop.privacy.detect.register import Register
from shortstop.privacy.detect.scan import Unreadable, scan
from shortstop.privacy.images import without_images
from shortstop.privacy.leaves import LeafReader
from shortstop.privacy.patience import patience
from shortstop.types import Finding, Json, WireWords

GRACE = 0.02
"""Seconds beyond the time limit before a detector that ignores it is interrupted."""


class Detectors:
    """The built-in rules, and for each tenant the terms and documents that it registered.

    `monotonic` gives seconds, `words` are those of the bodies' dialects. Raises ConfigError when a
    registered document cannot be read.
    """

    def __init__(
        self, config: PrivacyConfig, monotonic: Callable[[], float], words: WireWords
    ) -> None:
        self.reader = LeafReader(words)
        self._max_chars, self._timeout = config.max_scan_chars, config.timeout
        self._monotonic = monotonic
        self._registers = {
            tenant: Register(
                config.terms.get(tenant, ()),
                [_document(path, tenant) for path in config.documents.get(tenant, ())],
            )
            for tenant in {*config.terms, *config.documents}
        }

    def findings(
        self, body: Json, tenant: str = "default", timeout: float | None = None
    ) -> list[Finding]:
        """Everything found in the body's strings within `timeout` seconds (default: as configured,
        and more for a long body).
        Raises Unreadable, TimeoutError, ValueError or TypeError: none of these bodies may leave."""
        leaves, characters = self.reader.leaves(body), 0
        for leaf in leaves:
            characters += len(leaf.text)
        if characters > self._max_chars:
            raise Unreadable("too-large-to-scan")
        if timeout is None:
            timeout = patience(self._timeout, characters)
        now = self._monotonic
        deadline = now() + timeout

        def tick() -> None:
            if now() > deadline:
                raise TimeoutError("the detectors ran out of time")

        with alarm(timeout + GRACE):
            return scan(leaves, self._registers.get(tenant), tick)

    def without_images(self, body: Json) -> Json:
        """The body without the data of inline images, for policies that let them go unread."""
        return without_images(body, self.reader.words)


def _document(path: str, tenant: str) -> str:
    """Raises ConfigError: a document that cannot be read cannot be protected."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"The document {path!r} of tenant {tenant!r} cannot be read: {reason}."
        ) from error
