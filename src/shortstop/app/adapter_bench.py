"""The local model as the workshop uses it: adapters are trained for it, and it is asked under them.

The engine is a child of this process, of its priority; it is there only while it is asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from shortstop import registry
from shortstop.app.adapted_engine import backend_under, engine_under, started, written_by
from shortstop.config import Config
from shortstop.errors import ConfigError, ShortstopError, StoreError
from shortstop.flywheel.adapter.child import missing
from shortstop.flywheel.adapter.trainer import Adapted
from shortstop.flywheel.trainer import NotLearned, Written
from shortstop.private_files import make_folder, replace_file
from shortstop.serving.engines.machine import Machine
from shortstop.specialists import kinds
from shortstop.specialists.adapter.files import WEIGHTS
from shortstop.specialists.adapter.specialist import AdapterSpecialist
from shortstop.specialists.kind import GetEncoder
from shortstop.specialists.opinion import Specialist
from shortstop.specialists.query import Query

log = logging.getLogger("shortstop")

FOLDER = "adapters"
"""Below the workshop."""
ARCHITECTURE = "llama"
ASKING = 2.0
"""How much longer than its training the engine may be asked about one adapter."""


class LocalBench:
    """Implements flywheel.trainer.AdapterBench. `workshop` is the workshop's folder. Raises
    ConfigError or ModelFileError where no local model is named."""

    def __init__(self, config: Config, env: Mapping[str, str], workshop: Path) -> None:
        name = config.routing.local or next(iter(config.models), "")
        if name not in config.models:
            raise ConfigError("There is no local model to train adapters for.")
        self._config = config
        self._name = name
        self._models = registry.open(registry.home(config.data_dir, env))
        source = config.models[name].source
        self._record = None if source is None else self._models.find(source)
        self.model = Path() if self._record is None else self._record.path
        self.base = "" if self._record is None else self._record.sha256
        self.folder = workshop / FOLDER
        self.seconds = 60.0 * config.learning.adapter_minutes
        self.threads = Machine.look().spare_cores
        self._known: dict[tuple[str, str], Written | None] = {}
        self._spent: dict[str, float] = {}

    def require(self) -> None:
        """Raises NotLearned, cheapest look first."""
        if not self.seconds:
            raise NotLearned("Adapters have no time: `adapter_minutes` under [learning] is 0.")
        if self._record is None or not self.base:
            raise NotLearned(f"{self._name!r} is no model that `shortstop pull` has installed.")
        if lacking := missing():
            raise NotLearned(
                f"Adapters need the extra [adapter], of which {lacking[0]} is not installed."
            )
        try:
            architecture = self._record.gguf().architecture
        except ShortstopError as error:
            raise NotLearned(error.message) from error
        if architecture != ARCHITECTURE:
            raise NotLearned(
                f"{self._name!r} is of the architecture {architecture}; adapters are trained for"
                f" {ARCHITECTURE}."
            )

    def write(
        self, weights: bytes, queries: Sequence[Query], most_tokens: int
    ) -> list[Written | None]:
        """See AdapterBench. What was asked before in this process is known."""
        digest = sha256(weights).hexdigest()[:16]
        new = [query for query in queries if (digest, query.whole) not in self._known]
        left = ASKING * self.seconds - self._spent.get(digest, 0.0)
        if new and left > 0:
            began = time.monotonic()
            try:
                asyncio.run(self._asked(digest, weights, new, most_tokens, left))
            except (ShortstopError, OSError) as error:
                log.error("the local model cannot be asked under an adapter: %s", error)
            self._spent[digest] = self._spent.get(digest, 0.0) + time.monotonic() - began
        return [self._known.get((digest, query.whole)) for query in queries]

    async def _asked(
        self, digest: str, weights: bytes, queries: Sequence[Query], most_tokens: int, left: float
    ) -> None:
        """As many as there is time for. Raises ShortstopError or OSError where there is no
        engine."""
        make_folder(self.folder)
        file = self.folder / f"{digest}.gguf"
        replace_file(file, weights)
        model, settings = self._config.models[self._name], self._config.engine
        try:
            engine = engine_under(self._name, model, self._models, settings, None, (str(file),))
            try:
                await started(engine)
                backend = backend_under(engine, 0)
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        for query in queries:
                            written = await written_by(backend, query, most_tokens)
                            self._known[digest, query.whole] = written
            finally:
                await engine.close()
        finally:
            file.unlink(missing_ok=True)


def load_answering(
    kind: str, files: Mapping[str, bytes], encoder: GetEncoder, bench: LocalBench | None
) -> Specialist:
    """A specialist that answers by itself: an adapter's asks the bench. Raises StoreError."""
    known = kinds.load(kind, files, encoder)
    if not isinstance(known, AdapterSpecialist):
        return known
    if bench is None or bench.base != known.base:
        raise StoreError("An adapter belongs to a model that is not the local one here.")
    return Adapted(known, files[WEIGHTS], bench)
