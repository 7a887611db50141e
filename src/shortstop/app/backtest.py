"""A backtest of the configuration that is here: its privacy, prices, hardware and specialists."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shortstop.app.judging import judge_beside
from shortstop.app.local_trial import LocalWish, asked_locally, sample_for
from shortstop.app.mining import Anyone
from shortstop.app.recorded import decoded
from shortstop.app.trials import BacktestWatcher, TrialLimits, cloud_trials, kinds_to_try, trials
from shortstop.backtest.count import Takes
from shortstop.backtest.pricing import LogPrices
from shortstop.backtest.problems import Problems
from shortstop.backtest.reading import ReadingEstimate, calls, estimate
from shortstop.backtest.result import Backtest
from shortstop.backtest.tally import LogTally
from shortstop.backtest.verdict import LogFindings, concluded
from shortstop.config import Config
from shortstop.errors import ConfigError
from shortstop.flywheel.examples import Examples
from shortstop.ledger import check_regions, local_grid, price_sheet, remote_grid

SECONDS_A_ROW = 0.0006
"""Of reading, measured on one core; learning comes on top, up to its limit."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """`minutes` bound the learning, `examples` are kept of a task, `cloud` names cheaper models to
    stand beside today's, `days` says what the log covers. `local`: what to ask of a local model."""

    minutes: float = 3.0
    examples: int = 3000
    cloud: tuple[str, ...] = ()
    days: float | None = None
    audited: float = 0.05
    output_tokens: int = 150
    workers: int = 0
    local: LocalWish | None = None


def expected(files: Sequence[Path]) -> ReadingEstimate:
    """Before anything is read but the first rows. Raises OSError."""
    return estimate(files, SECONDS_A_ROW)


def backtest(
    config: Config,
    env: Mapping[str, str],
    files: Sequence[Path],
    wishes: Wishes,
    onlooker: BacktestWatcher,
) -> Backtest:
    """Read, count, learn, conclude. Raises ConfigError where nothing can be read, OSError."""
    began = time.monotonic()
    check_regions(config)
    takes = _counted(config, files, wishes, onlooker)
    if not takes.calls:
        first = next(takes.problems.all(), None)
        why = f" The first line: {first.first[0].why}." if first else ""
        raise ConfigError(
            f"No call of a model could be read.{why}", hint="See docs/backtest.md for what is read."
        )
    kinds = kinds_to_try(config, env)
    limits = TrialLimits(wishes.minutes, wishes.workers)
    became = trials(config, env, takes.tally, limits, onlooker)
    asking, local_trials = asked_locally(config, env, wishes.local, takes.sample, onlooker)
    clouds = cloud_trials(config, env, takes.tally, takes.prices.cloud)
    at = takes.tally.last or time.time()
    return concluded(
        LogFindings(
            files=[file.name for file in files],
            takes=takes,
            trials=became,
            clouds=clouds,
            hardware=config.hardware,
            local_gco2=local_grid(config.hardware).gco2_per_kwh(at),
            remote_gco2=remote_grid(config.ledger).gco2_per_kwh(at),
            days=wishes.days,
            audited=wishes.audited,
            limits=kinds.limits,
            local_trials=local_trials,
            local_asking=asking,
            seconds=time.monotonic() - began,
        )
    )


def _counted(
    config: Config, files: Sequence[Path], wishes: Wishes, onlooker: BacktestWatcher
) -> Takes:
    now, sheet = time.time(), price_sheet(config.prices)
    cloud = wishes.cloud or _configured(config)
    unknown = [name for name in wishes.cloud if sheet.entry(name) is None]
    if unknown:
        raise ConfigError(
            f"The price of {unknown[0]!r} is not known.", hint="Give it one under [prices]."
        )
    problems = Problems()
    with judge_beside(config) as judge:
        takes = Takes(
            LogTally(wishes.examples),
            LogPrices(sheet, cloud, now),
            problems,
            Examples(Anyone(), decoded, pinned=True),
            judge,
            wishes.output_tokens,
            now,
            sample_for(wishes.local),
        )
        for call in calls(files, problems, onlooker.read):
            takes.take(call)
    return takes


def _configured(config: Config) -> tuple[str, ...]:
    """The cloud models that the configuration knows."""
    return tuple(
        model.price or name
        for upstream in config.upstreams.values()
        for name, model in upstream.models.items()
    )
