"""Which targets there are for whom: general ones for everybody, a specialist for its tenants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortstop.types import Target

EVERYBODY = None


class Directory:
    """The targets of one configuration, found by tenant: specialists in the order in which they are
    given, which is that in which they are asked, then general models."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        ordered = sorted(targets.values(), key=lambda target: target.specialist is None)
        self._serving = _by_tenant([t for t in ordered if t.serves])
        self._shadow = _by_tenant([t for t in ordered if t.state == "shadow"])

    def serving(self, tenant: str) -> Mapping[str, Target]:
        """Those that may answer a tenant's requests, by name."""
        return self._serving.get(tenant) or self._serving[EVERYBODY]

    def shadow(self, tenant: str) -> Sequence[Target]:
        """Those that may be asked unseen."""
        return tuple((self._shadow.get(tenant) or self._shadow[EVERYBODY]).values())


def _by_tenant(targets: Sequence[Target]) -> dict[str | None, dict[str, Target]]:
    """For each tenant that has targets of its own: these and everybody's, in their order."""
    tenants = {EVERYBODY, *(tenant for target in targets for tenant in target.tenants)}
    return {
        tenant: {t.name: t for t in targets if not t.tenants or tenant in t.tenants}
        for tenant in tenants
    }
