"""The judge of a night: the model of `[judge]`, asked as the gateway would ask it.

What it reads is cleared, in its conversation and under its tenant's policy; the audit log notes it.
Each call is a row of its own, paid by the operator out of what one night may cost. Verdicts are
kept as soon as they are given, so an interrupted night asks nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from shortstop.accounts.learning import NightBudget, judges_cap
from shortstop.app.books import build_books
from shortstop.app.clock import CLOCK
from shortstop.app.learning import may_use
from shortstop.app.one_model import OneModel
from shortstop.app.recorded import Recorded, decoded
from shortstop.app.resources import Resources
from shortstop.config import Config
from shortstop.errors import (
    QuotaExceeded,
    RequestError,
    ShortstopError,
    StoreError,
    UpstreamRejected,
)
from shortstop.flywheel.night.hearing import Dispute
from shortstop.flywheel.night.report import JudgeReport
from shortstop.flywheel.verdicts import BothGrades
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.judge import Judge, Names
from shortstop.pipeline.record import Bookkeeping
from shortstop.pipeline.shadow import Side
from shortstop.types import Choice, Target, Text

log = logging.getLogger("shortstop")

PATIENCE = 60.0
"""Seconds that privacy may take over one question."""
AT_ONCE = 8
"""Disputes that are judged at the same time."""
RECOVERED_S = 5.0
"""Seconds that verdicts of an interrupted night may take to be there."""


class NightCourt:
    """Implements flywheel.night.hearing.Court. `target` is the judge, of which `config` knows;
    `night` is when the night began (Unix seconds); None: it is a look, and the looks of a day
    share what they may cost. Raises ConfigError, ModelFileError, StoreError
    where it cannot be asked at all."""

    def __init__(
        self, config: Config, target: str, recorded: Recorded, night: float | None
    ) -> None:
        self._config = _patient(config)
        self._recorded = recorded
        self._runner = asyncio.Runner()
        self._report = JudgeReport(target, config.learning.usd)
        self._cap = judges_cap(Decimal(str(config.learning.usd)), night)
        try:
            self._runner.run(self._open(target))
        except BaseException:
            self._runner.close()
            raise

    async def _open(self, target: str) -> None:
        self._resources = Resources(
            self._config, self._recorded.env, None, lambda body, tenant: body
        )
        try:
            self._model = await OneModel.started(self._config, target, self._resources)
            guard = self._model.guard
            books = build_books(self._config, self._model.models.targets, self._model.engines)
            self._budget = NightBudget(self._resources.accounts, books.at_most, self._cap)
            rows = self._resources.traces
            rows.flush(RECOVERED_S)
            self._judge = Judge(
                self._model.models.targets[target],
                1.0,
                ask=self._model.models.answer,
                clearing=Clearing(guard, guard.timeout_s),
                books=Bookkeeping(books, rows, CLOCK, purser=self._budget),
                grades=rows,
            )
        except BaseException:
            self._resources.close()
            raise

    def close(self) -> None:
        """Raises nothing that matters: what was said is kept."""
        try:
            self._runner.run(self._closed())
        finally:
            self._runner.close()

    async def _closed(self) -> None:
        await self._model.close()
        await self._resources.stop_children()
        self._resources.close()

    @property
    def report(self) -> JudgeReport:
        with suppress(StoreError):
            self._report = replace(self._report, usd=float(self._budget.spent))
        return self._report

    def hear(self, disputes: Sequence[Dispute]) -> Sequence[BothGrades | None]:
        """See Court."""
        return self._runner.run(self._heard(disputes))

    async def _heard(self, disputes: Sequence[Dispute]) -> list[BothGrades | None]:
        said: list[BothGrades | None] = []
        for start in range(0, len(disputes), AT_ONCE):
            if self._report.why:
                break
            batch = [self._one(dispute) for dispute in disputes[start : start + AT_ONCE]]
            results = await asyncio.gather(*batch, return_exceptions=True)
            self._resources.traces.flush()
            ended = self._ended(results)
            given = [one for one in results[:ended] if isinstance(one, BothGrades)]
            self._report = replace(self._report, verdicts=self._report.verdicts + len(given))
            said += [one if isinstance(one, BothGrades) else None for one in results[:ended]]
        return said

    def _ended(self, results: Sequence[BothGrades | BaseException]) -> int:
        """How many of them count: none after the money has ended or where nothing came back."""
        failures = [one for one in results if isinstance(one, BaseException)]
        for failure in failures:
            if not isinstance(failure, ShortstopError | msgspec.MsgspecError | ValueError):
                raise failure
        spent = [isinstance(one, QuotaExceeded) for one in results]
        if any(spent):
            first = spent.index(True)
            self._stop(str(results[first]))
            return first
        unasked = [one for one in failures if not _about_it_alone(one)]
        if len(results) == AT_ONCE and len(unasked) == len(results):
            self._stop(f"The judge does not answer: {unasked[0]}")
            return 0
        return len(results)

    def _stop(self, why: str) -> None:
        self._report = replace(self._report, why=why)

    async def _one(self, dispute: Dispute) -> BothGrades:
        """Raises ShortstopError, MsgspecError or ValueError where it gives no verdict."""
        trace = self._recorded.row_of(dispute.row)
        if trace is None or trace.request is None:
            raise ValueError("the request is not there any more")
        if not may_use(self._resources.accounts, trace.key, self._report.target):
            raise ValueError("its key may not use the judge")
        request = decoded(trace.dialect, trace.request, trace.id)
        sides = _side(dispute.answer, dispute.specialist), _side(dispute.told, trace.target or "")
        now = replace(trace, at=CLOCK.time())
        pair = await self._judge.graded(request, now, *sides, _names(dispute))
        return BothGrades(pair.reference_value, pair.value)


def _patient(config: Config) -> Config:
    """Nobody waits for an answer, and the night gives way to whoever needs the machine."""
    return replace(config, privacy=replace(config.privacy, timeout=PATIENCE))


def _about_it_alone(failure: BaseException) -> bool:
    """Whether the dispute is at fault, not the judge: what must not be shown, or cannot be."""

    return isinstance(failure, RequestError | UpstreamRejected | ValueError)


def _names(dispute: Dispute) -> Names:
    """Of the two calls: as others about the same answer of that specialist would be called."""
    whose = f"{dispute.specialist}\0{dispute.answer}".encode("utf-8", "surrogatepass")
    digest = blake2b(whose, digest_size=4).hexdigest()
    return f"judge-{digest}-1", f"judge-{digest}-2"


def _side(answer: str, name: str) -> Side:
    target = Target(name, name, local=True, provider="recorded", context=0)
    return Side(Choice(parts=(Text(answer),), finish="stop"), target, None)
