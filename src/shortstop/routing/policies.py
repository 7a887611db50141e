"""What the operator configured per task, and how targets are told apart over time."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from shortstop.config import Config, ContractConfig, TaskConfig
from shortstop.routing.contract import Promise
from shortstop.types import Target


def key_of(target: Target) -> str:
    """A target's name with its model, under which what is learned about it is kept: another model
    behind the same name starts from nothing."""
    return f"{target.name}={target.model}"


EVERYBODY = ""
"""The owner of what all tenants share."""


def evidence_name(task: str, key: str) -> str:
    """Under which an owner's evidence about a target's `key` in a task is kept."""
    return f"{task}|{key}"


def task_name(owner: str, task: str) -> str:
    """Under which an owner's own experience with a task is kept beside that of others."""
    return f"{task}@{owner}" if owner else task


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

        self._routes = {
            (one.task, one.tenant): one.route for one in reversed(config.routing.overrides)
        }

    def settings(self, task: str, tenant: str, declared: TaskConfig) -> TaskConfig:
        """What holds for a tenant's task: as `declared`, but for a route that overrules it."""
        if not self._routes:
            return declared
        route = self._routes.get((task, tenant)) or self._routes.get((task, None))
        return replace(declared, route=route) if route else declared

    def key(self, name: str) -> str:
        """`key_of` the target; the name itself where no such target is configured."""
        target = self.targets.get(name)
        return key_of(target) if target else name

    def contract(self, task: str) -> ContractConfig:
        declared = self.config.tasks.get(task)
        return declared.contract if declared and declared.contract else self.config.contract

    def owner(self, task: str, tenant: str) -> str:
        """Whose evidence counts in a tenant's `task`: its own, unless the operator shares it."""
        return EVERYBODY if self.shared(task) else tenant

    def shared(self, task: str) -> bool:
        """Whether all tenants' evidence in `task` counts together."""
        return self.contract(task).evidence == "shared"

    def overall_owner(self, tenant: str) -> str:
        """The same of the promise over all tasks."""
        return EVERYBODY if self.config.contract.evidence == "shared" else tenant

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
