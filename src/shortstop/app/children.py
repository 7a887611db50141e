"""The processes beside this one: the tagger of names, the specialists', engines under adapters."""

from __future__ import annotations

import logging
from pathlib import Path

from shortstop.app.adapters import Adapters
from shortstop.app.shelf import SpecialistShelf
from shortstop.config import PrivacyConfig
from shortstop.privacy.names.tagger import Tagger, TaggerDown

log = logging.getLogger("shortstop")

__all__ = ["Children", "Tagger"]


class Children:
    """Each is started when it is first needed, and stopped once. `home` is the data folder."""

    def __init__(self, home: Path) -> None:
        self.adapters = Adapters(home)
        self.specialists = SpecialistShelf(home, self.adapters.model)
        self._tagger: Tagger | None = None

    def tagger(self, config: PrivacyConfig) -> Tagger | None:
        """None where the configuration has no names read."""
        if config.ner == "off":
            return None
        if self._tagger is None:
            self._tagger = Tagger(config.ner_timeout)
        return self._tagger

    async def warm(self) -> None:
        """Load the tagger's model before the first escalation, which would otherwise stay local."""
        if self._tagger is not None:
            try:
                await self._tagger.start()
            except (TaggerDown, TimeoutError) as error:
                log.error(
                    "names cannot be read, so requests that may hold some stay local: %s", error
                )

    async def close(self) -> None:
        await self.specialists.close()
        await self.adapters.close()
        if self._tagger is not None:
            await self._tagger.close()
