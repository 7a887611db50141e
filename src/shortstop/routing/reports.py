"""What is promised, and how well it is supported: the reports of `shortstop contract`."""

from __future__ import annotations

from shortstop.config import Config
from shortstop.routing.contract import ContractReport
from shortstop.routing.overall import OverallReport
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.state import State


class PromiseReports:
    """The promises of a configuration over the evidence in `state`."""

    def __init__(self, state: State, config: Config) -> None:
        self._state = state
        self._policies = TaskPolicies({}, config)

    def contracts(self) -> dict[str, ContractReport]:
        """By `task|target=model`."""
        return {
            name: evidence.report(self._policies.promise(name.split("|")[0]))
            for name, evidence in sorted(self._state.evidence.items())
        }

    def overall(self) -> OverallReport:
        """Of all tasks together."""
        return self._state.overall.report(self._policies.overall)
