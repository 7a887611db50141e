"""What is promised, and how well it is supported: the reports of `shortstop contract`."""

from __future__ import annotations

from shortstop.config import Config
from shortstop.routing.contract import ContractReport
from shortstop.routing.overall import OverallReport
from shortstop.routing.policies import EVERYBODY, TaskPolicies, task_name
from shortstop.routing.state import State
from shortstop.types import Caller

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
        for owner, evidence in self._state.evidence.items():
            for name, one in evidence.items():
                task, _, target = name.partition("|")
                if self._policies.shared(task) == (owner == EVERYBODY):
                    shown = task_name("" if owner == DEFAULT_TENANT else owner, task)
                    reports[f"{shown}|{target}"] = one.report(self._policies.promise(task))
        return dict(sorted(reports.items()))

    def overall(self) -> dict[str, OverallReport]:
        """Of all tasks together, by tenant; "" where the evidence is shared."""
        shared = self._policies.overall_owner(DEFAULT_TENANT) == EVERYBODY
        return {
            owner: overall.report(self._policies.overall)
            for owner, overall in sorted(self._state.overall.items())
            if shared == (owner == EVERYBODY)
        }
