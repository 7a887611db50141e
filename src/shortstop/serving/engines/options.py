"""How to run a model on this machine: as the operator says, else as memory and cores allow."""

from __future__ import annotations

import logging

from msgspec import Struct

from shortstop.config import EngineConfig, ModelConfig
from shortstop.errors import ModelFileError
from shortstop.registry import GgufInfo
from shortstop.registry.catalogue import ENGINE_BYTES
from shortstop.serving.engines.machine import Machine

log = logging.getLogger(__name__)

SLOT_CONTEXT = 4096
"""Tokens of context of a slot, where nothing else is asked for."""
LEAST_CONTEXT = 512
USABLE = 0.8
"""Share of the free memory that weights and KV cache may take."""
CACHE_SHARE = 0.02
"""Share of the free memory that cached prompts may take."""
MAX_CACHE_MIB = 256
ROUND = 256
"""llama.cpp rounds a slot's context to a multiple of this."""


class EngineOptions(Struct, frozen=True):
    """How to run a model. `context` is that of all slots together, in tokens.

    `cpu` is a CPU module to compute with, or a folder of some; "" is the wheel's own code.
    `threads` generate; `batch_threads` read prompts, which gains by every core and waits for none.
    `cache_mib` bounds the prompts kept in memory besides those in the slots; `nice` is added to
    the process's niceness; `gpu_layers` -1 means all, where the engine's build has a GPU.
    `adapters` are files of LoRAs, which a request names by their place here; none applies to a
    request that names none.
    """

    threads: int
    context: int
    slots: int
    gpu_layers: int = -1
    cache_mib: int = MAX_CACHE_MIB
    nice: int = 1
    thinking: bool = False
    batch_threads: int = 1
    cpu: str = ""
    adapters: tuple[str, ...] = ()

    @property
    def context_per_slot(self) -> int:
        return self.context // self.slots

    @staticmethod
    def choose(
        model: ModelConfig,
        gguf: GgufInfo,
        machine: Machine | None = None,
        engine: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
    ) -> EngineOptions:
        """Keep what the operator set and make the rest fit into memory.

        Few slots: on a CPU several answers at once take as long as one after the other, and each
        slot's context costs memory. What a slot cannot hold goes to the frontier.
        Raises ModelFileError when the weights alone do not fit.
        """
        machine = machine or Machine.look()
        _require_memory(gguf, machine)
        threads = model.threads or engine.threads or machine.spare_cores
        slots = model.slots or _slots(machine)
        per_slot = min(model.context or SLOT_CONTEXT, gguf.context)
        if model.context and per_slot < model.context:
            log.warning("%s was trained on %d tokens: that is its context", gguf.name, gguf.context)
        affordable = _affordable(gguf, machine)
        while slots * per_slot > affordable and not model.slots and slots > 1:
            slots //= 2
        if slots * per_slot > affordable and not model.context:
            per_slot = max(LEAST_CONTEXT, affordable // slots // ROUND * ROUND)
        if slots * per_slot > affordable:
            log.warning("%s may not fit into memory with %d tokens", gguf.name, slots * per_slot)
        return EngineOptions(
            threads=threads,
            batch_threads=model.batch_threads or engine.batch_threads or machine.cores,
            context=per_slot * slots,
            slots=slots,
            gpu_layers=-1 if model.gpu_layers is None else model.gpu_layers,
            thinking=model.thinking,
            cache_mib=min(MAX_CACHE_MIB, int(machine.memory_free * CACHE_SHARE / 2**20)),
        )


def _slots(machine: Machine) -> int:
    return 2 if machine.cores <= 2 else 4 if machine.cores <= 8 else 8


def _affordable(gguf: GgufInfo, machine: Machine) -> int:
    """Tokens of context that memory has room for besides the weights."""
    room = machine.memory_free * USABLE - gguf.bytes - ENGINE_BYTES
    return max(0, int(room / gguf.kv_bytes)) if gguf.kv_bytes else 1 << 30


def _require_memory(gguf: GgufInfo, machine: Machine) -> None:
    if gguf.bytes > machine.memory:
        raise ModelFileError(
            f"{gguf.name} has {gguf.bytes / 1e9:.1f} GB of weights, this machine "
            f"{machine.memory / 1e9:.1f} GB of memory.",
            hint="`shortstop doctor` lists the models that fit.",
        )
