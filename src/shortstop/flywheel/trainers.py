"""Who is tried on a task, cheapest first: the order of `specialists.kinds`."""

from __future__ import annotations

from shortstop.flywheel.adapter.trainer import AdapterTrainer
from shortstop.flywheel.bank.trainer import BankTrainer
from shortstop.flywheel.composed.trainer import ComposedTrainer
from shortstop.flywheel.head.trainer import HeadTrainer
from shortstop.flywheel.prompt.trainer import PromptTrainer
from shortstop.flywheel.repeats.trainer import RepeatsTrainer
from shortstop.flywheel.tools.trainer import ToolTrainer
from shortstop.flywheel.trainer import Trainer

TRAINERS: tuple[Trainer, ...] = (
    RepeatsTrainer(),
    HeadTrainer(),
    BankTrainer(),
    ComposedTrainer(),
    ToolTrainer(),
    PromptTrainer(),
    AdapterTrainer(),
)

REMEMBERING: frozenset[str] = frozenset({RepeatsTrainer.kind})
"""The kinds that may know what the examination's texts were answered before, for they serve nothing
else."""
VETTED: frozenset[str] = frozenset({BankTrainer.kind})
"""The kinds that answer in vetted words alone: they have a target of their own."""
CALLING: frozenset[str] = frozenset({ToolTrainer.kind})
"""The kinds that learn from answers that are calls of tools; all others learn from words alone."""
