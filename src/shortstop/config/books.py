"""`[hardware]` and `[ledger]`: what this machine costs, and what its answers are compared with."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from shortstop.config.section import Lifetime, NonNegative, Section


class HardwareConfig(Section, frozen=True):
    """What the local machine costs to own and to run.

    `utilisation` is the share of its time that it is busy answering; the busy hours pay for the
    idle ones. `care_usd_per_month` is people's time. `region` is the country whose grid it draws
    from, as an ISO code ("DE"), or "WORLD": grams of CO2 equivalent a kWh are then those of the
    country and year. `gco2_per_kwh` says them itself and comes first; without either they are 445.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    price_usd: NonNegative = 1500
    years: Annotated[float, Meta(gt=0)] = 4
    upkeep_per_year: NonNegative = 0.1
    care_usd_per_month: NonNegative = 0
    utilisation: Annotated[float, Meta(gt=0, le=1)] = 0.3
    watts_idle: NonNegative = 20
    watts_busy: NonNegative = 65
    pue: Annotated[float, Meta(ge=1)] = 1.0
    usd_per_kwh: NonNegative = 0.15
    region: str | None = None
    gco2_per_kwh: NonNegative | None = None


class LedgerConfig(Section, frozen=True):
    """How savings are computed. `reference_model` is the baseline where no upstream is configured;
    without one nothing counts as saved there.

    `remote_region` is the country of the vendors' data centres, `remote_gco2_per_kwh` says what
    their grid costs itself, as under [hardware]; without either it is 384, the USA's.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    reference_model: str | None = None
    remote_region: str | None = None
    remote_gco2_per_kwh: NonNegative | None = None
