"""What the operator said about tasks: contract, grader, and how targets are told apart."""

from __future__ import annotations

from collections.abc import Mapping

from shortstop.config import Config, ContractConfig
from shortstop.routing.contract import Promise
from shortstop.types import Target


def key_of(target: Target) -> str:
    """A name with its model: another model behind the same name starts anew."""
    return f"{target.name}={target.model}"


class TaskPolicies:
    """One configuration, asked by task and by target."""

    def __init__(self, targets: Mapping[str, Target], config: Config) -> None:
        self.targets = dict(targets)
        self.config = config

    def key(self, name: str) -> str:
        target = self.targets.get(name)
        return key_of(target) if target else name

    def contract(self, task: str) -> ContractConfig:
        declared = self.config.tasks.get(task)
        return declared.contract if declared and declared.contract else self.config.contract

    def promise(self, task: str) -> Promise:
        return promise_of(self.contract(task))

    @property
    def overall(self) -> Promise:
        """The promise over all tasks together."""
        return promise_of(self.config.contract)

    def grader(self, task: str) -> str | None:
        """How answers of the task are compared; None: by the reference's shape."""
        declared = self.config.tasks.get(task)
        return declared.grader if declared else None


def promise_of(contract: ContractConfig) -> Promise:
    return Promise(
        contract.max_quality_loss,
        contract.confidence,
        contract.audit_rate,
        per_answer=contract.scope == "answers",
    )
