"""The task of a request: as declared, by its template, or by what it is about."""

from __future__ import annotations

from shortstop.config import TaskConfig
from shortstop.routing.clusters import PREFIX, TaskClusters, Vector
from shortstop.routing.task import OPEN, system_prompt, task_of
from shortstop.types import Caller, Request

FREE = OPEN
"""The task of requests that nothing but their words tell apart."""
UNDECLARED = TaskConfig()
"""What holds for a task that the operator did not configure."""


class TaskRecognition:
    """`tasks` are the operator's, `clusters` those of free requests, which it counts."""

    def __init__(self, tasks: dict[str, TaskConfig], clusters: TaskClusters) -> None:
        self._tasks = tasks
        self._clusters = clusters

    def declared(self, request: Request, caller: Caller) -> tuple[str, TaskConfig]:
        """The task by name or template, OPEN without either, and what is configured for it."""
        if caller.task is not None:
            declared = self._tasks.get(caller.task)
            if declared is not None:
                return caller.task, declared
        elif self._tasks:
            system = system_prompt(request)
            for name, one in self._tasks.items():
                if one.match is not None and one.match in system:
                    return name, one
        return task_of(request, caller), UNDECLARED

    def nearest(self, task: str, unit: Vector, *, more: bool) -> tuple[str, int | None]:
        """The task of a request in OPEN by its embedding, and the number of its cluster; `more`:
        the request itself will be counted."""
        if task != OPEN:
            return task, None
        cluster = self._clusters.nearest(unit)
        return self._clusters.task(cluster, more=more) or OPEN, cluster

    def count(self, unit: Vector, cluster: int | None) -> None:
        """Count a request that was in OPEN."""
        self._clusters.count(unit, cluster)

    def count_elsewhere(self, task: str, unit: Vector) -> None:
        """Count a request that another worker has decided, if its task is a cluster."""
        if task.startswith(PREFIX):
            self._clusters.add(unit)
