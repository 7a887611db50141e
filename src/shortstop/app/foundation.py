"""What of a configuration stands when specialists come and go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shortstop.app.engines import Engine
from shortstop.app.naming import Naming
from shortstop.app.upstreams import Remotes
from shortstop.config import Config
from shortstop.config.inforce import fingerprint
from shortstop.ledger import Books
from shortstop.pipeline.cached import ReplyCache
from shortstop.pipeline.embedding import Encoders
from shortstop.ports import Backend
from shortstop.privacy.guard import PrivacyGuard
from shortstop.serving.engines.slots import expected_wait
from shortstop.serving.health import TargetHealth
from shortstop.types import Party, Target


@dataclass(frozen=True)
class Foundation:
    """`targets`, `backends` and `health` are those of general models for chat."""

    config: Config
    engines: Mapping[str, Engine]
    remotes: Remotes
    guard: PrivacyGuard
    targets: Mapping[str, Target]
    backends: Mapping[str, Backend]
    health: Mapping[str, TargetHealth]
    encoders: Encoders
    books: Books
    naming: Naming
    cache: ReplyCache | None

    @cached_property
    def fingerprint(self) -> str:
        """Of the settings in force."""
        return fingerprint(self.config)

    def wait(self, target: str, party: Party) -> float:
        """Seconds that a client of this party would wait for the target now; 0 where unknown, and
        where no client waits."""
        engine = self.engines.get(target)
        return 0.0 if engine is None or party.background else expected_wait(engine.slots, party)
