"""What the console needs from the gateway that it shows, beside what clients need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from shortstop.config import HardwareConfig
from shortstop.ports.stores import Figures
from shortstop.sso import SignOn
from shortstop.types import Grade, Trace
from shortstop.types.console import (
    BudgetLine,
    Explained,
    FileWanted,
    KeyLine,
    PrivacyState,
    PromiseLine,
    SettingLine,
    SpecialistLine,
)
from shortstop.types.rows import GradeRow


class Desk(Protocol):
    """Asked from threads beside the event loop. Raises StoreError where a store cannot be read."""

    def figures(self) -> AbstractContextManager[Figures]:
        """For as long as a page may take."""

    def trace(self, document: bytes, *, opened: bool, masked: bool) -> Trace:
        """A row; its content only if `opened`, and then `masked` where privacy finds something."""

    def grades(self, rows: Sequence[GradeRow]) -> list[Grade]:
        """Without their corrections."""

    def export(self, wanted: FileWanted) -> Iterator[bytes]:
        """A file of recorded rows, in pieces that are read one after the other. Raises
        InvalidRequest or ConfigError where there can be none."""

    def budgets(self, tenant: str | None) -> list[BudgetLine]:
        """Of the keys that have one and are in use; of one tenant, if it is named."""

    def promises(self, tenant: str | None) -> list[PromiseLine]:
        """What is promised for each task that has evidence."""

    @property
    def hardware(self) -> HardwareConfig:
        """What this machine costs."""

    def specialists(self, tenant: str | None) -> list[SpecialistLine]:
        """Of one tenant, if it is named."""

    def move(self, name: str, to: str) -> str:
        """Promote a specialist to "shadow", "canary" or "live", take it back ("rollback") or out
        ("retired"); what was done. Raises ShortstopError."""

    def routes(self, tenant: str | None) -> Mapping[str, str]:
        """By task: the route that overrules the router for one tenant, or for all."""

    def override(self, task: str, tenant: str | None, route: str) -> str:
        """Set a task's route, from the next reload on; what was set before. Raises
        ShortstopError."""

    def explain(self, text: str, tenant: str) -> Explained:
        """What privacy thinks of a text, which is kept nowhere. Raises ShortstopError."""

    def privacy(self) -> PrivacyState: ...

    def verify(self) -> str:
        """Whether the audit log is whole, in a sentence."""

    def teams(self) -> Mapping[str, str]:
        """The name of the team of each key that is in one."""

    def keys(self, tenant: str | None) -> list[KeyLine]:
        """Of one tenant, if it is named; those in use first."""

    def settings(self) -> tuple[str, list[SettingLine]]:
        """Where the configuration is from, and every setting in force."""

    @property
    def sso(self) -> SignOn | None:
        """By which people sign in; None: single sign-on is off."""

    def note(self, who: str, tenant: str, what: str) -> None:
        """Write into the audit log what somebody did. Raises StoreError: then it must not be
        done."""
