"""What the operator configured per task, and how targets are told apart over time."""

from __future__ import annotations

from collections.abc import Mapping

from shortstop.config import Config, ContractConfig
from shortstop.routing.contract import Promise
from shortstop.types import Target


def key_of(target: Target) -> str:
    """A target's name with its model, under which what is learned about it is kept: another model
    behind the same name starts from nothing."""
    return f"{target.name}={target.model}"


def evidence_name(task: str, key: str) -> str:
    """Under which the evidence about a target's `key` in a task is kept."""
    return f"{task}|{key}"


class TaskPolicies:
    """One configuration, looked up by task and by target."""

    def __init__(self, targets: Mapping[str, Target], config: Config) -> None:
        self.targets = dict(targets)
        self.config = config
        self.overall = promise_of(config.contract)
        """The promise over all tasks together, and of those that declare none."""
        self._promises = {
            name: promise_of(task.contract)
            for name, task in config.tasks.items()
            if task.contract is not None
        }

    def key(self, name: str) -> str:
        """`key_of` the target; the name itself where no such target is configured."""
        target = self.targets.get(name)
        return key_of(target) if target else name

    def contract(self, task: str) -> ContractConfig:
        declared = self.config.tasks.get(task)
        return declared.contract if declared and declared.contract else self.config.contract

    def promise(self, task: str) -> Promise:
        return self._promises.get(task, self.overall)

    def grader(self, task: str) -> str | None:
        """The grader that the operator named for `task`; None: by the reference's own shape."""
        declared = self.config.tasks.get(task)
        return declared.grader if declared else None


def promise_of(contract: ContractConfig) -> Promise:
    return Promise(
        contract.max_quality_loss,
        contract.confidence,
        contract.audit_rate,
        per_answer=contract.scope == "answers",
    )
