"""Examples that specialists must not fail, taken from a log."""

from __future__ import annotations

import os
from collections.abc import Iterable

from shortstop.app.mining import Anyone
from shortstop.app.recorded import decoded
from shortstop.app.workshop import Workshop
from shortstop.flywheel.examples import Example, Examples
from shortstop.flywheel.gather import TaskKey
from shortstop.flywheel.night.anchors import Anchors
from shortstop.flywheel.night.memory import TaskMemory
from shortstop.traces.keyfile import content_seal
from shortstop.types import Trace


def keep_anchors(workshop: Workshop, traces: Iterable[Trace]) -> dict[TaskKey, int]:
    """Add rows with their answers to the anchors of their tasks; how many each has now. Raises
    StoreError, OSError."""
    examples = Examples(Anyone(), decoded, pinned=True)
    by_task: dict[TaskKey, list[Example]] = {}
    for trace in traces:
        one = examples.one(trace, None)
        if isinstance(one, Example):
            by_task.setdefault(TaskKey(one.tenant, one.task), []).append(one)
    seal = content_seal(workshop.config.traces, os.environ, workshop.paths.content_key)
    workshops = workshop.paths.workshop
    return {
        key: Anchors(TaskMemory(workshops, key).folder, seal).add(rows)
        for key, rows in by_task.items()
    }
