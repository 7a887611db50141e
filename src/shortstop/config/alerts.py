"""`[alerts]`: who is told when something needs people."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from shortstop.config.section import Lifetime, Section, Variable
from shortstop.types.alerts import AlertKind


class AlertsConfig(Section, frozen=True):
    """`[alerts]`: who is told, once, that something needs people, and when it is over.

    `webhook_url` gets JSON, signed with the secret in the environment variable `secret_env`;
    `slack_url_env` names the variable that holds the address of a Slack webhook. `events` are told,
    all where it is empty. A try may take `timeout` seconds. The disk is nearly full where less than
    `disk_free_mb` megabytes are free.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    webhook_url: str | None = None
    secret_env: Variable = "SHORTSTOP_ALERTS_SECRET"  # noqa: S105 - a name, not a secret
    slack_url_env: Variable | None = None
    events: tuple[AlertKind, ...] = ()
    timeout: Annotated[float, Meta(gt=0, le=60)] = 10
    disk_free_mb: Annotated[float, Meta(ge=0)] = 1000

    @property
    def on(self) -> bool:
        """Whether anybody is told."""
        return self.webhook_url is not None or self.slack_url_env is not None

    def tells(self, kind: AlertKind) -> bool:
        return not self.events or kind in self.events
