"""What is promised, and how well it is supported: the reports of `shortstop contract`."""

from __future__ import annotations

from collections.abc import Iterator

from shortstop.config import Config
from shortstop.routing.contract import ContractReport
from shortstop.routing.overall import OverallReport
from shortstop.routing.policies import EVERYBODY, TaskPolicies, task_name
from shortstop.routing.state import State
from shortstop.types import Caller
from shortstop.types.console import PromiseLine

DEFAULT_TENANT = Caller().tenant


class PromiseReports:
    """The promises of a configuration over the evidence in `state`, as far as it is in use."""

    def __init__(self, state: State, config: Config) -> None:
        self._state = state
        self._policies = TaskPolicies({}, config)

    def contracts(self) -> dict[str, ContractReport]:
        """By `task|target=model`, of another tenant than the default one by
        `task@tenant|target=model`."""
        reports = {}
        for owner, task, target, report in self._each():
            shown = task_name("" if owner == DEFAULT_TENANT else owner, task)
            reports[f"{shown}|{target}"] = report
        return dict(sorted(reports.items()))

    def lines(self) -> list[PromiseLine]:
        """The same as rows, those with most evidence first. May be asked from another thread."""
        lines = [
            PromiseLine(
                task=task,
                tenant=owner,
                target=target.partition("=")[0],
                standing=report.standing,
                pairs=report.pairs,
                loss=report.mean_loss,
                limit=self._policies.promise(task).max_loss,
                share=report.certified_share,
                evidence=report.evidence,
                needed=report.needed,
                missing=report.audits_needed,
                alarms=report.alarms,
            )
            for owner, task, target, report in self._each()
        ]
        return sorted(lines, key=lambda line: (-line.pairs, line.task, line.tenant, line.target))

    def _each(self) -> Iterator[tuple[str, str, str, ContractReport]]:
        """Owner, task, target with its model, and how the promise is supported."""
        for owner, evidence in list(self._state.evidence.items()):
            for name, one in list(evidence.items()):
                task, _, target = name.partition("|")
                if self._policies.shared(task) == (owner == EVERYBODY):
                    yield owner, task, target, one.report(self._policies.promise(task))

    def overall(self) -> dict[str, OverallReport]:
        """Of all tasks together, by tenant; "" where the evidence is shared."""
        shared = self._policies.overall_owner(DEFAULT_TENANT) == EVERYBODY
        return {
            owner: overall.report(self._policies.overall)
            for owner, overall in sorted(self._state.overall.items())
            if shared == (owner == EVERYBODY)
        }
