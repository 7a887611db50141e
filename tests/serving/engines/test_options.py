"""Threads, slots and context: the operator decides, memory and cores decide the rest."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import ModelConfig
from shortstop.errors import ModelFileError
from shortstop.registry import GgufInfo
from shortstop.registry.catalogue import ENGINE_BYTES
from shortstop.serving.engines.machine import Machine
from shortstop.serving.engines.options import USABLE, EngineOptions

GB = 10**9
SMALL = GgufInfo("llama", "small", 8192, 30, True, 135 * 10**6, "Q4_1", 23_040, 98_362_432)
LARGE = GgufInfo("llama", "large", 131_072, 36, True, 8 * GB, "Q4_K", 147_456, 5 * GB)


def machine(cores: int = 2, memory: int = 8 * GB, quota: float | None = None) -> Machine:
    return Machine(cores, cores, cores, quota, memory, None, memory)


def choose(gguf: GgufInfo, on: Machine, **said: int) -> EngineOptions:
    return EngineOptions.choose(ModelConfig(source="x", **said), gguf, on)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cores", "threads", "slots"), [(1, 1, 2), (2, 1, 2), (4, 3, 4), (8, 7, 4), (64, 63, 8)]
)
def test_one_core_is_left_to_the_gateway(cores: int, threads: int, slots: int) -> None:
    made = choose(SMALL, machine(cores))
    assert (made.threads, made.slots, made.context_per_slot) == (threads, slots, 4096)


def test_the_operator_decides() -> None:
    made = choose(SMALL, machine(), threads=5, slots=3, context=1024, gpu_layers=0)
    assert (made.threads, made.slots, made.context, made.gpu_layers) == (5, 3, 3072, 0)


def test_a_model_s_own_context_is_the_most(caplog: pytest.LogCaptureFixture) -> None:
    short = msgspec.structs.replace(SMALL, context=2048)
    assert choose(short, machine()).context_per_slot == 2048
    assert caplog.text == ""
    assert choose(short, machine(), context=4096).context_per_slot == 2048
    assert "trained on 2048" in caplog.text


def test_a_container_s_quota_counts() -> None:
    assert choose(SMALL, machine(64, quota=4.0)).threads == 3
    assert choose(SMALL, machine(64, quota=0.5)).threads == 1


def test_little_memory_gives_up_slots_first_and_context_next() -> None:
    assert choose(LARGE, machine(8, 16 * GB)).context == 4 * 4096
    tight = choose(LARGE, machine(8, int(8.2 * GB)))
    assert (tight.slots, tight.context_per_slot) == (2, 4096)
    tighter = choose(LARGE, machine(8, int(6.8 * GB)))
    assert tighter.slots == 1
    assert 512 <= tighter.context_per_slot < 4096
    assert tighter.context_per_slot % 256 == 0


def test_a_model_larger_than_memory_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"5\.0 GB of weights") as caught:
        choose(LARGE, machine(8, 4 * GB))
    assert "doctor" in caught.value.hint


@given(cores=st.integers(1, 256), memory=st.integers(LARGE.bytes, 1000 * GB))
def test_what_is_chosen_fits_or_is_the_least(cores: int, memory: int) -> None:
    made = choose(LARGE, machine(cores, memory))
    needed = LARGE.bytes + ENGINE_BYTES + made.context * LARGE.kv_bytes
    assert needed <= memory * USABLE or (made.slots, made.context) == (1, 512)
    assert 1 <= made.threads <= cores
    assert made.context == made.slots * made.context_per_slot
